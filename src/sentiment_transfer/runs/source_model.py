"""The source model that a few-shot run starts from: that of a finished zero-shot run, trained first if necessary.

Training does not depend on what is scored: any finished zero-shot run with the same model, source, hyperparameters and
seed is used, whatever its targets. It is searched for beside the few-shot run and in the output directories. If it is
trained here, it is a run with a directory, result and scores like any other.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf
from transformers import PreTrainedModel

from sentiment_transfer.checkpoints.stored_weights import read_tensors
from sentiment_transfer.config.protocol import source_run
from sentiment_transfer.config.run_name import run_name, training_settings
from sentiment_transfer.config.schema import Config
from sentiment_transfer.config.typed import plain
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.progress import report_stage
from sentiment_transfer.model.vocabulary import restore_vocabulary, trim_like
from sentiment_transfer.results.inputs import stale
from sentiment_transfer.results.record import RESULT_FILE, is_finished, read_result
from sentiment_transfer.runs.directory import exclusive_lock
from sentiment_transfer.training.selection import recorded
from sentiment_transfer.training.weights import load_weights

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SourceModel:
    """Weights to start from."""

    run_id: str
    folder: Path
    weights: Path  # of the last epoch

    def load_into(self, network: PreTrainedModel) -> None:
        """Load the weights into a network with the full vocabulary; tokens without a saved row keep their initial one.

        Raises UserError if the weights are damaged or do not match the network.
        """
        full = network.get_input_embeddings().weight.detach().clone()  # type: ignore[operator]
        trim_like(network, read_tensors(self.weights, f"Delete {self.folder} to train it again."))
        load_weights(network, self.weights)
        restore_vocabulary(network, full)


def source_model(config: Config, folder: Path, train: Callable[[Config, Path], object]) -> SourceModel:
    """The finished source run of a few-shot ``config`` that runs in ``folder``.

    If there is none, ``train`` is called while its directory is locked; runs of a sweep that need the same one wait for
    the first of them. Raises UserError if the run is finished but its weights are missing.
    """
    wanted = source_run(config)
    parents = [folder.parent, Path(config.paths.output_dir), Path(config.paths.sweep_dir)]
    folder.parent.mkdir(parents=True, exist_ok=True)
    report_stage("waiting for the source's run")
    with FileLock(folder.parent / f".source-{digest(wanted)}.lock").acquire(poll_interval=0.5):
        report_stage("loading")
        for parent in dict.fromkeys(parent.resolve() for parent in parents):
            for model in finished_runs(wanted, parent):
                log.info("Starting from the model of %s", model.folder)
                return model
        own = folder.parent / run_name(wanted)
        if is_finished(own):
            if sentence := stale(own, read_result(own)["inputs"]):
                raise UserError(sentence)
            raise UserError(
                f"The run in {own} has the model to start from, but its weights are missing. Delete that "
                "folder to train it again."
            )
        log.info("First training the source run in %s", own)
        own.mkdir(parents=True, exist_ok=True)
        keep_overrides(own)
        with exclusive_lock(own, wait=True):
            if not is_finished(own):  # another process may have trained it while this one waited
                train(wanted, own)
        return next(finished_runs(wanted, folder.parent))


def finished_runs(wanted: Config, parent: Path) -> Iterator[SourceModel]:
    """The finished runs in ``parent`` with the training settings of ``wanted`` and saved weights, sorted by name."""
    prefix = run_name(wanted)[:-8]  # without the hash, which depends on the targets
    for path in sorted(parent.glob(f"{prefix}*/{RESULT_FILE}")):
        try:
            result = read_result(path.parent)
        except UserError:
            continue
        last = recorded(result["selections"].get("last", {}))
        if last is None or last.kind != "epoch":  # an evaluation, or the mean of runs
            continue
        weights = last.path(path.parent)
        if training_digest(result["config"]) == digest(wanted) and weights.is_file():
            if sentence := stale(path.parent, result["inputs"]):
                log.warning("Not starting from %s. %s", path.parent, sentence)
                continue
            yield SourceModel(result["run_id"], path.parent, weights)


def digest(config: Config) -> str:
    return training_digest(plain(config))


def training_digest(settings: dict[str, Any]) -> str:
    """A digest of plain ``settings`` that is equal for zero-shot runs with the same weights, whatever their targets."""
    # Through JSON, as a record's configuration was: it turns all keys into text.
    text = json.dumps(json.loads(json.dumps(training_settings(settings), default=str)), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def keep_overrides(folder: Path) -> None:
    """Write the command line into the folder, as Hydra does for the runs that it starts: the report shows it."""
    if HydraConfig.initialized():
        typed = [text for text in HydraConfig.get().overrides.task if not text.lstrip("+").startswith("protocol")]
        (folder / ".hydra").mkdir(exist_ok=True)
        OmegaConf.save(OmegaConf.create(typed), folder / ".hydra" / "overrides.yaml")
