"""``result.json``: what a finished run leaves behind. If the file is there, the run is complete."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NotRequired, cast

from typing_extensions import TypedDict

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.atomic import write_atomically
from sentiment_transfer.statistics.metrics import Scores

SCHEMA_VERSION = 1
RESULT_FILE = "result.json"


class Device(TypedDict):
    """Where the run computed; see ``environment.describe_device``."""

    kind: str  # cpu | cuda
    name: str  # the processor's or the accelerator's own name
    count: int  # accelerators, or 1
    threads: int  # that torch computes with on the CPU


class Git(TypedDict):
    revision: str  # 40 hex digits
    dirty: bool  # tracked files differ from the revision


class Model(TypedDict):
    """The classifier as it was trained."""

    name: str  # the option on the command line: base, large, scratch, ...
    encoder: str  # hub name or folder, or that it is built in
    parameters: int
    trainable_parameters: int
    layers: int
    hidden_size: int
    vocabulary: int  # tokens of the encoder
    vocabulary_rows: NotRequired[int]  # rows of the embedding that were held: the tokens that occur in the run's texts
    averaged: NotRequired[list[str]]  # run ids, where the weights are the mean of several runs'
    weights: str  # pretrained | random | 4-bit weights | built in | language model trained here | where they came from
    language_model: NotRequired[dict[str, Any]]  # of ULMFiT: texts, perplexity; see sentiment_transfer/ulmfit.py


class Source(TypedDict):
    names: list[str]  # datasets trained on, as on the command line
    rows: dict[str, int]  # split -> reviews, all datasets together
    started_from: NotRequired[str]  # run id of the source model that a few-shot run went on from


class LabelBudget(TypedDict):
    """What a run was trained on of an evaluation set's own training split."""

    total: int  # labelled reviews; 0 in a zero-shot run
    per_class: NotRequired[int]  # where the protocol names it: protocol.shots
    sample_seed: NotRequired[int]  # which reviews, where there are some per class
    label_use: NotRequired[
        str
    ]  # target_only | sequential (after the source) | joint (with it); absent where total is 0


class DatasetScores(TypedDict):
    """One evaluation set: what it is, and its scores under each selection."""

    role: Literal["source", "target"]
    language: str  # ISO 639-1
    domain: str
    protocol: str  # zero-shot | cross-domain | supervised | few-label | few-shot | joint; TransferDataModule.protocol
    metric: str  # headline metric, a key of Scores
    n: int
    classes: list[str]
    selections: dict[str, Scores]  # last, source_dev, average, oracle (where asked for)
    label_budget: NotRequired[LabelBudget]  # where it is known what was trained on


class Performance(TypedDict):
    """Time and memory. Tokens are non-padding tokens."""

    seconds: dict[str, float]  # stage -> wall-clock seconds
    examples_per_second: dict[str, float]  # train, score
    tokens_per_second: dict[str, float]  # train, score
    peak_memory_bytes: int  # of the accelerator, or of the process on a CPU
    batching: NotRequired[str]  # packed; packed, fused kernels; or padded
    fallback_reason: NotRequired[str]  # why not a faster way, where there is one


class RunResult(TypedDict):
    """The whole record. All metrics are fractions in 0..1."""

    schema_version: int
    run_id: str  # hash of the resolved configuration, with a readable prefix
    status: Literal["finished", "degenerate"]  # degenerate: one class predicted only
    caveats: list[str]  # to be shown wherever the result is: random weights, 4-bit weights, trained from scratch
    seed: int
    command: list[str]  # the arguments, as typed
    config: dict[str, Any]  # resolved
    created: str  # ISO 8601, UTC
    git: Git | None  # None outside a checkout
    packages: dict[str, str]  # name -> version
    device: Device
    precision: str  # as Lightning names it: 32-true, bf16-mixed, ...
    model: Model
    source: Source
    selections: dict[str, dict[str, Any]]  # name -> epoch (-n: the mean of n) and scores on the source's dev set
    history: list[dict[str, Any]]  # one entry per epoch
    scores: dict[str, DatasetScores]  # evaluation set -> scores
    audit: dict[str, Any]  # dataset -> what the data audit found
    performance: Performance
    unavailable: dict[str, str]  # target -> why it was not scored and what to do
    dedup: dict[str, Any]  # dataset -> rows removed because they leak; empty unless asked for


def write_result(folder: Path, result: RunResult) -> Path:
    """Write ``result.json`` into a run's folder, last and atomically; returns its path.

    Strict JSON in UTF-8, keys in the order given. Raises UserError where it cannot be written, ValueError where
    a number is NaN or infinite (JSON has neither), naming the field.
    """
    for field in non_finite(result):
        raise ValueError(f"the result's {field} is not a finite number")
    text = json.dumps(result, ensure_ascii=False, allow_nan=False, indent=2) + "\n"
    # A command line may hold bytes that are not UTF-8 (lone surrogates in Python): written as \udcXX.
    content = text.encode("utf-8", errors="backslashreplace")
    path = Path(folder) / RESULT_FILE
    write_atomically(path, lambda temporary: temporary.write_bytes(content))
    return path


def non_finite(value: object, where: str = "") -> Iterator[str]:
    """Paths of the floats that JSON cannot hold, such as ``history[2].train_loss``."""
    if isinstance(value, float) and not math.isfinite(value):
        yield where
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from non_finite(item, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from non_finite(item, f"{where}[{index}]")


def is_finished(folder: Path) -> bool:
    """Whether the run in this folder is complete (its result was written, which happens last)."""
    return (Path(folder) / RESULT_FILE).is_file()


def read_result(folder: Path) -> RunResult:
    """The record of a finished run.

    Raises UserError where there is none, where it is damaged, or where a newer version wrote it.
    """
    path = Path(folder) / RESULT_FILE
    again = f"Delete {path} and run the same command again."
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"There is no {RESULT_FILE} in {folder}: the run has not finished.") from None
    except OSError as error:
        raise UserError(f"{path} could not be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is damaged: byte {error.start} is not UTF-8. {again}") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise UserError(f"{path} is damaged or half-written: {error.msg} at {place}. {again}") from error
    check_shape(result, path, again)
    return cast(RunResult, result)


def check_shape(result: object, path: Path, again: str) -> None:
    if not isinstance(result, dict) or not isinstance(result.get("schema_version"), int):
        raise UserError(f"{path} is not the record of a run: it has no schema_version. {again}")
    if result["schema_version"] > SCHEMA_VERSION:
        raise UserError(
            f"{path} was written by a newer version of this program (schema {result['schema_version']}; this "
            f"one reads up to {SCHEMA_VERSION}). Update the program: git pull && make setup."
        )
    if result["schema_version"] < SCHEMA_VERSION:
        raise UserError(f"{path} was written by an older version (schema {result['schema_version']}). {again}")
    missing = [field for field in RunResult.__annotations__ if field not in result]
    if missing:
        raise UserError(f"{path} is damaged: it lacks {', '.join(missing)}. {again}")
