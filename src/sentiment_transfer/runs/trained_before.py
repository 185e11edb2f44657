"""Weights that another finished run has trained from the same inputs: they are scored, not trained again.

A run's directory is named by all of its options, and some of them change no weight: another target, ``trainer.oracle``,
``average`` or ``keep_weights``, a precision written out that ``auto`` would choose. The weights are bit-identical to
those that training would give: they do not depend on the other texts that a run reads (``model.vocabulary.HeldRows``).
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock
from safetensors.torch import load_file
from transformers import PreTrainedModel

from sentiment_transfer.config.run_name import run_name, training_settings
from sentiment_transfer.config.schema import Config
from sentiment_transfer.config.typed import plain
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.checksums import verify_weights
from sentiment_transfer.files.progress import report_stage
from sentiment_transfer.model.vocabulary import TrimmedEmbedding
from sentiment_transfer.results.inputs import Inputs
from sentiment_transfer.results.record import RESULT_FILE, RunResult, read_result
from sentiment_transfer.runs.inputs import differences
from sentiment_transfer.training.selection import History, SavedWeights
from sentiment_transfer.training.weights import write_state

log = logging.getLogger(__name__)

IN_INPUTS = {  # options that say where to find what the inputs have a hash of, or what they have resolved
    "model": ("name", "encoder", "revision", "tokenizer", "weights"),
    "trainer": ("accelerator", "precision", "threads"),
}


@dataclass(frozen=True)
class TrainedBefore:
    """A finished run whose training is that of another one as well."""

    folder: Path
    result: RunResult

    @property
    def history(self) -> History:
        return self.result["history"]

    @property
    def facts(self) -> dict[str, Any]:
        """The run's id, and what a checkpoint of its end would hold of the training's course."""
        seconds = self.result["performance"]["seconds"].get("train", 0.0)
        facts = {"run_id": self.result["run_id"], "history": self.history, "train_seconds": seconds}
        return facts | {"stopped": self.result.get("stopped")}

    def take_over(self, weights: SavedWeights, network: PreTrainedModel, folder: Path) -> None:
        """Write ``weights`` of this run into the directory ``folder``, for the vocabulary of ``network``, whose token
        embedding is as training would find it. Raises UserError where they are damaged."""
        path = weights.path(self.folder)
        state = load_file(path)
        embedding: Any = network.get_input_embeddings()
        name = next(n for n, weight in network.named_parameters() if weight is embedding.weight).removesuffix(".weight")
        if isinstance(embedding, TrimmedEmbedding) and f"{name}.weight" in state:
            rows, theirs = embedding.weight.detach().clone(), state[f"{name}.kept_token_ids"]
            place = embedding._row[theirs].long()
            rows[place[place >= 0]] = state[f"{name}.weight"][place >= 0]
            state[f"{name}.weight"] = rows
        if isinstance(embedding, TrimmedEmbedding):
            state[f"{name}.kept_token_ids"] = embedding.kept_token_ids.detach().clone()
        write_state(state, weights.path(folder))


def trained_before(
    config: Config, inputs: Inputs, folder: Path, needed: Callable[[History], set[SavedWeights] | None]
) -> TrainedBefore | None:
    """A finished run beside ``folder`` or in an output directory with the same training and intact weights.

    ``needed`` gives the weights that scoring needs from a history, None where it does not hold what selects them.
    """
    wanted = settings(plain(config), inputs)
    parents = [folder.parent, Path(config.paths.output_dir), Path(config.paths.sweep_dir)]
    for parent in dict.fromkeys(parent.resolve() for parent in parents):
        for path in sorted(parent.glob(f"{run_name(config)[:-8]}*/{RESULT_FILE}")):
            try:
                result = read_result(path.parent)
            except UserError:
                continue
            if settings(result["config"], inputs) != wanted or differences(result["inputs"], inputs):
                continue
            if result["inputs"].get("threads") != inputs.get("threads"):
                continue
            paths = [weights.path(path.parent) for weights in needed(result["history"]) or ()]
            if paths and all(map(intact, paths)):
                return TrainedBefore(path.parent, result)
    return None


def intact(path: Path) -> bool:
    try:
        verify_weights(path)
    except (OSError, ValueError):
        return False
    return True


def settings(values: Mapping[str, Any], inputs: Inputs) -> dict[str, Any]:
    """The plain values of a configuration that decide on weights and that ``inputs`` say nothing about."""
    left = {key: value for key, value in training_settings(values).items() if key not in ("source", "evaluated")}
    left["source"] = list(values.get("source") or {})
    for group, keys in IN_INPUTS.items():
        left[group] = {key: value for key, value in left.get(group, {}).items() if key not in keys}
    if inputs.get("device") == "cpu":  # which always is
        left["trainer"].pop("deterministic", None)
    plain_values: dict[str, Any] = json.loads(json.dumps(left, sort_keys=True, default=str))
    return plain_values


@contextmanager
def training_lock(config: Config, inputs: Inputs, folder: Path) -> Iterator[None]:
    """Hold the training of these weights; another run that needs the same ones waits, and then finds them."""
    wanted = json.dumps([settings(plain(config), inputs), inputs.get("encoder"), inputs["reviews"]], sort_keys=True)
    path = folder.parent / f".training-{hashlib.sha256(wanted.encode()).hexdigest()[:8]}.lock"
    report_stage("waiting for a run that trains the same weights")
    with FileLock(path).acquire(poll_interval=0.5):
        report_stage("loading the model")
        try:
            yield
        finally:
            path.unlink(missing_ok=True)  # still locked: who waits opens the name anew at each look
