"""The inputs of a run: what its directory's name, a hash of options, does not say, and what it must not mix.

They are kept in every checkpoint and in the record. A run that is continued with others is refused with what changed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
import xxhash
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from sentiment_transfer.config.imported import source_file
from sentiment_transfer.config.schema import Config
from sentiment_transfer.data.base import ReviewDataModule
from sentiment_transfer.data.tokens import tokenizer_digest
from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.checksums import digest
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.model.device import choose_accelerator, choose_precision
from sentiment_transfer.model.digests import adapted_digest, embedding_digest, network_digest
from sentiment_transfer.model.lora import has_lora
from sentiment_transfer.results.inputs import Inputs, file_facts
from sentiment_transfer.runs.environment import describe_device

log = logging.getLogger(__name__)

# What decides between the two kinds of packed batches on a CPU.
KERNELS_AGAIN = "with its C compiler and its cache (kernels/measured.json), which chose between kernels and plain torch"


def of_network(network: PreTrainedModel) -> Inputs:
    """The part that is taken before anything is trimmed or loaded over the encoder's weights."""
    embedding: Any = network.get_input_embeddings()
    found = Inputs(
        reviews={}, files={}, encoder=network_digest(network), embedding=embedding_digest(embedding.weight.detach())
    )
    if has_lora(network):
        found["adapted"] = adapted_digest(network)
    return found


def run_inputs(
    config: Config,
    data: TransferDataModule,
    tokenizer: PreTrainedTokenizerBase,
    module: SentimentClassifier,
    network: Inputs,
    start: Path | None,
    kept_tokens: torch.Tensor | None,
) -> Inputs:
    """The inputs of a run whose parts are prepared. ``network`` is ``of_network`` of its encoder, ``start`` the weights
    of the source run that training goes on from, ``kept_tokens`` (n,) int64 those of a trimmed vocabulary."""
    device = choose_accelerator(config.trainer.accelerator)
    precision = choose_precision(config.trainer.precision, device)
    inputs: Inputs = {
        **network,
        "reviews": reviews_digests(data),
        "files": file_facts(local_files(config, [*data.source.values(), *data.targets.values()])),
        "tokenizer": tokenizer_digest(tokenizer),
        "device": device,
        "precision": precision,
        "batching": module.planned_batching(device, precision),
        "computed_on": [f"{describe_device(device)['name']}, torch {torch.__version__}"],
    }
    if kept_tokens is not None:
        inputs["vocabulary"] = xxhash.xxh3_128_hexdigest(kept_tokens.numpy().tobytes())
    if device == "cpu":
        inputs["threads"] = torch.get_num_threads()
    if code := own_code(config):
        inputs["code"] = code
    if start is not None:
        with start.open("rb") as file:
            inputs["start"] = digest(file)
    return inputs


def reviews_digests(data: TransferDataModule) -> dict[str, str]:
    return {f"{s.name} {s.split}": s.reviews.digest() for s in data.sets}


def own_code(config: Config) -> dict[str, str]:
    """The hashes of the user's own files that the optimiser, the schedule, the loss and the callbacks are in, by
    ``_target_``."""
    found = {}
    objective = (group._target_ for group in (config.optimizer, config.schedule, config.loss))
    for target in (*objective, *(options["_target_"] for options in config.callbacks.values())):
        if (path := source_file(target)) is not None:
            with path.open("rb") as file:
                found[target] = digest(file)
    return found


def local_files(config: Config, datasets: Iterable[ReviewDataModule]) -> list[Path]:
    """The user's own files and folders among those that are read."""
    names = [config.model.encoder, config.model.tokenizer]
    folders = [Path(name).expanduser() for name in names if name is not None]
    return [*(file for dataset in datasets for file in dataset.local_files()), *(f for f in folders if f.is_dir())]


def continued(saved: Mapping[str, Any], now: Inputs, folder: Path, *, alone: bool) -> Inputs:
    """The inputs of a run in ``folder`` that goes on from a checkpoint with the inputs ``saved``.

    On a CPU it goes on with as many threads as it began with, which sums depend on. Raises UserError where anything
    else that the trained weights depend on is different.
    """
    found = differences(saved, now)
    if not found and saved.get("vocabulary") != now.get("vocabulary"):  # of all texts, test sets included
        tests = ", ".join(changed_reviews(saved.get("reviews", {}), now["reviews"]))
        found = [f"The texts of {tests} have changed, and have other tokens: put the former ones back."]
    if found:
        raise UserError(
            f"The run in {folder} was begun with other inputs. {' '.join(found)} Otherwise delete {folder}: the same "
            "command then starts again."
        )
    merged: Inputs = {**now}
    merged["computed_on"] = list(dict.fromkeys([*saved.get("computed_on", []), *now.get("computed_on", [])]))
    threads = saved.get("threads")
    if alone and threads is not None and threads != now.get("threads"):
        log.info("Going on with %d CPU threads, as this run began (here: %s).", threads, now.get("threads"))
        torch.set_num_threads(threads)
        merged["threads"] = threads
    return merged


def differences(saved: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Sentences about what differs, each with what to do."""
    changed = changed_reviews(training_reviews(saved), training_reviews(now))
    found = []
    if changed:
        found.append(f"The texts or labels of {', '.join(changed)} have changed: put the former ones back.")
    if saved.get("encoder") != now.get("encoder"):
        found.append("The encoder has other weights or another configuration: put the former one back.")
    if saved.get("tokenizer") != now.get("tokenizer"):
        found.append("The tokenizer is another: put the former one back.")
    if saved.get("start") != now.get("start"):
        found.append("The source run that it went on from has other weights: put that run's directory back.")
    then_code, now_code = saved.get("code", {}), now.get("code", {})
    if then_code != now_code:
        names = ", ".join(sorted({*then_code, *now_code}))
        found.append(f"The code of {names} has changed: put the former one back.")
    for key, what in (("device", "on"), ("precision", "in"), ("batching", "with batches")):
        if saved.get(key) != now.get(key):
            found.append(
                f"It was begun {what} {saved.get(key)}, and this attempt would compute {what} {now.get(key)}: go on "
                "where it was begun" + (f", {KERNELS_AGAIN}." if key == "batching" else ".")
            )
    return found


def changed_reviews(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The sets of reviews with another hash, or that are in one alone."""
    return sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))


def training_reviews(inputs: Mapping[str, Any]) -> dict[str, str]:
    """The hashes of what a run trains on and selects by: all but test sets, which are looked at after training."""
    return {name: hashed for name, hashed in inputs.get("reviews", {}).items() if not name.endswith(" test")}
