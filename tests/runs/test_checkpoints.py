"""Files of an unfinished run that are damaged: named, with what to do, and never taken for what they are not."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.helpers.runs import trained
from tests.helpers.stopping import RUN, STEPS, Cut, Steps, Whole, cut, differences, send, stopped

from sentiment_transfer.errors import UserError
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.results.record import is_finished
from sentiment_transfer.training.checkpoints import last_checkpoint, mapped_checkpoint


@pytest.fixture(scope="module")
def half_way(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("half-way")
    with pytest.MonkeyPatch.context() as patch:
        steps = Steps(patch)
        steps.at, steps.then = STEPS + 2, send(signal.SIGTERM)
        stopped(folder, *RUN)
    return folder


@pytest.fixture(scope="module")
def before_scoring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was cut off when it had trained, and had scored nothing."""
    folder = tmp_path_factory.mktemp("before-scoring")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SentimentClassifier, "predict_step", lambda *args: cut())
        with pytest.raises(Cut):
            trained(folder, *RUN)
    return folder


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100_000])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def replace_by_text(path: Path) -> None:
    path.write_text("This is no checkpoint.")


def replace_by_another_state(path: Path) -> None:
    torch.save({"weights": torch.zeros(3)}, path)


def of_a_wider_head(path: Path) -> None:
    state = torch.load(path, weights_only=True)
    state["state_dict"]["network.classifier.dense.weight"] = torch.zeros(7, 7)
    torch.save(state, path)


@pytest.mark.parametrize("damage", [truncate, empty, replace_by_text, replace_by_another_state, of_a_wider_head])
def test_a_checkpoint_that_does_not_fit_is_named_with_what_to_do(
    tmp_path: Path, half_way: Path, damage: Callable[[Path], None]
) -> None:
    folder = Path(shutil.copytree(half_way, tmp_path / "run"))
    damage(last_checkpoint(folder))
    with pytest.raises(UserError) as error:
        trained(folder, *RUN)
    assert str(error.value).startswith(f"The checkpoint {last_checkpoint(folder)} cannot be read into this model (")
    assert str(error.value).endswith("Delete it to start this run again.")
    assert not is_finished(folder)


def test_a_run_whose_checkpoint_was_deleted_starts_again(tmp_path: Path, half_way: Path, whole: Whole) -> None:
    folder = Path(shutil.copytree(half_way, tmp_path / "run"))
    last_checkpoint(folder).unlink()
    trained(folder, *RUN)
    assert differences(folder, whole[0]) == []


def test_weights_that_are_damaged_before_scoring_are_named(tmp_path: Path, before_scoring: Path) -> None:
    folder = Path(shutil.copytree(before_scoring, tmp_path / "run"))
    truncate(folder / "weights" / "epoch-2.safetensors")
    with pytest.raises(UserError, match=r"The weights .*epoch-2\.safetensors cannot be read into this network"):
        trained(folder, *RUN)
    assert not is_finished(folder)


def test_a_run_that_is_cut_off_while_it_scores_goes_on_with_scoring(
    tmp_path: Path, before_scoring: Path, whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(before_scoring, tmp_path / "run"))
    state, own = mapped_checkpoint(last_checkpoint(folder))
    assert own["trained"] == 3 * STEPS
    assert (state["state_dict"], state["optimizer_states"]) == ({}, []), "no step follows that would need them"
    steps = Steps(monkeypatch)
    seconds = trained(folder, *RUN)["performance"]["seconds"]
    assert steps.rows == []
    assert seconds["train"] == pytest.approx(own["train_seconds"], abs=1e-3)
    assert differences(folder, whole[0]) == []


def test_a_changed_bit_in_the_checkpoint_of_a_finished_training_is_noticed(
    tmp_path: Path, before_scoring: Path
) -> None:
    folder = Path(shutil.copytree(before_scoring, tmp_path / "run"))
    flip(last_checkpoint(folder))
    with pytest.raises(UserError, match=r"last\.ckpt cannot be read .*Delete it to start this run again\."):
        trained(folder, *RUN)


def flip(path: Path) -> None:
    """One bit in the middle: nothing that a reader of the format looks at."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(bytes(content))


AVERAGE = (*RUN, "trainer.average=true")


@pytest.fixture(scope="module")
def after_one_epoch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was stopped in its second epoch, with the mean of the first one's weights."""
    folder = tmp_path_factory.mktemp("after-one")
    with pytest.MonkeyPatch.context() as patch:
        steps = Steps(patch)
        steps.at, steps.then = STEPS + 2, send(signal.SIGTERM)
        stopped(folder, *AVERAGE)
    return folder


def test_a_changed_bit_in_a_checkpoint_is_noticed(tmp_path: Path, half_way: Path) -> None:
    folder = Path(shutil.copytree(half_way, tmp_path / "run"))
    flip(last_checkpoint(folder))
    with pytest.raises(UserError, match=r"last\.ckpt cannot be read .*does not match its checksum.*Delete it to start"):
        trained(folder, *RUN)


def test_a_checkpoint_that_holds_code_is_refused_without_advice_to_run_it(tmp_path: Path, half_way: Path) -> None:
    folder = Path(shutil.copytree(half_way, tmp_path / "run"))
    torch.save({"state_dict": shutil.rmtree}, last_checkpoint(folder))
    with pytest.raises(UserError, match="it holds other things than tensors and plain values") as error:
        trained(folder, *RUN)
    assert "weights_only" not in str(error.value)


@pytest.mark.parametrize("damage", [flip, truncate, empty, Path.unlink])
@pytest.mark.parametrize("name", ["average-of-1.safetensors", "epoch-0.safetensors"])
def test_damaged_weights_are_named_when_the_run_goes_on(
    tmp_path: Path, after_one_epoch: Path, name: str, damage: Callable[[Path], None]
) -> None:
    folder = Path(shutil.copytree(after_one_epoch, tmp_path / "run"))
    damage(folder / "weights" / name)
    with pytest.MonkeyPatch.context() as patch:
        steps = Steps(patch)
        with pytest.raises(UserError) as error:
            trained(folder, *AVERAGE)
        assert not steps.rows, "and not after more training"
    assert str(error.value).startswith(f"The weights {folder / 'weights' / name} cannot be read (")
    assert str(error.value).endswith(f"Delete {folder} and run its command again.")


def test_a_changed_bit_in_weights_is_noticed_before_scoring(tmp_path: Path) -> None:
    weights = tmp_path / "weights" / "epoch-2.safetensors"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SentimentClassifier, "predict_step", lambda *args: cut())
        with pytest.raises(Cut):
            trained(tmp_path, *RUN)
    flip(weights)
    with pytest.raises(UserError, match=r"epoch-2\.safetensors cannot be read .*does not match its checksum"):
        trained(tmp_path, *RUN)
