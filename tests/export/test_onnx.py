"""The ONNX versions answer as the original does, whatever the batch and the length, and what they lose is said."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("onnxscript", reason="the extra is not installed: pip install 'sentiment-transfer[onnx]'")
pytest.importorskip("onnxruntime", reason="the extra is not installed: pip install 'sentiment-transfer[onnx]'")


from sentiment_transfer.checkpoints.opening import open_model
from sentiment_transfer.errors import UserError
from sentiment_transfer.export import agreement
from sentiment_transfer.export.card.scores import FP32, INT8
from sentiment_transfer.export.onnx import session

Export = Callable[..., None]


@pytest.fixture(scope="module")
def converted(tiny_run: Path, export: Export, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports") / "model"
    export(tiny_run, folder, "onnx=true", "int8=true")
    return folder


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (3, 2), (2, 64), (7, 33)])
def test_any_batch_and_any_length_give_the_originals_logits(
    shape: tuple[int, int], converted: Path, tiny_run: Path
) -> None:
    network = open_model(str(tiny_run)).network
    ids = torch.from_numpy(np.random.default_rng(0).integers(4, len(network.get_input_embeddings().weight), shape))
    mask = torch.ones_like(ids)
    if shape[1] > 2:
        ids[0, -2:], mask[0, -2:] = 1, 0
    with torch.inference_mode():
        expected = network(input_ids=ids, attention_mask=mask).logits.numpy()
    (logits,) = session(converted / FP32).run(None, {"input_ids": ids.numpy(), "attention_mask": mask.numpy()})
    assert np.abs(logits - expected).max() < 1e-5


def test_the_graph_takes_ids_and_mask_and_gives_logits(converted: Path) -> None:
    for file in (FP32, INT8):
        runtime = session(converted / file)
        assert [(each.name, each.type) for each in runtime.get_inputs()] == [
            ("input_ids", "tensor(int64)"),
            ("attention_mask", "tensor(int64)"),
        ]
        assert [each.name for each in runtime.get_outputs()] == ["logits"]


def test_the_card_has_what_was_measured_on_every_test_set(converted: Path) -> None:
    card = (converted / "README.md").read_text()
    rows = [line for line in card.splitlines() if line.startswith("| onnx/")]
    assert [row.split("|")[1:3] for row in rows] == [
        [f" {file} ", f" {name} "] for name in ("written_en", "written_ja", "written_id") for file in (FP32, INT8)
    ]
    assert all(row.split("|")[5] == " 100.00 % " for row in rows if FP32 in row)
    assert "- onnx\n" in card.partition("\n# ")[0]


def test_int8_is_smaller_and_another_network(converted: Path, tiny_run: Path) -> None:
    assert (converted / INT8).stat().st_size < 0.4 * (converted / FP32).stat().st_size
    feed = {"input_ids": np.array([[0, 5, 6, 2]]), "attention_mask": np.ones((1, 4), dtype=np.int64)}
    full, quantised = (session(converted / file).run(None, feed)[0] for file in (FP32, INT8))
    assert 0 < np.abs(full - quantised).max() < 0.5


def test_a_graph_that_answers_otherwise_is_not_handed_out(
    tiny_run: Path, export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agreement, "SAME", 0.0)
    with pytest.raises(UserError, match="does not answer as the original: on written_en"):
        export(tiny_run, tmp_path / "model", "onnx=true")
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_named_before_any_work(
    tiny_run: Path, export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(UserError, match=r"needs the package onnxscript.*\[onnx\]"):
        export(tiny_run, tmp_path / "model", "int8=true")
    assert not list(tmp_path.iterdir())
