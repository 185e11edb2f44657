"""``python evaluate.py``: open, read, score, record."""

from __future__ import annotations

import logging
import time
from copy import copy
from dataclasses import replace
from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console

from sentiment_transfer.checkpoints.model import TrainedModel
from sentiment_transfer.checkpoints.opening import open_model
from sentiment_transfer.data.reviews import Reviews
from sentiment_transfer.data.tokens import token_store
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.memory import memory_errors_as_sentences
from sentiment_transfer.prediction.predictor import Predictor
from sentiment_transfer.results.audit_table import audit_table
from sentiment_transfer.results.mistakes import write_mistakes
from sentiment_transfer.results.predictions import write_predictions
from sentiment_transfer.results.record import write_result
from sentiment_transfer.runs.directory import disk_errors_as_sentences, exclusive_lock
from sentiment_transfer.runs.evaluation_data import EvaluationData
from sentiment_transfer.runs.evaluation_record import Evaluation, make_record
from sentiment_transfer.runs.record import to_mistakes, to_predictions

log = logging.getLogger(__name__)
OF_A_RUN = ("last", "source_dev", "average")  # what a run's own record scores; oracle chose by each target's labels


def evaluate(config: DictConfig, folder: Path) -> None:
    """Score what a validated ``config`` names and leave a record in ``folder``, as a run does."""
    with memory_errors_as_sentences(), disk_errors_as_sentences(folder), exclusive_lock(folder):
        started = time.monotonic()
        first = opened(config, None)
        models = selections(config, first)
        data = EvaluationData(config, first.origin.result)
        max_length = config.data.max_length or first.max_length
        if max_length > first.max_length and first.origin.kind != "run":
            raise UserError(f"data.max_length={max_length} is more than the {first.max_length} tokens it can read.")
        for number, review_set in enumerate(data.data.test_sets):
            tokens = token_store(review_set.reviews, first.tokenizer, max_length, data.data.cache_dir)
            data.data.audit["splits"][review_set.name]["test"] |= tokens.length_report(max_length)
            data.data.test_sets[number] = replace(review_set, tokens=tokens)
        data.sets = [s for s in data.data.test_sets if s.name in config.targets]
        evaluation = Evaluation(first, data, max_length)
        prepared = time.monotonic()
        for selection, model in models.items():
            predictor = Predictor(model, accelerator=config.accelerator, precision=config.precision)
            evaluation.precision, evaluation.device = predictor.precision, predictor.device.type
            for review_set in data.sets:
                assert review_set.tokens is not None
                ids = [review_set.tokens[row] for row in range(len(review_set.tokens))]
                answers = answering(predictor, review_set.reviews).of_ids(ids, config.batch_tokens)
                evaluation.add(review_set.name, selection, answers)
            evaluation.batching = predictor.batching
        evaluation.seconds = {"prepare": prepared - started, "score": time.monotonic() - prepared}
        evaluation.seconds["total"] = time.monotonic() - started

        predictions = {s.name: to_predictions(s.reviews, evaluation.probabilities[s.name]) for s in data.sets}
        for name, of_set in predictions.items():
            write_predictions(folder, name, of_set)
        write_mistakes(folder, {s.name: to_mistakes(s.reviews, predictions[s.name]) for s in data.sets})
        Console().print(audit_table(data.audit))
        write_result(folder, make_record(config, evaluation, predictions))


def opened(config: DictConfig, selection: str | None) -> TrainedModel:
    return open_model(
        config.checkpoint,
        selection=selection,
        labels=config.labels,
        revision=config.revision,
        cache_dir=config.paths.cache_dir,
    )


def selections(config: DictConfig, first: TrainedModel) -> dict[str, TrainedModel]:
    """Selection -> model: those of a run's own record, each epoch opened once; else the one there is, as ``last``."""
    result = first.origin.result
    if result is None:
        return {"last": first}
    epochs = {name: result["selections"][name]["epoch"] for name in OF_A_RUN if name in result["selections"]}
    by_epoch = {epochs[str(first.origin.selection)]: first}
    for name, epoch in epochs.items():
        if epoch not in by_epoch:
            by_epoch[epoch] = opened(config, name)
    return {name: by_epoch[epoch] for name, epoch in epochs.items()}


def answering(predictor: Predictor, reviews: Reviews) -> Predictor:
    """The predictor with the classes of ``reviews``, in their order; what it tells apart besides has no share."""
    model = predictor.model
    if absent := [name for name in reviews.classes if name not in model.classes]:
        raise UserError(
            f"The model tells {', '.join(model.classes)} apart, but the target has {', '.join(absent)} as well: score "
            "it on the binary set (classes=2)."
        )
    kept = tuple(name if name in reviews.classes else None for name in model.outputs)
    same = copy(predictor)
    same.model = replace(model, classes=reviews.classes, outputs=kept)
    return same
