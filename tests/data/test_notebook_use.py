"""Every DataModule alone in a Trainer, as in a notebook: no Hydra, no run directory, a tokenizer and go."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
from tests.helpers.learnt import learnt_tokenizer
from tests.helpers.memory import MemoryDataModule, some

from sentiment_transfer.data.amazon import AmazonReviewsDataModule
from sentiment_transfer.data.base import ReviewDataModule
from sentiment_transfer.data.csv_reviews import CSVDataModule
from sentiment_transfer.data.indolem import IndoLEMDataModule
from sentiment_transfer.data.rakuten import RakutenDataModule
from sentiment_transfer.data.reviews import BINARY, THREE_CLASS
from sentiment_transfer.data.smsa import SmSADataModule
from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.data.written_reviews import WrittenDataModule
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.model.network import load_network
from sentiment_transfer.training.trainer import MEANT

pytestmark = [pytest.mark.filterwarnings(f"ignore:{message}") for message in MEANT]


def trainer(folder: Path) -> pl.Trainer:
    return pl.Trainer(
        fast_dev_run=True, accelerator="cpu", default_root_dir=folder, enable_model_summary=False, logger=False
    )


def classifier(classes: tuple[str, ...] = BINARY, **options: Any) -> SentimentClassifier:
    network = load_network("builtin:scratch", classes=classes, vocabulary=len(learnt_tokenizer()), seed=0)
    return SentimentClassifier(network, classes=classes, learning_rate=1e-3, **options)


def common(folder: Path) -> dict[str, Any]:
    return {"tokenizer": learnt_tokenizer(), "batch_size": 8, "max_length": 32, "limit": 32, "cache_dir": folder}


def assert_trains_and_predicts(module: pl.LightningDataModule, folder: Path, classes: tuple[str, ...] = BINARY) -> None:
    model = classifier(classes)
    before = model.network.classifier.out_proj.weight.clone()
    fit = trainer(folder)
    fit.fit(model, datamodule=module)
    assert fit.callback_metrics["dev/dev/loss"] > 0
    assert 0 <= fit.callback_metrics["train/accuracy"] <= 1
    assert not model.network.classifier.out_proj.weight.equal(before)
    outputs = trainer(folder).predict(model, dataloaders=module.test_dataloader())
    assert outputs
    first = outputs[0] if isinstance(outputs[0], dict) else outputs[0][0]
    assert first["probabilities"].shape == (len(first["rows"]), len(classes))


def written(folder: Path) -> ReviewDataModule:
    return WrittenDataModule("en", **common(folder))


def own_csv(folder: Path) -> ReviewDataModule:
    lines = [f"review {number},{('bad', 'good')[number % 2]}" for number in range(60)]
    (folder / "own.csv").write_text("\n".join(["body,verdict", *lines]))
    labels = {"good": "positive", "bad": "negative"}
    return CSVDataModule(folder / "own.csv", "body", "verdict", labels, language="en", **common(folder))


def amazon(folder: Path) -> ReviewDataModule:
    for split in ("train", "dev", "test"):
        path = folder / "amazon_en" / f"dataset_en_{split}.json"
        path.parent.mkdir(exist_ok=True)
        rows = [{"stars": 1 + row % 5, "review_title": "t", "review_body": f"{split} {row}"} for row in range(10)]
        path.write_text("\n".join(map(json.dumps, rows)))
    return AmazonReviewsDataModule("en", data_dir=folder, **common(folder))


def rakuten(folder: Path) -> ReviewDataModule:
    (folder / "rakuten_ja").mkdir()
    rows = "".join(f'"{1 + row % 2}","題 {row}","本文"\n' for row in range(40))
    for split in ("train", "test"):
        (folder / "rakuten_ja" / f"{split}.csv").write_text(rows, encoding="utf-8")
    return RakutenDataModule(data_dir=folder, **common(folder))


@pytest.mark.parametrize("make", [written, own_csv, amazon, rakuten])
def test_each_dataset_trains_alone(make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AmazonReviewsDataModule, "rows_per_star", {"train": 2, "dev": 2, "test": 2})
    assert_trains_and_predicts(make(tmp_path), tmp_path)


@pytest.mark.real_data
def test_the_indonesian_datasets_train_alone(real_data: Path, tmp_path: Path) -> None:
    assert_trains_and_predicts(IndoLEMDataModule(fold=1, data_dir=real_data, **common(tmp_path)), tmp_path)
    three = SmSADataModule(classes=3, data_dir=real_data, **common(tmp_path))
    assert_trains_and_predicts(three, tmp_path, THREE_CLASS)


def test_a_transfer_trains_with_a_tokenizer_of_its_own(tmp_path: Path) -> None:
    data = TransferDataModule(
        source={"written_en": WrittenDataModule("en", limit=32)},
        targets={"written_ja": WrittenDataModule("ja", limit=32), "written_id": WrittenDataModule("id", limit=32)},
        tokenizer=learnt_tokenizer(),
        batch_size=8,
        max_length=32,
        cache_dir=tmp_path,
    )
    assert_trains_and_predicts(data, tmp_path)
    assert [s.name for s in data.test_sets] == ["written_en", "written_ja", "written_id"]
    assert data.audit["splits"]["written_ja"]["test"]["rows"] == 32


def test_a_dataset_is_one_more_subclass(tmp_path: Path) -> None:
    mine = MemoryDataModule("mine", train=some("a", 20), dev=some("b", 8), test=some("c", 8), **common(tmp_path))
    assert_trains_and_predicts(mine, tmp_path)


def test_a_tokenizer_may_be_named_by_its_folder(tmp_path: Path) -> None:
    learnt_tokenizer().save_pretrained(tmp_path / "tokenizer")
    options = common(tmp_path) | {"tokenizer": str(tmp_path / "tokenizer")}
    (batch, *_) = MemoryDataModule("mine", train=some("a", 20), **options).train_dataloader()
    assert batch.keys() == {"input_ids", "attention_mask", "labels", "rows"}


def test_reviews_need_no_tokenizer_and_batches_say_that_they_do(tmp_path: Path) -> None:
    module = WrittenDataModule("en", limit=10)
    assert len(module.reviews("test")) == 10
    with pytest.raises(
        UserError, match=r'WrittenDataModule was created without a tokenizer.*Pass tokenizer="FacebookAI'
    ):
        module.train_dataloader()


def test_every_split_is_read_once_and_limited_with_its_shares() -> None:
    module = MemoryDataModule("mine", train=some("a", 100), limit=10, seed=4)
    rows = module.reviews("train")
    assert rows is module.reviews("train")
    assert module.reads == ["train"]
    assert rows.label_counts() == {"negative": 5, "positive": 5}
    assert rows.ids == sorted(rows.ids, key=lambda name: int(name.rpartition("-")[2])), (
        "a subset keeps the file's order"
    )
    other = MemoryDataModule("mine", train=some("a", 100), limit=10, seed=5).reviews("train")
    assert rows.ids != other.ids


def test_a_split_without_rows_is_refused_with_what_was_left_out() -> None:
    with pytest.raises(UserError, match="mine: the train split has no rows"):
        MemoryDataModule("mine", train=[]).reviews("train")


def test_the_next_epoch_of_a_notebook_has_another_order(tmp_path: Path) -> None:
    class Seen(pl.Callback):
        def __init__(self) -> None:
            self.rows: dict[int, list[int]] = {}

        def on_train_batch_start(self, fit: pl.Trainer, model: Any, batch: Any, number: int) -> None:
            self.rows.setdefault(fit.current_epoch, []).extend(batch["rows"].tolist())

    seen = Seen()
    fit = pl.Trainer(
        max_epochs=2,
        limit_val_batches=0,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        default_root_dir=tmp_path,
        callbacks=[seen],
    )
    fit.fit(
        classifier(), datamodule=MemoryDataModule("mine", train=some("a", 24), dev=some("b", 8), **common(tmp_path))
    )
    assert sorted(seen.rows[0]) == sorted(seen.rows[1]) == list(range(24))
    assert seen.rows[0] != seen.rows[1]


@pytest.mark.parametrize(("values", "options"), [(("en", "body", True, 1), {}), (("en",), {"language": "ja"})])
def test_an_option_is_given_once(values: tuple[object, ...], options: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="takes each of these once: language, text_rule, complete"):
        AmazonReviewsDataModule(*values, **options)
