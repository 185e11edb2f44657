"""Memory that was short: told from other errors, and answered by the same run in smaller parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.helpers.runs import composed, trained
from tests.helpers.stopping import RUN, Cut, Steps, cut

from sentiment_transfer.config.checks import validate
from sentiment_transfer.data.batches import ResumableSampler
from sentiment_transfer.errors import OutOfMemory, UserError
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.results.record import is_finished, read_result
from sentiment_transfer.runs.directory import is_out_of_memory, memory_errors_as_sentences, run_directory

OFTEN = (*RUN, "trainer.save_every_minutes=0.0001", "model.dropout=0")
ROWS, BATCH, EPOCHS = 38, 8, 3


def test_what_the_allocator_says_is_known() -> None:
    with pytest.raises(RuntimeError) as short:
        torch.empty(2**45)
    assert is_out_of_memory(short.value)
    with pytest.raises(RuntimeError) as other:
        torch.ones(2) @ torch.ones(3)
    assert not is_out_of_memory(other.value)


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("could not create a primitive", True),
        ("could not create a memory object", True),
        ("could not create a primitive descriptor for a matmul primitive", False),
        ("unable to mmap 88 bytes from file <x>: Cannot allocate memory (12)", True),
        ("std::bad_alloc", True),
        ("mat1 and mat2 shapes cannot be multiplied", False),
    ],
)
def test_messages_of_torchs_libraries(text: str, short: bool) -> None:
    assert is_out_of_memory(RuntimeError(text)) == short


def test_memory_that_the_system_refuses_is_memory_and_not_the_disk(tmp_path: Path) -> None:
    with pytest.raises(OutOfMemory, match="Cannot allocate memory"), run_directory(tmp_path):
        raise OSError(12, "Cannot allocate memory")


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory. Tried"), MemoryError(), OSError(12, "x")]
)
def test_it_is_a_sentence_with_an_exit_code_of_its_own(error: Exception) -> None:
    said = r"Out of memory \(.+\)\. Use trainer\.micro_batch_size=16"
    with pytest.raises(OutOfMemory, match=said) as short, memory_errors_as_sentences():
        raise error
    assert short.value.exit_code == 77
    assert UserError("x").exit_code == 1


def test_a_run_that_ran_out_of_memory_is_not_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def step(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")

    monkeypatch.setattr(SentimentClassifier, "training_step", step)
    with pytest.raises(OutOfMemory, match="Tried to allocate"):
        trained(tmp_path, *OFTEN)
    assert not is_finished(tmp_path)


@pytest.mark.parametrize("at", [3, 5, 6, 12, 15])
def test_it_goes_on_in_smaller_parts_from_where_it_was_saved(tmp_path: Path, steps: Steps, at: int) -> None:
    """Five batches an epoch, the last of six reviews; ``at`` is the part (from 1) during which memory is short."""
    steps.at, steps.then = at, cut
    with pytest.raises(Cut):
        trained(tmp_path, *OFTEN)
    steps.at = 0
    before = steps.rows[: at - 1]  # that part was lost
    steps.rows.clear()
    result = trained(tmp_path, *OFTEN, "trainer.micro_batch_size=2")
    assert max(map(len, steps.rows)) == BATCH // 4
    seen = [row for part in [*before, *steps.rows] for row in part]
    for epoch in range(EPOCHS):
        assert sorted(seen[epoch * ROWS : (epoch + 1) * ROWS]) == list(range(ROWS))
    assert [entry["epoch"] for entry in result["history"]] == list(range(EPOCHS))
    assert result["config"]["trainer"]["micro_batch_size"] == 2


def test_smaller_parts_give_the_same_answers(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    trained(whole, *OFTEN)
    trained(parts, *OFTEN, "trainer.micro_batch_size=4")
    one, other = read_result(whole), read_result(parts)
    assert one["run_id"] == other["run_id"]
    losses = [[entry["train"]["loss"] for entry in result["history"]] for result in (one, other)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


def test_places_are_counted_in_parts_of_now() -> None:
    """38 reviews in batches of 8, the last of 6."""

    def order(micro_batches: int, world_size: int = 1) -> ResumableSampler:
        return ResumableSampler(38, 8, seed=0, micro_batches=micro_batches, world_size=world_size)

    quarters = order(4)
    assert [quarters.remap_position(parts, order(1)) for parts in range(6)] == [0, 4, 8, 12, 16, 19]
    assert [quarters.remap_position(parts, order(2)) for parts in (2, 8, 10)] == [4, 16, 19]
    assert [quarters.remap_position(parts, order(1, world_size=4)) for parts in (0, 1, 4, 5)] == [0, 4, 16, 19]
    assert [order(2, world_size=2).remap_position(parts, quarters) for parts in (4, 16, 19)] == [2, 8, 10]


def test_a_batch_is_not_cut_into_unequal_parts() -> None:
    with pytest.raises(UserError, match=r"micro_batch_size=3 does not divide trainer\.batch_size=8"):
        validate(composed(*RUN, "trainer.micro_batch_size=3"))
