"""IndoLEM sentiment (Koto et al. 2020): Indonesian tweets and hotel reviews in five published folds.

Files ``{train,dev,test}{0..4}.csv`` with the header ``sentence,sentiment``, 1 = positive, sorted by label. The
published metric is the F1 of the positive class, averaged over the five test sets.
"""

from __future__ import annotations

from sentiment_transfer.data.base import ReviewDataModule, Split
from sentiment_transfer.data.catalog import IndoLEMConfig
from sentiment_transfer.data.download import published_file, raw_url
from sentiment_transfer.data.reviews import Reviews
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.text import data_folder, delimited_rows

FOLDS = 5
REPOSITORY = "indolem/indolem"
COMMIT = "777fdc680cfa85243f08e60045e3d34ca49756ed"
SHA256 = {
    "train0.csv": "fba0e0c1518e8fb481a8864baafdaa55e29766eaf4335d02da98cc0d80132527",
    "train1.csv": "a8e00febaed135d34b904b21a944513e58848aa73fecd8ab670de0a5719afa84",
    "train2.csv": "d46ce0fe0710d330c8ccb6b3212917a30208f42053791d5e78612ba16ed7e169",
    "train3.csv": "a3080741ab8d7bd3e650a488f206eb2915fff43d27b9ef21fcc118dd063da0f1",
    "train4.csv": "3c32fe13caa55fe34863fe5fe66b82823254708eb8a2d714e6a7313e324c44da",
    "dev0.csv": "4964a3d78a91df7c5ef5825fc80f5893f317acf1173ecaf09cfdbb997038256e",
    # The published dev1 to dev4 are one and the same file.
    "dev1.csv": "ca7d2dae92498200ade5fa6ed9a849672e9d046b36cd75cb2f1a1f6cfcbc05af",
    "dev2.csv": "ca7d2dae92498200ade5fa6ed9a849672e9d046b36cd75cb2f1a1f6cfcbc05af",
    "dev3.csv": "ca7d2dae92498200ade5fa6ed9a849672e9d046b36cd75cb2f1a1f6cfcbc05af",
    "dev4.csv": "ca7d2dae92498200ade5fa6ed9a849672e9d046b36cd75cb2f1a1f6cfcbc05af",
    "test0.csv": "1eb8881f9f9330d4a5bc0f160e249a5ae2bea607b5118ea9105d8e9db20a4dfb",
    "test1.csv": "db94a0be06ea0e26b73075fb6eeeb46d11e2495b2cda25d8dcf570a4c894f065",
    "test2.csv": "9b3dc68c446c5246f7ea00074e70883e5cea42662e1f6f77f6b9497332a04756",
    "test3.csv": "dbed593abbc987bdf450b01b02837ca95fb2776dc30ff1d052c74fc539cc0962",
    "test4.csv": "425b25ca2b95d57afd58f15349eca44568b20e15bb229c6cbc592022a72ff49e",
}


class IndoLEMDataModule(ReviewDataModule):
    """IndoLEM sentiment, binary as published; files that ``data_dir/indolem_id`` lacks are downloaded.

    Without a ``fold`` (0 to 4), there is no train or dev split, and the test split is the five published ones one after
    the other, told apart by the ``fold`` column.
    """

    schema = IndoLEMConfig
    name = "indolem_id"
    language = "id"
    domain = "tweets and hotel reviews"

    @property
    def fold(self) -> int | None:
        return self.config.fold

    def has(self, split: Split) -> bool:
        return split == "test" or self.fold is not None

    def read(self, split: Split) -> Reviews:
        if not self.has(split):
            raise UserError(
                f"indolem_id: the {split} split belongs to a fold. Add fold=0 (to 4), for example "
                "source.indolem_id.fold=0; without a fold there are only the five test sets."
            )
        folds = range(FOLDS) if self.fold is None else [self.fold]
        ids, texts, labels, fold_of_row = [], [], [], []
        for fold in folds:
            for line, (text, label) in self._rows(f"{split}{fold}.csv"):
                ids.append(f"{split}{fold}:{line}")
                texts.append(text)
                labels.append(int(label))
                fold_of_row.append(fold)
        return Reviews.from_columns(ids, texts, labels, folds=fold_of_row, language=self.language, domain=self.domain)

    def _rows(self, name: str) -> list[tuple[int, list[str]]]:
        path = published_file(
            name,
            SHA256[name],
            raw_url(REPOSITORY, COMMIT, f"sentiment/data/{name}"),
            local=data_folder(self.data_dir) / self.name,
            downloads=self.cache_dir / "downloads" / self.name,
            licence=self.licence,
        )
        return list(delimited_rows(path))[1:]
