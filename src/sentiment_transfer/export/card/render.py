"""The card itself: front matter and Markdown, from a run's record and its predictions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from sentiment_transfer.commands import command
from sentiment_transfer.config.dataset import Dataset
from sentiment_transfer.config.shortened import SHORTENED
from sentiment_transfer.escaping import Verbatim, markdown, markdown_block, markdown_code, markdown_row
from sentiment_transfer.export.card.contents import BUILTIN, FREE, OWN, all_facts, contents
from sentiment_transfer.export.card.scores import Conversion, ScoreRow, score_rows
from sentiment_transfer.results.record import RunResult, is_size_caveat

if TYPE_CHECKING:
    from huggingface_hub import EvalResult, ModelCardData

NOT_FOR_LEADERBOARDS = {"random weights"}  # numbers of these say nothing of the method
TASK = "text-classification"


def model_card(
    result: RunResult,
    folder: Path,
    *,
    selection: str,
    place: str,
    conversions: Sequence[Conversion] = (),
    pooling: str | None = None,
) -> str:
    """The README.md of an exported model, front matter included.

    ``folder`` is the run's, whose predictions the intervals are taken from; ``selection`` names the exported weights;
    ``place`` is the hub name or folder that the examples load from; ``pooling`` is given where the folder holds ONNX
    versions alone, because transformers does not compute it.
    """
    rows = list(score_rows(result, folder, selection))
    library = "onnx" if pooling else "transformers"
    front = metadata(result, rows, all_facts(result), onnx=bool(conversions), library=library).to_yaml()
    found = contents(result, selection, rows, conversions, place, pooling)
    body = environment().get_template("card.md.j2").render(found)
    return f"---\n{front}\n---\n\n{body}"


def environment() -> Environment:
    made = Environment(
        loader=PackageLoader("sentiment_transfer.export.card"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda value: markdown(value) if isinstance(value, str) else value,
    )
    made.filters |= {
        "cells": markdown_row,
        "code": markdown_code,
        "command": lambda verb: Verbatim(command(verb)),
        "markdown": Verbatim,
        "fenced": markdown_block,
        "listed": json_list,
    }
    return made


def json_list(texts: Iterable[str]) -> Verbatim:
    """A list of strings as Python and JSON write it, one to a line."""
    return Verbatim(json.dumps(list(texts), ensure_ascii=False, indent=4))


def metadata(
    result: RunResult, rows: Sequence[ScoreRow], facts: dict[str, Dataset], *, onnx: bool, library: str = "transformers"
) -> ModelCardData:
    """The fields that the hub sorts models by; checked as far as huggingface_hub does without a network."""
    from huggingface_hub import ModelCardData

    encoder = result["model"]["encoder"]
    of_parts = [caveat for caveat in result["caveats"] if is_size_caveat(caveat)]
    of_parts += [caveat for caveat in result["caveats"] if caveat.startswith(SHORTENED)]
    hidden = of_parts or NOT_FOR_LEADERBOARDS & set(result["caveats"])
    evaluated = [] if hidden else list(_evaluated(rows, facts))
    hub = [facts[name].hub for name in result["source"]["names"]]
    return ModelCardData(
        language=sorted({entry["language"] for entry in result["scores"].values()}),
        **_licence(encoder, [facts[name] for name in result["source"]["names"]]),
        library_name=library,
        pipeline_tag=TASK,
        base_model=encoder if on_hub(encoder) else None,
        datasets=sorted({name for name in hub if name}) or None,
        metrics=["accuracy", "f1"],
        tags=[
            "sentiment-analysis",
            "cross-lingual",
            *(["zero-shot-transfer"] if any(row.protocol == "zero-shot" for row in rows) else []),
            *(["onnx"] if onnx else []),
            *(label.replace(" ", "-") for label in result["caveats"] if label not in of_parts),
        ],
        model_name=result["run_id"],
        eval_results=evaluated or None,
    )


def on_hub(encoder: str) -> bool:
    """Whether an encoder's name is one of the hub, not built in and not a folder."""
    return encoder.count("/") == 1 and not encoder.startswith((BUILTIN, "/", ".", "~")) and not Path(encoder).is_dir()


def _licence(encoder: str, trained_on: Sequence[Dataset]) -> dict[str, Any]:
    """Known only where encoder and data are this project's own; else it is for people to settle."""
    if encoder.startswith(BUILTIN) and all(facts.licence in FREE for facts in trained_on):
        return {"license": OWN.lower()}
    return {"license": "other", "license_name": "see-the-model-card"}


def _evaluated(rows: Sequence[ScoreRow], facts: dict[str, Dataset]) -> Iterator[EvalResult]:
    from huggingface_hub import EvalResult

    for row in rows:
        scores = [("accuracy", "Accuracy", row.accuracy), ("f1", "Macro F1", row.macro_f1)]
        if row.metric.startswith("f1_positive"):
            folds = ", mean of the folds" if row.metric != "f1_positive" else ""
            scores.append(("f1", f"F1 of the positive class{folds}", row.value))
        for kind, title, value in scores:
            yield EvalResult(
                task_type=TASK,
                task_name=f"Sentiment classification, {row.protocol}",
                dataset_type=facts[row.dataset].hub or row.dataset,
                dataset_name=f"{facts[row.dataset].title} ({row.language})",
                dataset_config=row.language if facts[row.dataset].hub else None,
                dataset_split="test",
                metric_type=kind,
                metric_name=title,
                metric_value=round(value, 4),
            )
