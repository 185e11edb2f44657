"""Write the files of a finished run: predictions, mistakes and, last, ``result.json``.

``finish`` ends every run, whether it was trained, averaged or evaluated.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl

from sentiment_transfer.checkpoints.embedding import keep_embedding, stored
from sentiment_transfer.config.dataset import headline_metric
from sentiment_transfer.config.run_name import run_name
from sentiment_transfer.config.schema import Config
from sentiment_transfer.config.trainer_arguments import MAX_STEPS, MAX_TIME
from sentiment_transfer.config.typed import plain
from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.errors import without_credentials
from sentiment_transfer.model.ulmfit.classifier import UlmfitClassifier
from sentiment_transfer.results.inputs import Inputs, model_files
from sentiment_transfer.results.predictions import write_mistakes, write_predictions
from sentiment_transfer.results.record import (
    SCHEMA_VERSION,
    DatasetScores,
    Device,
    LabelBudget,
    Llm,
    Model,
    Performance,
    RunResult,
    Source,
    Stopped,
    Tokens,
    write_result,
)
from sentiment_transfer.runs.build import Parts, caveats
from sentiment_transfer.runs.described import label_budget, model_of, selections_of, source_of
from sentiment_transfer.runs.environment import describe_device, git_state, package_versions, peak_memory_bytes
from sentiment_transfer.runs.measure import measure, size_caveats, source_tokens
from sentiment_transfer.runs.score import Scored
from sentiment_transfer.statistics.metrics import is_degenerate
from sentiment_transfer.statistics.metrics import score as scores_of
from sentiment_transfer.training.endings import OUT_OF_TIME
from sentiment_transfer.training.plan import planned, shortening_steps
from sentiment_transfer.training.selection import History


@dataclass(frozen=True)
class RunInfo:
    """The contents of a record apart from scores, audit and environment."""

    run_id: str
    config: dict[str, Any]  # plain values
    caveats: list[str]
    seed: int
    model: Model
    source: Source
    selections: dict[str, dict[str, Any]]
    history: History
    precision: str
    device: str  # cpu | cuda
    batching: tuple[str, str]  # how reviews were batched, and why not a faster way
    seconds: dict[str, float]  # stage -> wall-clock seconds
    inputs: Inputs
    protocol: Callable[[str], str]  # dataset -> protocol of its scores
    label_budget: Callable[[str], LabelBudget | None]  # dataset -> labels that were trained on; None: unknown
    zero_shot: Mapping[str, DatasetScores] = field(default_factory=dict)  # of the source run that training started from
    trained_on: np.ndarray | None = None  # ids in the source's training texts, (largest + 1,) bool; None: unknown
    stopped: Stopped | None = None  # where a callback stopped the training early
    trained: tuple[int, int] | None = None  # reviews and tokens trained on, all epochs; None: nothing was trained
    llm: Llm | None = None  # of an evaluation of a large language model, whose splits are not tokenised

    @property
    def calibrated(self) -> bool:
        """Whether probabilities are more than a label."""
        return self.llm is None or self.llm["probabilities"] != "labels"


def run_info(
    config: Config,
    parts: Parts,
    trainer: pl.Trainer,
    history: History,
    seconds: dict[str, float],
    *,
    started_from: str | None = None,
    zero_shot: Mapping[str, DatasetScores] | None = None,
    stopped: Stopped | None = None,
) -> RunInfo:
    """The record's facts about a run that was trained as ``config`` says; ``started_from`` is the source run's id,
    ``zero_shot`` its scores."""
    data, module = parts.data, parts.module
    whole = [] if stopped and stopped["reason"] == OUT_OF_TIME else [MAX_TIME]
    if shortening_steps(config.trainer, len(data.epoch_rows)) is None:
        whole.append(MAX_STEPS)
    lengths = np.concatenate([s.tokens.lengths for s in data.train_sets if s.tokens is not None])[data.epoch_rows]
    if isinstance(module, UlmfitClassifier) and module.language_model:
        seconds = seconds | {"language_model": module.language_seconds}
    return RunInfo(
        run_id=run_name(config),
        config=plain(config),
        caveats=[*caveats(config, whole), *size_caveats(data.sets)],
        seed=config.seed,
        model=model_of(config, module),
        source=source_of(data, started_from),
        selections=selections_of(config, data, history),
        history=history,
        precision=str(trainer.precision),
        device="cuda" if trainer.strategy.root_device.type == "cuda" else "cpu",
        batching=module.batching,
        seconds=seconds,
        inputs=parts.inputs,
        protocol=data.protocol,
        label_budget=lambda name: label_budget(name, data),
        zero_shot=zero_shot or {},
        trained_on=source_tokens(data),
        stopped=stopped,
        trained=_trained(config, len(history), lengths, trainer.global_step),
    )


def _trained(config: Config, epochs: int, lengths: np.ndarray, steps: int) -> tuple[int, int]:
    """Reviews and tokens of ``epochs``, of which one has reviews of these lengths (n,) int64; where epochs are cut
    short, each trains on another part, and the tokens are those of reviews of mean length.

    ``steps``: optimiser steps that were taken, 0 where another run's weights were taken over.
    """
    plan = planned(config.trainer, len(lengths))
    taken = steps or min(plan.steps, epochs * plan.epoch_steps)
    reviews = min(epochs * len(lengths), taken * config.trainer.batch_size)
    return reviews, round(reviews / len(lengths) * int(lengths.sum()))


def finish(
    folder: Path, info: RunInfo, data: TransferDataModule, scored: Sequence[Scored], kept: Parts | None = None
) -> RunResult:
    """Write predictions, mistakes and, last, the record into ``folder``; returns the record.

    ``kept``: the parts of a run whose weights are kept, for which architecture and tokenizer are written as well.
    """
    tests = [s for s in scored if s.is_test]
    measured = {s.name: measure(s.split, data, info.trained_on) for s in tests if s.split.tokens is not None}
    for each in scored:
        features = measured[each.name].features if each.is_test and each.name in measured else None
        write_predictions(folder, each.name, replace(each.predictions, features=features), split=each.split.split)
    write_mistakes(folder, {s.name: s.mistakes for s in tests})
    if kept is not None:
        kept.module.network.config.save_pretrained(folder / "model")
        kept.tokenizer.save_pretrained(folder / "model")
        info.inputs["model"] = model_files(folder)
        if (digest := kept.inputs.get("embedding")) and stored(digest, data.cache_dir).is_file():
            keep_embedding(folder, digest, data.cache_dir)
    result = make_record(info, data, scored, {name: each.tokens for name, each in measured.items()})
    write_result(folder, result)
    return result


def make_record(
    info: RunInfo, data: TransferDataModule, scored: Sequence[Scored], tokens: Mapping[str, Tokens]
) -> RunResult:
    """The record as ``result.json`` holds it: scores of the test sets among ``scored``, and the time that all of these
    took; ``tokens`` are what the test sets' texts have."""
    tests = [s for s in scored if s.is_test]
    scores = {s.name: _dataset_scores(s, s.name in data.source, info, tokens.get(s.name)) for s in tests}
    result = RunResult(
        schema_version=SCHEMA_VERSION,
        run_id=info.run_id,
        status="degenerate" if _collapsed(scores) else "finished",
        caveats=info.caveats,
        seed=info.seed,
        command=[without_credentials(argument) for argument in sys.argv[1:]],
        config=info.config,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        git=git_state(),
        packages=package_versions(),
        device=describe_device(info.device) if info.llm is None else server_device(info.llm),
        precision=info.precision,
        model=info.model,
        source=info.source,
        selections=info.selections,
        history=info.history,
        scores=scores,
        audit=data.audit,
        performance=_performance(info, scored),
        unavailable=data.unavailable,
        dedup=data.removed,
        inputs=info.inputs,
    )
    if info.stopped is not None:
        result["stopped"] = info.stopped
    if info.llm is not None:
        result["llm"] = info.llm
    return result


def server_device(llm: Llm) -> Device:
    """The machine behind a server is not seen."""
    return Device(kind="server", name=f"server {llm['server']}", count=1, threads=0)


def _dataset_scores(scored: Scored, is_source: bool, info: RunInfo, tokens: Tokens | None) -> DatasetScores:
    reviews, known = scored.split.reviews, scored.predictions
    selections = {
        name: scores_of(probabilities, known.gold, reviews.classes, known.folds, calibrated=info.calibrated)
        for name, probabilities in scored.probabilities.items()
    }
    entry = DatasetScores(
        role="source" if is_source else "target",
        language=reviews.language,
        domain=reviews.domain,
        protocol=info.protocol(scored.name),
        metric=headline_metric(scored.name, selections["last"], kind_of(info.config, scored.name)),
        n=len(reviews),
        classes=list(reviews.classes),
        selections=selections,
    )
    if tokens is not None:
        entry["tokens"] = tokens
    if (labels := info.label_budget(scored.name)) is not None:
        entry["label_budget"] = labels
    before = info.zero_shot.get(scored.name)
    if before and entry["role"] == "target" and (before["n"], before["metric"]) == (entry["n"], entry["metric"]):
        entry["zero_shot"] = before["selections"]["last"][before["metric"]]  # type: ignore[literal-required]
    return entry


def kind_of(config: dict[str, Any], name: str) -> str | None:
    """The kind of a run's dataset, by its configuration as plain values; None where that does not name it."""
    groups = [config.get("targets") or {}, config.get("source") or {}]
    return next((str(group[name]["kind"]) for group in groups if group.get(name, {}).get("kind")), None)


def _collapsed(scores: dict[str, DatasetScores]) -> bool:
    """True if only one class is predicted on each test set of the source, or of the targets if the source has none."""
    sources = [entry for entry in scores.values() if entry["role"] == "source"]
    judged = sources or list(scores.values())
    return bool(judged) and all(is_degenerate(entry["selections"]["last"]["confusion"]) for entry in judged)


def _performance(info: RunInfo, scored: Sequence[Scored]) -> Performance:
    passes = [(len(set(s.weights.values())), s.split) for s in scored]
    rows = sum(times * len(split.reviews) for times, split in passes)
    tokens = sum(times * len(split.tokens.tokens) for times, split in passes if split.tokens is not None)
    if info.llm is not None:
        tokens = sum(each["prompt_tokens"] for each in info.llm["answers"].values())
    done = {"score": (rows, tokens)}
    if info.trained is not None:
        done = {"train": info.trained} | done
    seconds = {stage: max(info.seconds[stage], 1e-9) for stage in done}
    return Performance(
        seconds={stage: round(value, 3) for stage, value in info.seconds.items()},
        examples_per_second={stage: round(reviews / seconds[stage], 1) for stage, (reviews, _) in done.items()},
        tokens_per_second={stage: round(count / seconds[stage]) for stage, (_, count) in done.items()},
        peak_memory_bytes=peak_memory_bytes(info.device),
        batching=info.batching[0],
        fallback_reason=info.batching[1],
    )
