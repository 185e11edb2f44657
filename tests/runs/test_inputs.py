"""A run is not continued, and not shown as finished, with other inputs than it began with."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.helpers.distant import distant
from tests.helpers.encoders import pretrained_folder
from tests.helpers.runs import composed, trained
from tests.helpers.stopping import Steps, differences, send, stopped

from sentiment_transfer.config.run_name import run_name
from sentiment_transfer.data.csv_reviews import CSVDataModule
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.packed.network import PackedNetwork
from sentiment_transfer.results.record import is_finished, read_result

WORDS = {"pos": ("good", "lovely", "great", "fine"), "neg": ("bad", "awful", "poor", "dull")}
ROWS = [f"the {thing} was {w},{label}" for thing in ("room", "food", "film") for label in WORDS for w in WORDS[label]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The options of a run on a CSV file of 24 rows and an encoder in a folder, both in the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("torch.cpu._is_amx_tile_supported", lambda: False)
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: False)
    write(ROWS)
    pretrained_folder(tmp_path / "encoder")
    return (
        *("experiment=tiny", "model=local", f"model.encoder={tmp_path}/encoder", "model.learning_rate=1e-3"),
        *("source=csv", "source.csv.path=own.csv", "source.csv.language=en", "source.csv.dev_fraction=0.2"),
        *("targets=none", "trainer.batch_size=4", "trainer.max_epochs=2", "trainer.precision=auto", "logger=none"),
    )


def write(rows: list[str]) -> None:
    Path("own.csv").write_text("text,label\n" + "\n".join(rows) + "\n")


def begun(folder: Path, *options: str) -> None:
    """Stop a run in the middle of its second epoch."""
    with pytest.MonkeyPatch.context() as patch:
        steps = Steps(patch)
        steps.at, steps.then = 6, send(15)
        stopped(folder, *options)
    assert (folder / "checkpoints" / "last.ckpt").is_file()


def flipped() -> None:
    write([row.replace(",pos", ",x").replace(",neg", ",pos").replace(",x", ",neg") for row in ROWS])


def other_weights() -> None:
    from safetensors.torch import load_file, save_file

    path = Path("encoder/model.safetensors")
    state = load_file(path)
    name = next(n for n in state if n.endswith("layer.0.output.dense.bias"))
    state[name] = state[name] + 1e-3
    save_file(state, path, metadata={"format": "pt"})


def other_dropout() -> None:
    path = Path("encoder/config.json")
    path.write_text(path.read_text().replace('"hidden_dropout_prob": 0.1', '"hidden_dropout_prob": 0.2'))


def another_test_text() -> None:
    """The test split, which nothing is trained on: but its tokens are those of the trimmed vocabulary."""
    reviews = CSVDataModule("own.csv", language="en", dev_fraction=0.2).reviews("test")
    text = reviews.table["text"][0].as_py()
    write([row.replace(text, "zzz quite unheard of qqq") for row in ROWS])


CHANGES: dict[str, tuple[Callable[[], None], str]] = {
    "labels flipped": (flipped, "The texts or labels of csv dev, csv train have changed"),
    "rows reversed": (lambda: write(ROWS[::-1]), "The texts or labels of csv dev, csv train have changed"),
    "a row removed": (lambda: write(ROWS[:-1]), "The texts or labels of csv train have changed|of csv dev, csv train"),
    "a test text": (another_test_text, "The texts of csv test have changed, and have other tokens"),
    "encoder's weights": (other_weights, "The encoder has other weights or another configuration"),
    "encoder's config": (other_dropout, "The encoder has other weights or another configuration"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_run_is_not_continued_with_other_inputs_but_with_the_former_ones(
    change: str, run: tuple[str, ...], tmp_path: Path
) -> None:
    alter, sentence = CHANGES[change]
    trained(tmp_path / "whole", *run)
    begun(tmp_path / "cut", *run)
    shutil.copytree("encoder", "encoder-before")
    alter()
    with pytest.raises(UserError, match=sentence) as refused:
        trained(tmp_path / "cut", *run)
    assert "delete" in str(refused.value) and not is_finished(tmp_path / "cut")
    shutil.rmtree("encoder")
    Path("encoder-before").rename("encoder")
    write(ROWS)
    trained(tmp_path / "cut", *run)
    assert [d for d in differences(tmp_path / "whole", tmp_path / "cut", least=2) if d != "inputs"] == []


def test_a_run_in_bf16_is_not_continued_without_it_nor_without_its_kernels(
    run: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: True)
    monkeypatch.setattr(PackedNetwork, "can_build_kernels", lambda network: True)  # of an encoder that has some
    begun(tmp_path / "cut", *run)
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: False)
    with pytest.raises(UserError, match="begun in bf16-mixed, and this attempt would compute in 32-true"):
        trained(tmp_path / "cut", *run)
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: True)
    monkeypatch.setattr(PackedNetwork, "can_build_kernels", lambda network: False)  # as where no compiler is
    with pytest.raises(UserError, match=r"packed, fused kernels, and .* packed: go on .* C compiler"):
        trained(tmp_path / "cut", *run)


def test_a_run_goes_on_with_the_threads_that_it_began_with(run: tuple[str, ...], tmp_path: Path) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        trained(tmp_path / "whole", *run)
        torch.set_num_threads(3)
        begun(tmp_path / "cut", *run)
        torch.set_num_threads(1)  # as OMP_NUM_THREADS=1 would
        result = trained(tmp_path / "cut", *run)
    finally:
        torch.set_num_threads(before)
    assert result["inputs"]["threads"] == result["device"]["threads"] == 3
    assert [d for d in differences(tmp_path / "whole", tmp_path / "cut", least=2) if d != "inputs"] == []


def test_a_finished_run_whose_file_has_changed_says_so(run: tuple[str, ...], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    result = trained(folder, *run)
    assert str(tmp_path / "own.csv") in result["inputs"]["files"]
    write(ROWS)  # another date, the same contents
    os.utime("own.csv", ns=(1, 1))
    trained(folder, *run)
    flipped()
    with pytest.raises(UserError, match=r"finished, but was computed from other contents of .*own\.csv"):
        trained(folder, *run)
    assert read_result(folder) == result
    write(ROWS)
    other_dropout()
    with pytest.raises(UserError, match=r"other contents of .*config\.json"):
        trained(folder, *run)


def test_a_few_shot_run_does_not_start_from_a_source_run_of_other_labels(run: tuple[str, ...], tmp_path: Path) -> None:
    few = (*run, *distant("ja", "limit=60"), "protocol=few_shot", "protocol.shots=2", "protocol.steps=4")
    places = (f"paths.output_dir={tmp_path}/runs", f"paths.sweep_dir={tmp_path}/runs")
    source = trained(tmp_path / "runs" / run_name(composed(*few)), *few, *places)["source"]["started_from"]
    flipped()
    other = (*few, "protocol.shots=4")
    with pytest.raises(UserError, match=rf"{source} is finished, but was computed from other contents of .*own\.csv"):
        trained(tmp_path / "runs" / run_name(composed(*other)), *other, *places)
