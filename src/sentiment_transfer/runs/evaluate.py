"""``python evaluate.py``: score a trained model on targets, and record it as a run."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from sentiment_transfer.checkpoints.model import TrainedModel
from sentiment_transfer.checkpoints.opening import open_model
from sentiment_transfer.config.dataset import DatasetConfig
from sentiment_transfer.config.program_options import EvaluateConfig
from sentiment_transfer.config.run_name import evaluation_name
from sentiment_transfer.config.shortened import limited
from sentiment_transfer.config.typed import from_plain, plain
from sentiment_transfer.data.base import ReviewSet
from sentiment_transfer.data.catalog import make_datasets
from sentiment_transfer.data.reviews import Reviews
from sentiment_transfer.data.transfer import ReadOptions, TransferDataModule
from sentiment_transfer.errors import UserError
from sentiment_transfer.prediction.predictor import Predictor
from sentiment_transfer.results.inputs import Inputs, file_facts
from sentiment_transfer.results.record import RESULT_FILE, LabelBudget, Model, RunResult, Source
from sentiment_transfer.results.tables import audit_table
from sentiment_transfer.runs.build import refuse_nothing_to_score
from sentiment_transfer.runs.directory import run_directory
from sentiment_transfer.runs.inputs import reviews_digests
from sentiment_transfer.runs.measure import recorded_source_tokens, size_caveats
from sentiment_transfer.runs.record import RunInfo, finish
from sentiment_transfer.runs.score import review_name, score
from sentiment_transfer.training.selection import SavedWeights, at_epoch, recorded

log = logging.getLogger(__name__)

RECORDED = ("last", "source_dev", "average")  # selections of a run that are scored; oracle used each target's labels
UNKNOWN = "unknown"  # the source and the protocol of a model whose training data is not known
NOT_OURS = "training data unknown"  # the caveat of a model that was not trained by this program


def evaluate(config: EvaluateConfig, folder: Path) -> None:
    """Score the model of a validated ``config`` and write its predictions and record into ``folder``.

    Raises UserError if the model cannot be opened, or if no target is available.
    """
    with run_directory(folder):
        started = time.monotonic()
        first = opened(config, None)
        trained = first.origin.result
        weights = {} if trained is None else recorded_weights(trained)
        models = open_all(config, first, weights)
        data = read_targets(config, trained)
        max_length = config.data.max_length or first.max_length
        if max_length > first.max_length and first.origin.kind != "run":
            raise UserError(f"data.max_length={max_length} is more than the {first.max_length} tokens it can read.")
        data.max_length = max_length
        data.tokenise(first.tokenizer)
        prepared = time.monotonic()
        predict = PredictorPredict(config, models)
        selections = weights or {"last": next(iter(models))}
        scored = score([(split, selections) for split in data.test_sets], predict)
        ended = time.monotonic()
        seconds = {"prepare": prepared - started, "score": ended - prepared, "total": ended - started}
        Console().print(audit_table(data.audit))
        finish(folder, evaluation_info(config, first, data, predict, max_length, seconds), data, scored)


def opened(config: EvaluateConfig, selection: str | None) -> TrainedModel:
    return open_model(
        config.checkpoint,
        selection=selection,
        labels=config.labels,
        revision=config.revision,
        cache_dir=Path(config.paths.cache_dir),
    )


def recorded_weights(trained: RunResult) -> dict[str, SavedWeights]:
    """Selection -> the weights that a run's record names for it."""
    weights = {name: recorded(trained["selections"].get(name, {})) for name in RECORDED}
    return {name: each for name, each in weights.items() if each is not None}


def open_all(
    config: EvaluateConfig, first: TrainedModel, weights: Mapping[str, SavedWeights]
) -> dict[SavedWeights, TrainedModel]:
    """The weights that are scored -> the opened model; a model that is not a run has one entry, ``at_epoch(0)``."""
    if not weights:
        return {at_epoch(0): first}
    models = {weights[str(first.origin.selection)]: first}
    for name, each in weights.items():
        if each not in models:
            models[each] = opened(config, name)
    return models


class PredictorPredict:
    """Predicts with one Predictor per model; the record describes the last one. Raises UserError, with the review,
    where an output is not a finite number."""

    def __init__(self, config: EvaluateConfig, models: Mapping[SavedWeights, TrainedModel]) -> None:
        self.config, self.models = config, models
        self.predictor: Predictor

    def __call__(self, weights: SavedWeights, splits: Sequence[ReviewSet]) -> list[np.ndarray]:
        config = self.config
        self.predictor = Predictor(self.models[weights], accelerator=config.accelerator, precision=config.precision)
        probabilities = []
        for split in splits:
            assert split.tokens is not None
            ids = [split.tokens[row] for row in range(len(split.tokens))]
            name = partial(review_name, split)
            probabilities.append(with_classes(self.predictor, split.reviews).of_ids(ids, config.batch_tokens, name))
        return probabilities


def with_classes(predictor: Predictor, reviews: Reviews) -> Predictor:
    """The predictor restricted to the classes of ``reviews``, in their order; other classes get no probability.

    Raises UserError if the model lacks one of the classes.
    """
    model = predictor.model
    if absent := [name for name in reviews.classes if name not in model.classes]:
        raise UserError(
            f"The model distinguishes {', '.join(model.classes)}, but the target has {', '.join(absent)} as well: "
            "score it with two classes (classes=2)."
        )
    kept = tuple(name if name in reviews.classes else None for name in model.outputs)
    same = copy(predictor)
    same.model = replace(model, classes=reviews.classes, outputs=kept)
    return same


def read_targets(config: EvaluateConfig, trained: RunResult | None) -> TransferDataModule:
    """The test sets of the targets, audited against the model's training data if that is known and available.

    Of a target that the model was trained on, the test rows are those of the source, which training left out. Raises
    UserError if no target is available.
    """
    settings = from_plain(trained["config"]) if trained else None
    sources = limited(settings.source, settings.data.limit) if settings else {}
    unread = ""  # why the training data could not be audited against
    data = _data_module(config, sources)
    try:
        data.read()
    except UserError as error:
        if not sources or config.data.targets_required or config.data.dedup:
            raise
        unread = f"The training data of the run cannot be read, so nothing is audited against it. {error}"
        log.warning("%s", unread)
        data = _data_module(config, {})
        data.read()
        # The rows that training left out are only known from the source itself.
        data.test_sets = [s for s in data.test_sets if s.name not in sources]
        data.unavailable |= {name: unread for name in sources if name in config.targets}
    data.train_sets, data.dev_sets = [], []  # for the audit alone
    data.test_sets = [s for s in data.test_sets if s.name in config.targets]
    refuse_nothing_to_score(data, "There is nothing to score on: no target is available.")
    # Of the test sets alone: the rest is audited in the run's own record.
    splits = {s.name: {"test": data.audit["splits"][s.name]["test"]} for s in data.test_sets}
    overlaps = [o for o in data.audit["overlaps"] if o["split"] == "test" and o["scored"] in splits]
    data.audit |= {"splits": splits, "overlaps": overlaps} | ({"unread": unread} if unread else {})
    between = [o for o in data.audit.pop("between_tests", []) if o["test"] in splits and o["scored"] in splits]
    data.audit |= {"between_tests": between} if between else {}
    return data


def _data_module(config: EvaluateConfig, sources: Mapping[str, DatasetConfig]) -> TransferDataModule:
    if config.data.dedup and not sources:
        raise UserError("data.dedup=true needs to know what the model was trained on: leave it out.")
    return TransferDataModule(
        make_datasets(sources, config.paths, config.data.seed),
        make_datasets(config.targets, config.paths, config.data.seed),
        read_options=ReadOptions(dedup=config.data.dedup, targets_required=config.data.targets_required),
        cache_dir=config.paths.cache_dir,
    )


def evaluation_info(
    config: EvaluateConfig,
    model: TrainedModel,
    data: TransferDataModule,
    predict: PredictorPredict,
    max_length: int,
    seconds: dict[str, float],
) -> RunInfo:
    """The record's facts about the model: from its run's record if there is one, else from the model itself."""
    trained = model.origin.result
    predictor = predict.predictor
    return RunInfo(
        run_id=evaluation_name(config),
        config=_config(config, model, max_length),
        caveats=list(dict.fromkeys([*model.caveats, *([] if trained else [NOT_OURS]), *size_caveats(data.test_sets)])),
        seed=trained["seed"] if trained else 0,
        model=trained["model"] if trained else _foreign_model(model),
        source=trained["source"] if trained else Source(names=[UNKNOWN], rows={}),
        selections=trained["selections"] if trained else {"last": {}},
        history=[],  # nothing was trained
        precision=predictor.precision,
        device=predictor.device.type,
        batching=predictor.batching,
        seconds=seconds,
        inputs=Inputs(reviews=reviews_digests(data), files=file_facts(files_of(config, model, data))),
        protocol=_protocols(data, trained),
        label_budget=lambda name: _label_budget(name, trained),
        trained_on=recorded_source_tokens(data, trained),
    )


def files_of(config: EvaluateConfig, model: TrainedModel, data: TransferDataModule) -> list[Path]:
    """The user's files that an evaluation reads: the model's and the targets'."""
    checkpoint = Path(config.checkpoint).expanduser()
    record = [checkpoint / RESULT_FILE] if model.origin.result else [checkpoint]
    targets = [file for dataset in data.targets.values() for file in dataset.local_files()]
    return [*(record if checkpoint.is_dir() else []), *targets]


def _protocols(data: TransferDataModule, trained: RunResult | None) -> Callable[[str], str]:
    """Dataset -> ``supervised``, ``zero-shot`` or ``cross-domain``; ``unknown`` if the training data is unknown."""
    if trained is None:
        return lambda name: UNKNOWN
    languages = {name: source.get("language") for name, source in trained["config"]["source"].items()}
    languages |= {n: entry["language"] for n, entry in trained["scores"].items() if entry["role"] == "source"}
    target_languages = {s.name: s.reviews.language for s in data.test_sets}

    def protocol(name: str) -> str:
        if name in languages:
            return "supervised"
        return "cross-domain" if target_languages[name] in languages.values() else "zero-shot"

    return protocol


def _label_budget(name: str, trained: RunResult | None) -> LabelBudget | None:
    """The labels of a dataset that a run was trained on; None for a model of unknown training."""
    if trained is None:
        return None
    before = trained["scores"].get(name)
    return before["label_budget"] if before and "label_budget" in before else LabelBudget(total=0)


def _config(config: EvaluateConfig, model: TrainedModel, max_length: int) -> dict[str, Any]:
    """The run's configuration if there is one, with the targets of this evaluation: the report groups the two."""
    origin = model.origin
    foreign = {"name": origin.name, "encoder": origin.path, "revision": origin.revision, "outputs": list(model.outputs)}
    base: dict[str, Any] = dict(origin.result["config"]) if origin.result else {"model": foreign, "source": {}}
    base["targets"] = plain(config.targets)
    base["data"] = dict(base.get("data", {})) | {"max_length": max_length, "dedup": config.data.dedup}
    return base | {"evaluated": {"checkpoint": origin.result["run_id"] if origin.result else origin.path}}


def _foreign_model(model: TrainedModel) -> Model:
    network, origin = model.network, model.origin
    count = sum(parameter.numel() for parameter in network.parameters())
    return Model(
        name=origin.name,
        encoder=origin.path,
        parameters=count,
        trainable_parameters=count,
        layers=getattr(network.config, "num_hidden_layers", 0),
        hidden_size=getattr(network.config, "hidden_size", 0),
        vocabulary=len(network.get_input_embeddings().weight),  # type: ignore[arg-type]
        weights=f"{origin.path}{f' at {origin.revision}' if origin.revision else ''}",
    )
