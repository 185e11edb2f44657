"""Options that change no weight: the weights of a finished run are scored, and nothing is trained again."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from tests.helpers.distant import distant
from tests.helpers.encoders import pretrained_folder
from tests.helpers.runs import composed, trained
from tests.helpers.stopping import Steps

from sentiment_transfer.config.run_name import run_name
from sentiment_transfer.results.predictions import read_predictions
from sentiment_transfer.results.record import RunResult

ENCODER = Path(os.environ["SENTIMENT_CACHE_DIR"]) / "tiny-encoder"  # knows tokens that only the targets have
JA, ID = distant("ja", "limit=30"), distant("id", "limit=30")
RUN = (
    *("experiment=tiny", "model=local", f"model.encoder={ENCODER}", "model.learning_rate=1e-2", "model.dropout=0.1"),
    *("optimizer.weight_decay=5", "trainer.batch_size=8", "trainer.max_epochs=2", "trainer.precision=auto"),
    "trainer.accelerator=auto",
    *("source=csv", "source.csv.language=en", "source.csv.dev_fraction=0.2", "targets=none", "logger=none"),
)
WORDS = {"pos": ("good", "great", "fine"), "neg": ("bad", "awful", "poor")}
ROWS = [f"the {thing} was {w},{label}" for thing in ("room", "food", "film") for label in WORDS for w in WORDS[label]]

Trained = tuple[Path, RunResult, int]  # folder, record, parts of batches that were trained


@pytest.fixture(scope="module", autouse=True)
def encoder() -> None:
    pretrained_folder(ENCODER)


def run_in(parent: Path, *overrides: str) -> Trained:
    own = parent / "own.csv"
    own.parent.mkdir(parents=True, exist_ok=True)
    if not own.exists():
        own.write_text("text,label\n" + "\n".join(ROWS) + "\n")
    options = (*RUN, f"source.csv.path={own}", *overrides)
    with pytest.MonkeyPatch.context() as patch:
        steps = Steps(patch)
        folder = parent / run_name(composed(*options))
        result = trained(folder, *options, f"paths.output_dir={parent}", f"paths.sweep_dir={parent}")
    return folder, result, len(steps.rows)


SAME_WEIGHTS = {
    "one more target": (*JA, *ID),
    "keep_weights": (*JA, "trainer.keep_weights=false"),
    "average": (*JA, "trainer.average=false"),
    "targets_required": (*JA, "data.targets_required=true"),
    "dedup": (*JA, "data.dedup=true"),
    "accelerator": (*JA, "trainer.accelerator=cpu"),
    "precision": (*JA, "trainer.precision={precision}"),
    "deterministic": (*JA, "trainer.deterministic=true"),
    "a trailing slash": (*JA, f"model.encoder={ENCODER}/"),
    "labels": (*JA, "source.csv.labels={{}}"),
    "domain": (*JA, "source.csv.domain=hotels"),
}


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Trained]:
    parent = tmp_path_factory.mktemp("shared")
    return parent, run_in(parent, *JA)


@pytest.mark.parametrize("change", SAME_WEIGHTS)
def test_the_weights_of_a_finished_run_are_scored_and_not_trained_again(
    change: str, parent: tuple[Path, Trained], tmp_path: Path
) -> None:
    place, (before, first, steps) = parent
    assert steps > 0
    options = [option.format(precision=first["precision"]) for option in SAME_WEIGHTS[change]]
    folder, result, steps = run_in(place, *options)
    assert folder != before and steps == 0
    assert result["inputs"]["trained_in"] in {path.name for path in place.iterdir()}
    assert result["history"] == first["history"]
    one, other = (read_predictions(run, "far_ja").probabilities for run in (before, folder))
    assert all(np.array_equal(one[selection], other[selection]) for selection in other)


def test_weights_that_are_taken_over_are_to_the_byte_what_training_gives(
    parent: tuple[Path, Trained], tmp_path: Path
) -> None:
    """The other target's tokens have no row in the finished run's weights."""
    shared, _, steps = run_in(parent[0], *ID)
    alone, _, more = run_in(tmp_path, *ID)
    assert (steps, more > 0) == (0, True)
    files = sorted(path.relative_to(alone) for kind in ("weights/*", "predictions/*") for path in alone.glob(kind))
    assert len(files) >= 4
    assert [str(file) for file in files if (alone / file).read_bytes() != (shared / file).read_bytes()] == []


@pytest.mark.parametrize(
    "option", ["trainer.oracle=true", "seed=1", "trainer.max_epochs=1", "optimizer.beta1=0.8", "model.layers=1"]
)
def test_other_weights_are_trained(option: str, parent: tuple[Path, Trained]) -> None:
    """The oracle's may be other epochs' ones, which nobody kept."""
    assert run_in(parent[0], *JA, option)[2] > 0


def test_weights_of_changed_labels_or_damaged_ones_are_not_taken_over(tmp_path: Path) -> None:
    folder, _, steps = run_in(tmp_path, *JA)
    own = tmp_path / "own.csv"
    before = own.read_text()
    own.write_text(before.replace(",pos", ",x").replace(",neg", ",pos").replace(",x", ",neg"))
    assert run_in(tmp_path, *JA, *ID)[2] == steps
    own.write_text(before)
    for file in (folder / "weights").iterdir():
        content = bytearray(file.read_bytes())
        content[-5] ^= 1
        file.write_bytes(content)
    assert run_in(tmp_path, *JA, "data.dedup=true")[2] == steps
