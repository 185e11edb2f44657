"""From the answers of an evaluated model to a record that stands beside those of runs."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from omegaconf import DictConfig

from sentiment_transfer.checkpoints.model import TrainedModel
from sentiment_transfer.config.run_name import evaluation_name, plain_node
from sentiment_transfer.results.predictions import Predictions
from sentiment_transfer.results.record import (
    SCHEMA_VERSION,
    LabelBudget,
    Model,
    Performance,
    RunResult,
    Source,
)
from sentiment_transfer.runs.environment import describe_device, git_state, package_versions, peak_memory_bytes
from sentiment_transfer.runs.evaluation_data import UNKNOWN, EvaluationData
from sentiment_transfer.runs.record import dataset_scores
from sentiment_transfer.statistics.metrics import is_degenerate

NOT_OURS = "training data unknown"  # the honesty label of a model that no run of this program made


@dataclass
class Evaluation:
    """What an evaluated model answered."""

    model: TrainedModel
    data: EvaluationData
    max_length: int
    probabilities: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)  # test set -> selection -> (n, c)
    seconds: dict[str, float] = field(default_factory=dict)
    precision: str = ""
    device: str = "cpu"
    batching: tuple[str, str] = ("", "")  # how they were computed, and why not faster

    def add(self, dataset: str, selection: str, answers: np.ndarray) -> None:
        self.probabilities.setdefault(dataset, {})[selection] = answers


def make_record(config: DictConfig, evaluation: Evaluation, predictions: dict[str, Predictions]) -> RunResult:
    """The record, as ``result.json`` holds it."""
    data, trained = evaluation.data, evaluation.model.origin.result
    scores = {
        s.name: dataset_scores(
            s,
            predictions[s.name],
            is_source=s.name in data.sources,
            protocol=data.protocol(s.name),
            labels=_label_budget(s.name, trained),
        )
        for s in data.sets
    }
    collapsed = all(is_degenerate(entry["selections"]["last"]["confusion"]) for entry in scores.values())
    return RunResult(
        schema_version=SCHEMA_VERSION,
        run_id=evaluation_name(config),
        status="degenerate" if collapsed else "finished",
        caveats=_caveats(evaluation),
        seed=trained["seed"] if trained else 0,
        command=sys.argv[1:],
        config=_config(config, evaluation),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        git=git_state(),
        packages=package_versions(),
        device=describe_device(evaluation.device),
        precision=evaluation.precision,
        model=_model(evaluation),
        source=trained["source"] if trained else Source(names=[UNKNOWN], rows={}),
        selections=trained["selections"] if trained else {"last": {}},
        history=[],  # nothing was trained
        scores=scores,
        audit=data.audit,
        performance=_performance(evaluation),
        unavailable=data.data.unavailable,
        dedup=data.data.removed,
    )


def _label_budget(name: str, trained: RunResult | None) -> LabelBudget | None:
    """What a run was trained on of the set's labels; of others it is not known."""
    if trained is None:
        return None
    before = trained["scores"].get(name)
    return before["label_budget"] if before and "label_budget" in before else LabelBudget(total=0)


def _caveats(evaluation: Evaluation) -> list[str]:
    labels = list(evaluation.model.caveats)
    if evaluation.model.origin.result is None:
        labels.append(NOT_OURS)
    return list(dict.fromkeys(labels))


def _config(config: DictConfig, evaluation: Evaluation) -> dict[str, Any]:
    """The run's own configuration where there is one, with the targets of this evaluation; so it is grouped with it."""
    model, origin = evaluation.model, evaluation.model.origin
    foreign = {"name": origin.name, "encoder": origin.path, "revision": origin.revision, "outputs": list(model.outputs)}
    base: dict[str, Any] = dict(origin.result["config"]) if origin.result else {"model": foreign, "source": {}}
    base["targets"] = plain_node(config.targets)
    base["data"] = dict(base.get("data", {})) | {"max_length": evaluation.max_length, "dedup": config.data.dedup}
    return base | {"evaluated": {"checkpoint": origin.result["run_id"] if origin.result else origin.path}}


def _model(evaluation: Evaluation) -> Model:
    model = evaluation.model
    if model.origin.result:
        return model.origin.result["model"]
    network = model.network
    count = sum(parameter.numel() for parameter in network.parameters())
    return Model(
        name=model.origin.name,
        encoder=model.origin.path,
        parameters=count,
        trainable_parameters=count,
        layers=getattr(network.config, "num_hidden_layers", 0),
        hidden_size=getattr(network.config, "hidden_size", 0),
        vocabulary=len(network.get_input_embeddings().weight),  # type: ignore[arg-type]
        weights=f"{model.origin.path}{f' at {model.origin.revision}' if model.origin.revision else ''}",
    )


def _performance(evaluation: Evaluation) -> Performance:
    selections = next(iter(evaluation.probabilities.values()))
    passes = len(selections)
    rows = passes * sum(len(s.reviews) for s in evaluation.data.sets)
    tokens = passes * sum(len(s.tokens.tokens) for s in evaluation.data.sets if s.tokens is not None)
    seconds = max(evaluation.seconds["score"], 1e-9)
    return Performance(
        seconds={stage: round(value, 3) for stage, value in evaluation.seconds.items()},
        examples_per_second={"score": round(rows / seconds, 1)},
        tokens_per_second={"score": round(tokens / seconds)},
        peak_memory_bytes=peak_memory_bytes(evaluation.device),
        batching=evaluation.batching[0],
        fallback_reason=evaluation.batching[1],
    )
