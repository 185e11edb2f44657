"""Sentiment Labelled Sentences (Kotzias et al. 2015): English sentences from Amazon, IMDb and Yelp, 1,000 each.

Three files in one zip file of the UCI Machine Learning Repository (dataset 331): sentence, tab, 0 or 1; no header, no
quoting. There are no published splits: shares are cut off, shuffled and stratified, the same for every seed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sentiment_transfer.data.csv_reviews import CSVDataModule, Paths
from sentiment_transfer.data.download import published_files
from sentiment_transfer.export.card.facts import dataset_facts
from sentiment_transfer.files.text import data_folder

URL = "https://archive.ics.uci.edu/static/public/331/sentiment+labelled+sentences.zip"
SHA256 = {
    "amazon_cells_labelled.txt": "47003fc0a0d4840b00e96e715b6189bad09e7443a3da41c4cbe12ffc79f86ae3",
    "imdb_labelled.txt": "aef2e49e3da25714d61175e3a6e68eeef74a20a2f914318dc3be9947ea86512d",
    "yelp_labelled.txt": "c76468b7b5c6e56a0804d728345c5f84aa2142ddb214420f61cc9cfd4c00d2ea",
}


class UCIDataModule(CSVDataModule):
    """Sentiment Labelled Sentences, binary as published.

    Args:
        dev_fraction, test_fraction: what is cut off for these splits. ``test_fraction=1.0``: all is the test set, as
            for a target.
        data_dir: the folder that holds ``uci_en/``; files that are not there are downloaded.
    """

    ways_to_a_split = "Give it a share."

    def __init__(
        self, dev_fraction: float = 0.1, test_fraction: float = 0.1, data_dir: str | Path | None = None, **common: Any
    ) -> None:
        super().__init__(
            list(SHA256),
            text=0,
            label=1,
            labels={"0": "negative", "1": "positive"},
            language="en",
            name="uci_en",
            header=False,
            dev_fraction=dev_fraction,
            test_fraction=test_fraction,
            domain="product, film and restaurant sentences",
            data_dir=data_dir,
            **common,
        )

    def _files(self, path: Paths) -> list[Path]:
        return published_files(
            SHA256,
            URL,
            local=data_folder(self.data_dir) / self.name,
            downloads=self.cache_dir / "downloads" / self.name,
            licence=dataset_facts({"kind": "uci"}).licence,
        )
