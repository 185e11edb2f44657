"""The progress bar."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytorch_lightning.loggers import CSVLogger
from tests.helpers.pretrained import pretrained, reviews, trainer

from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.model.network import load_network
from sentiment_transfer.training.bar import EpochBar
from sentiment_transfer.training.trainer import MEANT

pytestmark = [pytest.mark.filterwarnings(f"ignore:{message}") for message in MEANT]


def test_epochs_are_counted_from_one_and_the_loggers_version_is_no_metric(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = pretrained(tmp_path / "encoder")
    network = load_network(str(folder), classes=("negative", "positive"), vocabulary=50, seed=0)
    module = SentimentClassifier(network, learning_rate=1e-3, packed=True, cache_dir=folder)
    data = reviews(tmp_path, packed=True)
    shown = {"enable_progress_bar": True, "logger": CSVLogger(tmp_path), "max_epochs": 2, "limit_train_batches": 2}
    fit = trainer(tmp_path, callbacks=[EpochBar()], **shown)
    fit.fit(module, datamodule=data)
    fit.predict(module, data.test_dataloader())
    said = "".join(capsys.readouterr())
    assert "epoch 1/2" in said and "epoch 2/2" in said and "scoring" in said
    assert "Epoch" not in said and "v_num" not in said and "Predicting" not in said
