"""``python predict.py``: copy a file of texts, with a label and probabilities added to each row."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentiment_transfer.config.program_options import PredictConfig
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.containers import kind_of
from sentiment_transfer.files.records import PARQUET_ENDINGS
from sentiment_transfer.files.text import STDIN
from sentiment_transfer.prediction.files import (
    STDOUT,
    Advance,
    check_output,
    open_closed_streams,
    open_input,
    progress,
    refuse_closed_stdout,
)
from sentiment_transfer.prediction.parquet import join
from sentiment_transfer.prediction.partial import PIPED, PartialOutput, partial_output
from sentiment_transfer.prediction.windows import Columns, Format
from sentiment_transfer.startup import import_transformers, let_threads_wait_briefly

if TYPE_CHECKING:
    from sentiment_transfer.prediction.predictor import AnsweredWindow, Predictor


def predict(config: PredictConfig) -> None:
    """Run predict.py with a validated ``config``. The input and output are checked before torch is imported.

    Raises UserError for files and checkpoints that cannot be read, and outputs that cannot be written.
    """
    started = time.monotonic()
    open_closed_streams()
    if config.output == STDOUT:
        refuse_closed_stdout()
    source = open_input(config)
    refuse_collisions(config, source, added_columns(config, ("negative", "positive")))  # which every classifier has
    if config.output == STDOUT:
        predictor = load_predictor(config)
        counts = to_stdout(config, source, predictor)
        print(summary(counts, "standard output", started, predictor), file=sys.stderr)
        return
    output = Path(config.output).expanduser()
    check_output(config, output)
    with partial_output(output) as partial:
        if output.exists() and not config.overwrite and not partial.in_place:
            raise UserError(f"{output} exists. Type overwrite=true to replace it, or name another output.")
        predictor = load_predictor(config)
        partial.resume(settings(config, predictor), overwrite=config.overwrite)
        if partial.discarded:
            print(partial.discarded, file=sys.stderr)
        if partial.in_place and partial.rows:
            print(f"{output} is already complete.", file=sys.stderr)
        else:
            to_file(config, source, predictor, partial)
    if sys.stdout is not None:
        text = summary(partial.counts, str(output), started, predictor)
        write_stdout(f"{text}\n".encode(errors="surrogateescape"), f" {output} is complete.")


def load_predictor(config: PredictConfig) -> Predictor:
    let_threads_wait_briefly()
    gc.disable()  # imported modules and weights stay in memory: the collector would scan them again and again
    import_transformers()
    from sentiment_transfer.prediction.predictor import load

    try:
        return load(
            config.checkpoint,
            selection=config.selection,
            labels=config.labels,
            revision=config.revision,
            cache_dir=config.cache_dir,
            accelerator=config.accelerator,
            precision=config.precision,
        )
    finally:
        gc.enable()


def to_file(config: PredictConfig, source: Format, predictor: Predictor, partial: PartialOutput) -> None:
    if not partial.complete.exists():
        columns = added_columns(config, predictor.classes)
        refuse_collisions(config, source, columns)
        if partial.rows:
            print(f"Resuming after row {partial.rows:,} of an earlier attempt.", file=sys.stderr)
        partial.begin()
        with progress(source.total, partial.rows) as advance:
            for answered in answered_windows(config, source, predictor, partial.rows, advance):
                refuse_collisions(config, source, columns)
                content = source.render(answered.window, answered.answers, columns, first=partial.rows == 0)
                partial.append(content, len(answered.answers.labels), answered.counts)
    partial.finish(join if kind_of(partial.output) in PARQUET_ENDINGS else None)


def to_stdout(config: PredictConfig, source: Format, predictor: Predictor) -> Counter[str]:
    columns = added_columns(config, predictor.classes)
    refuse_collisions(config, source, columns)
    counts: Counter[str] = Counter()
    if kind_of(Path(config.input)) in PARQUET_ENDINGS:
        raise UserError("output=- is invalid for Parquet input: name a file.")
    with progress(None if sys.stdout.isatty() else source.total, 0) as advance:
        for answered in answered_windows(config, source, predictor, 0, advance):
            if not write_stdout(source.render(answered.window, answered.answers, columns, first=not counts)):
                break
            counts += answered.counts
    return counts


def write_stdout(content: bytes, remark: str = "") -> bool:
    """Write to standard output at once; False if its reader has closed the pipe, as in ``| head``.

    Raises UserError, with the ``remark`` at its end, for other errors.
    """
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at exit
        if isinstance(error, BrokenPipeError):
            return False
        raise UserError(f"Standard output cannot be written ({error.strerror or error}).{remark}") from error
    return True


def answered_windows(
    config: PredictConfig, source: Format, predictor: Predictor, skip: int, advance: Advance
) -> Iterator[AnsweredWindow]:
    from sentiment_transfer.prediction.predictor import answer_windows

    for answered in answer_windows(predictor, source.windows(skip), config.batch_tokens, skip):
        yield answered
        advance(answered.window.position, len(answered.answers.labels), answered.tokens)


def added_columns(config: PredictConfig, classes: Sequence[str]) -> Columns:
    probabilities = tuple(f"{config.probability_column}_{name}" for name in classes)
    return Columns(config.label_column, probabilities, config.reason_column)


def refuse_collisions(config: PredictConfig, source: Format, columns: Columns) -> None:
    """Raises UserError if an added column exists already, or two of them have the same name."""
    options = {config.label_column: "label_column", config.reason_column: "reason_column"}
    taken = [name for index, name in enumerate(columns.all) if name in source.names or name in columns.all[:index]]
    if taken:
        needed = dict.fromkeys(options.get(name, "probability_column") for name in taken)
        typed = " ".join(f"{option}={free_name(option.removesuffix('_column'), source.names)}" for option in needed)
        raise UserError(
            f"A column {taken[0]} would be added to {config.input}, which already has one. Type {typed} for another "
            "name."
        )


def free_name(name: str, names: Sequence[str]) -> str:
    """``predicted_label`` for ``label``, numbered if a column's name begins with that."""
    candidates = (f"predicted_{name}{number or ''}" for number in (0, *range(2, len(names) + 3)))
    return next(each for each in candidates if not any(other.startswith(each) for other in names))


def settings(config: PredictConfig, predictor: Predictor) -> dict[str, Any]:
    """The settings that determine the output: an attempt is resumed only with the same ones."""
    model = predictor.model
    folder = Path(model.origin.path)
    files = sorted([*folder.rglob("*.safetensors"), *folder.glob("*.json")]) if model.origin.kind != "hub" else []
    stats = [path.stat() for path in files]
    return {
        "input": PIPED if config.input == STDIN else file_version(Path(config.input).expanduser()),
        "text": str(config.text),
        "layout": [config.delimiter, config.quoted, config.header] + ([config.encoding] if config.encoding else []),
        "checkpoint": f"{model.origin.path} {model.origin.selection or model.origin.revision or ''}".strip(),
        "checkpoint files": [[stat.st_size, stat.st_mtime_ns] for stat in stats],
        "labels": list(model.outputs),
        "precision": predictor.precision,
        "columns": list(added_columns(config, predictor.classes).all),
    }


def file_version(path: Path) -> str:
    stat = path.stat()
    changed = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(stat.st_mtime))
    return f"{path.resolve()} of {stat.st_size:,} bytes, changed {changed}.{stat.st_mtime_ns % 10**9:09}"


def summary(counts: Counter[str], where: str, started: float, predictor: Predictor) -> str:
    """``5,000 rows in labels.csv: positive 3,000, negative 1,990; 10 without a label (10 empty text)``"""
    seconds = time.monotonic() - started
    by_label = [f"{name} {counts[name]:,}" for name in predictor.classes]
    reasons = {name.removeprefix("reason: "): n for name, n in counts.items() if name.startswith("reason: ")}
    text = f"{counts.total():,} rows in {where}: {', '.join(by_label)}"
    if reasons:
        listed = ", ".join(f"{n:,} {reason}" for reason, n in sorted(reasons.items(), key=lambda item: -item[1]))
        text += f"; {sum(reasons.values()):,} without a label ({listed})"
    text += f". {seconds:,.0f} s."
    if predictor.model.caveats:
        text += f" {' · '.join(caveat.upper() for caveat in predictor.model.caveats)}"
    return text
