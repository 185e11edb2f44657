"""NaN and infinity in weights are refused wherever weights are opened."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.helpers.encoders import pretrained_folder
from tests.helpers.runs import SMALL, trained
from tests.helpers.tiny import load

from sentiment_transfer.checkpoints.opening import open_model
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.finite import is_finite
from sentiment_transfer.results.record import read_result, write_result
from sentiment_transfer.runs.average import main
from sentiment_transfer.training.weights import load_weights

SENTENCE = r"hold values that are not numbers \(NaN or infinity\), in .*(LayerNorm|lora|word)"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.float8_e4m3fn])
def test_each_value_counts(dtype: torch.dtype) -> None:
    largest = torch.full((3, 5), torch.finfo(dtype).max, dtype=torch.float64).to(dtype)
    assert is_finite(largest) and is_finite(largest[:0])
    for value in (float("nan"), float("inf"), -float("inf")):
        spoilt = torch.zeros(3, 5)
        spoilt[1, 2] = value
        if torch.isfinite(spoilt.to(dtype).float()).all():
            continue  # 8 bits have no infinity
        assert not is_finite(spoilt.to(dtype))


def spoilt(path: Path, suffix: str = "LayerNorm.weight", value: float = float("nan"), values: int = 1) -> None:
    tensors = load_file(path)
    name = next(name for name in tensors if name.endswith(suffix))
    tensors[name] = tensors[name].clone()
    tensors[name].view(-1)[-values:] = value
    save_file(tensors, path, metadata={"format": "pt"})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_an_encoder_is_refused(saved: Path, value: float) -> None:
    spoilt(saved / "model.safetensors", value=value)
    with pytest.raises(UserError, match=SENTENCE):
        load(saved)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("runs")
    encoder = pretrained_folder(folder / "encoder")
    options = ("model=local", f"model.encoder={encoder}", "model.init_seed=0", "trainer.max_epochs=1")
    for seed in range(2):
        trained(folder / f"s{seed}", *SMALL, *options, f"seed={seed}")
    return [folder / "s0", folder / "s1"]


def test_a_run_is_refused_and_its_weights_are_not_averaged(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copytree(runs[1], tmp_path / "copy"))
    [weights] = copy.glob("weights/*")
    spoilt(weights)
    with pytest.raises(UserError, match=SENTENCE):
        open_model(str(copy))
    for order in ([runs[0], copy], [copy, runs[0]]):
        capsys.readouterr()
        assert main([*map(str, order), "--out", str(tmp_path / "mean")]) == 1
        assert "not numbers (NaN or infinity)" in capsys.readouterr().err
    network = open_model(str(runs[0])).network
    tensors = {name: tensor.contiguous().clone() for name, tensor in network.state_dict().items()}
    save_file(tensors, tmp_path / "own.safetensors")
    spoilt(tmp_path / "own.safetensors")
    with pytest.raises(UserError, match=SENTENCE):
        load_weights(network, tmp_path / "own.safetensors")


def test_rows_that_a_run_reads_from_its_encoder_count(runs: list[Path], tmp_path: Path) -> None:
    encoder = runs[0].parent / "encoder" / "model.safetensors"
    kept = encoder.read_bytes()
    try:
        spoilt(encoder, "word_embeddings.weight", values=0)  # every one: which rows the run kept depends on its texts
        copy = Path(shutil.copytree(runs[0], tmp_path / "copy"))
        (copy / "model" / "embedding.safetensors").unlink()  # else the encoder is not read
        result = read_result(copy)
        del result["inputs"]["embedding"]  # as in the first records of this version: else another encoder is named
        write_result(copy, result)
        with pytest.raises(UserError, match=SENTENCE):
            open_model(str(copy))
    finally:
        encoder.write_bytes(kept)


def test_a_weights_file_that_is_none_is_not_averaged(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copytree(runs[1], tmp_path / "copy"))
    [weights] = copy.glob("weights/*")
    for content, words in ((b"", "damaged or truncated"), (b"PK\x03\x04" + b"a" * 50, "is a pickle or a zip")):
        weights.write_bytes(content)
        capsys.readouterr()
        assert main([str(runs[0]), str(copy), "--out", str(tmp_path / "mean")]) == 1
        assert words in capsys.readouterr().err
