"""A run whose head reads the mean of the tokens, opened again: the same answers, and no folder of weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.helpers.runs import composed
from tests.helpers.stopping import RUN

from sentiment_transfer import cli, load
from sentiment_transfer.config.overrides import adapted
from sentiment_transfer.errors import UserError
from sentiment_transfer.export.pooling import refuse_without_onnx
from sentiment_transfer.results.predictions import read_predictions

TEXTS = ["a good book, I liked it", "bad, broken, do not buy", "fine", "the worst of all", "great and cheap"]


def test_the_answers_are_those_that_were_scored_and_no_folder_is_exported(tmp_path: Path) -> None:
    file, run = tmp_path / "shop.csv", tmp_path / "run"
    lines = [f'"{text}",{label}' for text, label in zip(TEXTS, (1, 0, 1, 0, 1), strict=True)]
    file.write_text("\n".join(["text,label", *lines]), encoding="utf-8")
    run.mkdir()
    shop = f"targets={{shop: {{path: {file}, language: en}}}}"
    cli.train(
        composed(*adapted([*(each for each in RUN if "targets." not in each), "model.pooling=mean", shop])), str(run)
    )
    scored = read_predictions(run, "shop")
    answers = load(run, selection="last", accelerator="cpu").predict(TEXTS)
    positive = [answer.probabilities["positive"] for answer in answers]
    np.testing.assert_allclose(scored.probabilities["last"][:, 1], positive, atol=1e-2)
    with pytest.raises(UserError, match=r"trained with model\.pooling=mean.*Type onnx=true"):
        refuse_without_onnx(run)
