from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from sentiment_transfer.training.selection import (
    SavedWeights,
    at_epoch,
    mean_of_epochs,
    recorded,
    select,
    source_dev_error,
    weights_needed,
)


def history(*epochs: dict[str, tuple[float, float]], n: dict[str, int] | None = None) -> list[dict[str, Any]]:
    """One entry per epoch from dev set -> (error, loss)."""
    sizes = n or {}
    return [
        {
            "epoch": number,
            "train": {"loss": 1.0},
            "dev": {
                name: {"error": error, "loss": loss, "n": sizes.get(name, 100), "macro_f1": 1 - error}
                for name, (error, loss) in sets.items()
            },
        }
        for number, sets in enumerate(epochs)
    ]


def errors(*values: float) -> list[dict[str, Any]]:
    return history(*({"en": (value, 1.0)} for value in values))


def selected(*arguments: Any, **options: bool) -> dict[str, int]:
    """The epochs, of selections that are all of one epoch."""
    weights = select(*arguments, **options)
    assert {each.kind for each in weights.values()} == {"epoch"}
    return {name: each.number for name, each in weights.items()}


def needed(*arguments: Any, **options: bool) -> set[int]:
    return {weights.number for weights in weights_needed(*arguments, **options)}


def test_last_is_the_last_epoch_and_source_dev_the_best_of_the_source() -> None:
    assert selected(errors(0.3, 0.1, 0.2), "ja", ["en"]) == {"last": 2, "source_dev": 1}


def test_without_a_development_set_there_is_only_the_last_epoch() -> None:
    assert selected(history({}, {}), "ja", []) == {"last": 1}
    assert selected(history({}, {}), "ja", [], oracle=True) == {"last": 1}


def test_the_first_epoch_may_be_the_only_one() -> None:
    assert selected(errors(0.5), "ja", ["en"]) == {"last": 0, "source_dev": 0}


def test_of_equal_errors_the_lower_loss_is_better_and_of_equal_losses_the_earlier_epoch() -> None:
    tied = history({"en": (0.2, 0.9)}, {"en": (0.2, 0.4)}, {"en": (0.2, 0.4)}, {"en": (0.3, 0.1)})
    assert selected(tied, "ja", ["en"])["source_dev"] == 1


def test_errors_that_differ_by_rounding_are_equal() -> None:
    tied = history({"en": (0.3, 0.5)}, {"en": (0.1 + 0.2, 0.4)})
    assert 0.1 + 0.2 > 0.3
    assert selected(tied, "ja", ["en"])["source_dev"] == 1


def test_a_mixture_selects_by_the_error_over_all_of_its_rows() -> None:
    sets = history({"en": (0.1, 1.0), "ja": (0.5, 1.0)}, {"en": (0.2, 1.0), "ja": (0.2, 1.0)}, n={"en": 900, "ja": 100})
    assert source_dev_error(sets[0], ["en", "ja"]) == pytest.approx(0.14)
    assert selected(sets, "id", ["en", "ja"])["source_dev"] == 0
    assert selected(sets, "id", ["ja"])["source_dev"] == 1


def test_the_oracle_selects_by_the_targets_own_set_and_only_on_request() -> None:
    sets = history(
        {"en": (0.1, 1.0), "ja": (0.4, 1.0)}, {"en": (0.2, 1.0), "ja": (0.3, 1.0)}, {"en": (0.3, 1.0), "ja": (0.5, 1.0)}
    )
    assert selected(sets, "ja", ["en"], oracle=True) == {"last": 2, "source_dev": 0, "oracle": 1}
    assert selected(sets, "ja", ["en"]) == {"last": 2, "source_dev": 0}
    assert selected(sets, "id", ["en"], oracle=True) == {"last": 2, "source_dev": 0}, "it has no dev set"


def test_the_target_never_decides_what_the_source_selects() -> None:
    for target in itertools.product([0.1, 0.9], repeat=3):
        sets = history(*({"en": (en, 1.0), "ja": (ja, 1.0)} for en, ja in zip((0.3, 0.1, 0.2), target, strict=True)))
        assert selected(sets, "ja", ["en"], oracle=True)["source_dev"] == 1


def test_needed_epochs_are_those_that_any_selection_points_to() -> None:
    sets = history(
        {"en": (0.1, 1.0), "ja": (0.5, 1.0), "id": (0.5, 1.0)},
        {"en": (0.2, 1.0), "ja": (0.1, 1.0), "id": (0.5, 1.0)},
        {"en": (0.3, 1.0), "ja": (0.5, 1.0), "id": (0.1, 1.0)},
        {"en": (0.4, 1.0), "ja": (0.5, 1.0), "id": (0.5, 1.0)},
    )
    assert needed(sets, [], ["en"]) == {0, 3}
    assert needed(sets, ["ja", "id"], ["en"]) == {0, 3}
    assert needed(sets, ["ja", "id"], ["en"], oracle=True) == {0, 1, 2, 3}
    assert needed(sets, ["ja"], [], oracle=True) == {1, 3}


def test_an_epoch_that_is_not_needed_is_never_needed_again() -> None:
    """What is removed while training must not be asked for at its end."""
    for values in itertools.product([0.1, 0.2, 0.3], repeat=4):
        sets = errors(*values)
        kept: set[int] = set()
        for epochs in range(1, 5):
            kept = (kept | {epochs - 1}) & needed(sets[:epochs], ["en"], ["en"], oracle=True)
        assert needed(sets, ["en"], ["en"], oracle=True) <= kept


def test_the_average_is_of_all_epochs_and_needs_no_development_set() -> None:
    both = select(history({}, {}, {}), "ja", [], average=True)
    assert both == {"last": at_epoch(2), "average": mean_of_epochs(3)}


def test_the_average_of_one_epoch_is_that_epoch() -> None:
    assert selected(errors(0.5), "ja", ["en"], average=True) == {"last": 0, "source_dev": 0, "average": 0}


@pytest.mark.parametrize(
    ("weights", "name", "said"),
    [
        (at_epoch(0), "epoch-0.safetensors", "epoch 1"),
        (mean_of_epochs(4), "average-of-4.safetensors", "the mean of 4 epochs"),
        (SavedWeights("mean_of_runs", 3), "average-of-3.safetensors", "the mean of 3 runs"),
    ],
)
def test_weights_are_read_from_the_record_that_they_wrote(weights: SavedWeights, name: str, said: str) -> None:
    assert recorded(weights.record | {"source_dev_error": 0.1}) == weights
    assert weights.path(Path("run")) == Path("run/weights") / name
    assert str(weights) == said


def test_a_selection_of_other_weights_for_each_target_names_none() -> None:
    assert recorded({"epoch": {"ja": 1, "id": 2}}) is None
    assert recorded({}) is None
