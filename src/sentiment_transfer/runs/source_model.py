"""The source-trained model that a few-shot run goes on from: an earlier run's, where there is one, else trained first.

Training does not depend on what is scored, so any finished zero-shot run with the same model, source, recipe and seed
will do, whatever its targets were. It is looked for beside the few-shot run and where runs land; one that is trained
for it is a run of its own, with its own directory, result and scores.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from safetensors.torch import load_file
from transformers import PreTrainedModel

from sentiment_transfer.config.protocol import source_run
from sentiment_transfer.config.run_name import run_name, training_settings
from sentiment_transfer.errors import UserError
from sentiment_transfer.results.record import RESULT_FILE, is_finished, read_result
from sentiment_transfer.training.selection import weights_path
from sentiment_transfer.training.weights import load_weights

log = logging.getLogger(__name__)

Holder = Callable[[Path], AbstractContextManager[None]]


@dataclass(frozen=True)
class SourceModel:
    """Weights to start from."""

    run_id: str
    folder: Path
    weights: Path  # of the last epoch

    def load_into(self, network: PreTrainedModel) -> None:
        """Put the weights into a network with its whole vocabulary; tokens that they do not cover keep their rows.

        Raises UserError where they do not fit.
        """
        from sentiment_transfer.model.vocabulary import restore_vocabulary, trim_like

        full = network.get_input_embeddings().weight.detach().clone()  # type: ignore[operator]
        trim_like(network, load_file(self.weights))
        load_weights(network, self.weights)
        restore_vocabulary(network, full)


def source_model(
    config: DictConfig, folder: Path, train: Callable[[DictConfig, Path], object], held: Holder
) -> SourceModel:
    """The finished source run of a few-shot ``config`` that runs in ``folder``; ``train`` is called where none is,
    with its directory ``held`` against other processes.

    Runs of a sweep that need the same one wait for the first of them. Raises UserError where its weights are gone.
    """
    wanted = source_run(config)
    parents = [folder.parent, Path(config.paths.output_dir), Path(config.paths.sweep_dir)]
    with waiting(folder.parent / f".source-{digest(wanted)}.lock"):
        for parent in dict.fromkeys(parent.resolve() for parent in parents):
            for model in finished_runs(wanted, parent):
                log.info("Going on from the model of %s", model.folder)
                return model
        own = folder.parent / run_name(wanted)
        if is_finished(own):
            raise UserError(
                f"The run in {own} has the model to go on from, but its weights are not there any more. Delete that "
                "folder to train it again."
            )
        log.info("Training on the source first, as a run of its own in %s", own)
        own.mkdir(parents=True, exist_ok=True)
        keep_overrides(own)
        with held(own):
            if not is_finished(own):  # by another process, while this one waited
                train(wanted, own)
        return next(finished_runs(wanted, folder.parent))


def finished_runs(wanted: DictConfig, parent: Path) -> Iterator[SourceModel]:
    """The runs in ``parent`` that were trained as ``wanted`` is, and kept their weights; in order of name."""
    prefix = run_name(wanted)[:-8]  # all but the hash, in which the targets have a part
    for path in sorted(parent.glob(f"{prefix}*/{RESULT_FILE}")):
        try:
            result = read_result(path.parent)
        except UserError:
            continue
        if (epoch := result["selections"].get("last", {}).get("epoch")) is None:  # scored here, trained elsewhere
            continue
        weights = weights_path(path.parent, epoch)
        alike = "averaged" not in result["model"] and training_digest(result["config"]) == digest(wanted)
        if alike and weights.is_file():
            yield SourceModel(result["run_id"], path.parent, weights)


def digest(config: DictConfig) -> str:
    return training_digest(OmegaConf.to_container(config, resolve=True, enum_to_str=True))  # type: ignore[arg-type]


def training_digest(plain: dict[str, Any]) -> str:
    """Equal for configurations that give the same weights, of plain values; of the targets' labels none is used."""
    # Through JSON: a record's configuration has been through it, and came back with text for keys.
    text = json.dumps(json.loads(json.dumps(training_settings(plain), default=str)), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def keep_overrides(folder: Path) -> None:
    """Leave the command line in the folder, as Hydra does for a run that it starts: the report shows it."""
    if HydraConfig.initialized():
        typed = [text for text in HydraConfig.get().overrides.task if not text.lstrip("+").startswith("protocol")]
        (folder / ".hydra").mkdir(exist_ok=True)
        OmegaConf.save(OmegaConf.create(typed), folder / ".hydra" / "overrides.yaml")


@contextmanager
def waiting(path: Path) -> Iterator[None]:
    """Hold a lock, waiting for it; the system lets go of it when the process ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path).acquire(poll_interval=0.5):
        yield
