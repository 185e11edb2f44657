"""Sentiment Labelled Sentences (Kotzias et al. 2015): English sentences from Amazon, IMDb and Yelp, 1,000 each.

Three files in one zip file of the UCI Machine Learning Repository (dataset 331): sentence, tab, 0 or 1; no header, no
quoting. There are no published splits: fractions are cut off, shuffled and stratified, the same for every seed.
"""

from __future__ import annotations

from pathlib import Path

from sentiment_transfer.data.catalog import CSVConfig, UCIConfig
from sentiment_transfer.data.csv_reviews import CSVDataModule, Paths
from sentiment_transfer.data.download import published_files
from sentiment_transfer.files.text import data_folder

URL = "https://archive.ics.uci.edu/static/public/331/sentiment+labelled+sentences.zip"
SHA256 = {
    "amazon_cells_labelled.txt": "47003fc0a0d4840b00e96e715b6189bad09e7443a3da41c4cbe12ffc79f86ae3",
    "imdb_labelled.txt": "aef2e49e3da25714d61175e3a6e68eeef74a20a2f914318dc3be9947ea86512d",
    "yelp_labelled.txt": "c76468b7b5c6e56a0804d728345c5f84aa2142ddb214420f61cc9cfd4c00d2ea",
}
DOMAINS = {"amazon_cells_labelled.txt": "products", "imdb_labelled.txt": "films", "yelp_labelled.txt": "restaurants"}


class UCIDataModule(CSVDataModule):
    """Sentiment Labelled Sentences, binary as published; files that ``data_dir/uci_en`` lacks are downloaded."""

    schema = UCIConfig
    name = "uci_en"
    language = "en"
    domain = "product, film and restaurant sentences"
    ways_to_a_split = "Give it a fraction."

    def domains(self) -> dict[str, str]:
        reviews = self.reviews("test")
        return {each: DOMAINS[each.partition(":")[0]] for each in reviews.ids}

    def as_file(self) -> CSVConfig:
        return CSVConfig(
            path=list(SHA256),
            text=0,
            label=1,
            labels={"0": "negative", "1": "positive"},
            header=False,
            delimiter="\t",
            quoted=False,  # quotes are text
            dev_fraction=self.config.dev_fraction,
            test_fraction=self.config.test_fraction,
        )

    def _files(self, path: Paths) -> list[Path]:
        return published_files(
            SHA256,
            URL,
            local=data_folder(self.data_dir) / self.name,
            downloads=self.cache_dir / "downloads" / self.name,
            licence=self.licence,
        )
