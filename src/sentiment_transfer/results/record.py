"""The record of a finished run, ``result.json``. It is written last: a run with a record is complete."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NotRequired, cast

from typing_extensions import TypedDict

from sentiment_transfer.commands import updating
from sentiment_transfer.errors import UserError, without_credentials
from sentiment_transfer.files.atomic import write_atomically
from sentiment_transfer.results.inputs import Inputs
from sentiment_transfer.statistics.metrics import Scores

SCHEMA_VERSION = 2
RESULT_FILE = "result.json"
OPTIONAL = ("stopped", "llm")  # fields of a record that not every run has
PART = "(complete=false)"  # ends a caveat about the size of a user's copy of a dataset


class Device(TypedDict):
    """The hardware that the run used; see ``runs/environment.py``."""

    kind: str  # cpu | cuda | server (of a language model: not seen)
    name: str  # as the processor or accelerator reports it
    count: int  # number of accelerators; 1 on a CPU
    threads: int  # of torch on the CPU


class Git(TypedDict):
    revision: str  # 40 hex digits
    dirty: bool  # uncommitted changes in tracked files


class Model(TypedDict):
    """The trained classifier."""

    name: str  # the model= option: base, large, scratch, ...
    encoder: str  # hub name, local folder, or builtin:<name>
    parameters: int
    trainable_parameters: int
    layers: int
    hidden_size: int
    vocabulary: int  # tokens in the encoder's full vocabulary
    vocabulary_rows: NotRequired[int]  # embedding rows after trimming to the tokens of the run's texts
    averaged: NotRequired[list[str]]  # run ids, if the weights are the mean of several runs
    weights: str  # pretrained | random | 4-bit weights | built in | language model trained here | origin of others
    language_model: NotRequired[dict[str, Any]]  # of ULMFiT: number of texts, perplexity; see runs/language_stage.py


class Source(TypedDict):
    """The training data."""

    names: list[str]  # training datasets, as on the command line
    rows: dict[str, int]  # split -> number of reviews, over all training datasets
    started_from: NotRequired[str]  # few-shot: run id of the source model that training started from


class LabelBudget(TypedDict):
    """Labelled reviews of a dataset's training split that the run was trained on."""

    total: int  # number of reviews; 0 in a zero-shot run
    per_class: NotRequired[int]  # protocol.shots, if the protocol samples
    sample_seed: NotRequired[int]  # protocol.sample_seed, if the protocol samples
    # target_only | sequential (after the source) | joint (mixed with the source); absent if total is 0
    label_use: NotRequired[str]


class Tokens(TypedDict):
    """The tokens of the test reviews, special tokens not counted."""

    seen: float | None  # share that occurs in the source's training texts; None if these are not known
    per_character: float  # tokens per character, before truncation
    unknown: float  # share of unknown tokens


class DatasetScores(TypedDict):
    """The test scores on one dataset, under each selection."""

    role: Literal["source", "target"]
    language: str  # ISO 639-1
    domain: str
    protocol: str  # zero-shot | cross-domain | supervised | few-label | few-shot | joint
    metric: str  # headline metric, a key of Scores
    n: int  # test reviews
    classes: list[str]
    selections: dict[str, Scores]  # last, source_dev, average, oracle (on request)
    tokens: NotRequired[Tokens]  # absent in records of former versions
    # Of few-shot that started from a source run which was scored on the same number of reviews: its headline metric.
    zero_shot: NotRequired[float]
    label_budget: NotRequired[LabelBudget]  # absent if the training data are unknown (models of other projects)


class Performance(TypedDict):
    """Time and memory. Padding tokens are not counted."""

    seconds: dict[str, float]  # stage -> wall-clock seconds; validate: development sets at the ends of epochs
    examples_per_second: dict[str, float]  # train, score
    tokens_per_second: dict[str, float]  # train, score
    peak_memory_bytes: int  # of the accelerator; on a CPU, of the process
    batching: NotRequired[str]  # packed | packed, fused kernels | padded
    fallback_reason: NotRequired[str]  # why a faster batching was not used


class Stopped(TypedDict):
    """A training that a callback or ``max_time`` ended before ``trainer.max_epochs``."""

    epoch: int  # the last one, from 1; it may be cut short
    max_epochs: int
    reason: str  # a sentence


class LlmAnswers(TypedDict):
    """How a large language model answered about the reviews of one dataset."""

    prompt: str  # name of the template
    prompt_digest: str  # XXH3 of the template
    words: list[str]  # label word of each class
    unparsable: int  # answers that name no class; counted as errors
    refused: int  # answers that the server or the model declined; counted as errors
    label_mass: float | None  # the label words' share of the probability, mean over answers; None: not by logprobs
    prompt_tokens: int
    completion_tokens: int
    cost: float | None  # US dollars; None: no price is known


class Llm(TypedDict):
    """Of an evaluation of a large language model: the server, the question, and what it took."""

    server: str  # host and port
    model: str  # as the server names it
    probabilities: Literal["logprobs", "samples", "labels"]  # labels: none, so that there is no calibration
    shots: int  # examples per class in the prompt
    source: list[str]  # the datasets that examples were drawn from
    examples: list[str]  # ids of the examples
    samples: int  # answers per review
    concurrency: int
    price: dict[str, float] | None  # US dollars per million tokens: input, output
    answers: dict[str, LlmAnswers]  # by dataset


class RunResult(TypedDict):
    """The whole record. All metrics are fractions in 0..1."""

    schema_version: int
    run_id: str  # hash of the resolved configuration, with a readable prefix
    status: Literal["finished", "degenerate"]  # degenerate: only one class is predicted
    caveats: list[str]  # to be shown with every score: random weights, trained from scratch, see size_caveat ...
    seed: int
    command: list[str]  # command-line arguments as typed
    config: dict[str, Any]  # the resolved configuration
    created: str  # ISO 8601, UTC
    git: Git | None  # None outside a git checkout
    packages: dict[str, str]  # name -> version
    device: Device
    precision: str  # as Lightning names it: 32-true, bf16-mixed, ...
    model: Model
    source: Source
    selections: dict[str, dict[str, Any]]  # name -> epoch, mean_of_epochs or mean_of_runs; see training/selection.py
    history: list[dict[str, Any]]  # one entry per epoch
    scores: dict[str, DatasetScores]  # dataset -> test scores
    audit: dict[str, Any]  # splits, overlaps, removed: the data audit
    performance: Performance
    unavailable: dict[str, str]  # target -> why it was not scored and how to fix that
    dedup: dict[str, Any]  # dataset -> test reviews removed because they occur in training; empty without data.dedup
    inputs: Inputs  # hashes of what the run was computed from
    stopped: NotRequired[Stopped]  # where a callback stopped the training early
    llm: NotRequired[Llm]  # of an evaluation of a large language model


def size_caveat(dataset: str, split: str, rows: int, complete: int) -> str:
    """``amazon_de: 1,200 of 4,000 test reviews (complete=false)``: scores on other sizes are not comparable."""
    return f"{dataset}: {rows:,} of {complete:,} {split} reviews {PART}"


def is_size_caveat(caveat: str, split: str = "") -> bool:
    """Whether ``caveat`` is one of ``size_caveat``, about this split or any."""
    return caveat.endswith(f"{split} reviews {PART}")


def write_result(folder: Path, result: RunResult) -> Path:
    """Write ``result.json`` into a run's folder atomically; returns its path. Call it last.

    Strict JSON in UTF-8, keys in the order given. Raises UserError if it cannot be written, ValueError, naming the
    field, if a number is NaN or infinite (JSON has neither).
    """
    for field in non_finite(result):
        raise ValueError(f"the result's {field} is not a finite number")
    text = json.dumps(result, ensure_ascii=False, allow_nan=False, indent=2) + "\n"
    # A command line may contain bytes that are not UTF-8 (lone surrogates in Python): written as \udcXX.
    content = text.encode("utf-8", errors="backslashreplace")
    path = Path(folder) / RESULT_FILE
    write_atomically(path, lambda temporary: temporary.write_bytes(content))
    return path


def non_finite(value: object, where: str = "") -> Iterator[str]:
    """Paths of NaN and infinite floats, such as ``history[2].train_loss``."""
    if isinstance(value, float) and not math.isfinite(value):
        yield where
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from non_finite(item, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from non_finite(item, f"{where}[{index}]")


def is_finished(folder: Path) -> bool:
    """True if the run in this folder is complete: its record, which is written last, exists."""
    return (Path(folder) / RESULT_FILE).is_file()


def read_result(folder: Path) -> RunResult:
    """The record of a finished run. Raises UserError if it is missing, damaged or of another schema version."""
    path = Path(folder) / RESULT_FILE
    remedy = f"Delete {path} and run the same command again."
    try:
        result = json.loads(without_credentials(path.read_text(encoding="utf-8")))  # of versions that stored them
    except RecursionError:
        raise UserError(f"{path} is damaged: it is nested too deeply. {remedy}") from None
    except FileNotFoundError:
        raise UserError(f"{folder} has no {RESULT_FILE}: the run has not finished.") from None
    except OSError as error:
        raise UserError(f"{path} could not be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is damaged: byte {error.start} is not UTF-8. {remedy}") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise UserError(f"{path} is damaged or incomplete: {error.msg} at {place}. {remedy}") from error
    if isinstance(result, dict):
        result.setdefault("inputs", {"reviews": {}, "files": {}})  # the first records of schema 2 have none
    check_shape(result, path, remedy)
    return cast(RunResult, result)


def check_shape(result: object, path: Path, remedy: str) -> None:
    """Raises UserError if ``result`` is not a record of SCHEMA_VERSION or lacks a field."""
    if not isinstance(result, dict) or not isinstance(result.get("schema_version"), int):
        raise UserError(f"{path} is not the record of a run: it has no schema_version. {remedy}")
    if result["schema_version"] > SCHEMA_VERSION:
        raise UserError(
            f"{path} was written by a newer version of this program (schema {result['schema_version']}; this "
            f"one reads up to {SCHEMA_VERSION}). Update the program: {updating()}."
        )
    if result["schema_version"] < SCHEMA_VERSION:
        raise UserError(f"{path} was written by an older version (schema {result['schema_version']}). {remedy}")
    missing = [field for field in RunResult.__annotations__ if field not in result and field not in OPTIONAL]
    if missing:
        raise UserError(f"{path} is damaged: it lacks {', '.join(missing)}. {remedy}")
