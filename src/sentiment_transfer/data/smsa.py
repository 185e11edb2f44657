"""SmSA (Purwarianti & Crisdayanti 2019) as in IndoNLU (Wilie et al. 2020): Indonesian reviews of many platforms.

Files ``{train,valid,test}_preprocess.tsv``: text, tab, positive, neutral or negative; no header, no quoting. The
published metric is three-class macro-F1 on the 500 test rows (``classes=3``).
"""

from __future__ import annotations

from pathlib import Path

from sentiment_transfer.data.base import ReviewDataModule, Split
from sentiment_transfer.data.catalog import SmSAConfig
from sentiment_transfer.data.download import published_file, raw_url
from sentiment_transfer.data.labels import index_of, without_dropped
from sentiment_transfer.data.reviews import Reviews
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.text import data_folder, delimited_rows

REPOSITORY = "IndoNLP/indonlu"
COMMIT = "ce728f6926a36174b9923dfe49d6a6839b6e9bb7"
FOLDER = "dataset/smsa_doc-sentiment-prosa"
FILES: dict[Split, str] = {
    "train": "train_preprocess.tsv",
    "dev": "valid_preprocess.tsv",
    "test": "test_preprocess.tsv",
}
SHA256 = {
    "train_preprocess.tsv": "50f38ceed9b31521bf1581e126620532cc9b790712938159a2cdcf6906977a9b",
    "valid_preprocess.tsv": "6ab41ddc9d58a35086f05ebd2e209c74cb03d87d4f51d6abdfba674eafbefa74",
    "test_preprocess.tsv": "4e8016daa8e4e1b193f2a28a79d3a7804dd4e3f926a3ab7e8a64264f5f416a6f",
}


class SmSADataModule(ReviewDataModule):
    """SmSA, binary (neutral dropped) or with its three classes; downloaded if ``data_dir/smsa_id`` lacks it."""

    schema = SmSAConfig
    name = "smsa_id"
    language = "id"
    domain = "multi-platform reviews"

    def read(self, split: Split) -> Reviews:
        name = FILES[split]
        local = data_folder(self.data_dir) / self.name
        if (local / name).is_file():
            refuse_masked(local / name)
        path = published_file(
            name,
            SHA256[name],
            raw_url(REPOSITORY, COMMIT, f"{FOLDER}/{name}"),
            local=local,
            downloads=self.cache_dir / "downloads" / self.name,
            licence=self.licence,
        )
        rows = [(f"{split}:{line}", text, index_of(word, self.classes)) for line, (text, word) in smsa_rows(path)]
        return without_dropped(rows, language=self.language, domain=self.domain, classes=self.classes)


def smsa_rows(path: Path) -> list[tuple[int, list[str]]]:
    return list(delimited_rows(path, delimiter="\t", quoted=False))


def refuse_masked(path: Path) -> None:
    """Raises UserError for the published test file whose labels are hidden, whatever its name.

    Every row of ``test_preprocess_masked_label.tsv`` says neutral: a perfect model would reach 17.6 % on it.
    """
    words = {row[-1] for _, row in smsa_rows(path)}
    if words == {"neutral"}:
        raise UserError(
            f"{path} holds the test set with masked labels (every row is neutral): nothing can be scored on it. "
            "Replace it by test_preprocess.tsv from the IndoNLU repository, or remove it to have that downloaded."
        )
