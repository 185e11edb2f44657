"""``python predict.py``: from a file of texts to the same file with labels."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentiment_transfer.config.schema import PredictConfig
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.lines import STDIN
from sentiment_transfer.files.records import PARQUET_ENDINGS
from sentiment_transfer.files.text import kind_of
from sentiment_transfer.prediction.files import STDOUT, opened, refuse_output
from sentiment_transfer.prediction.partial import PIPED, Join, Partial, begun
from sentiment_transfer.prediction.progress import Moved, progress
from sentiment_transfer.prediction.window import Columns, Format

if TYPE_CHECKING:
    from sentiment_transfer.prediction.answer import Answered
    from sentiment_transfer.prediction.predictor import Predictor


def predict(config: PredictConfig) -> None:
    """Do what a validated ``config`` says. Raises UserError, before anything heavy is imported where it can."""
    started = time.monotonic()
    source = opened(config)
    if config.output == STDOUT:
        predictor = loaded(config)
        counts = to_stdout(config, source, predictor)
        print(summary(counts, "standard output", started, predictor), file=sys.stderr)
        return
    output = Path(config.output).expanduser()
    refuse_output(config, output)
    with begun(output) as partial:
        if output.exists() and not config.overwrite and not partial.in_place:
            raise UserError(f"{output} exists. Type overwrite=true to replace it, or name another output.")
        predictor = loaded(config)
        partial.go_on(facts(config, predictor), overwrite=config.overwrite)
        if partial.in_place and partial.rows:
            print(f"{output} was whole already.", file=sys.stderr)
        else:
            to_file(config, source, predictor, partial)
        print(summary(partial.counts, str(output), started, predictor))


def loaded(config: PredictConfig) -> Predictor:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # see cli.train; the tokenizer's threads want the cores as well
    gc.disable()  # what is imported and loaded stays: the collector would look through it again and again
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


def to_file(config: PredictConfig, source: Format, predictor: Predictor, partial: Partial) -> None:
    if not partial.whole.exists():
        columns = columns_of(config, predictor)
        refuse_collisions(config, source, columns)
        if partial.rows:
            print(f"Going on after row {partial.rows:,} of an earlier attempt.", file=sys.stderr)
        partial.begin()
        with progress(source.total, partial.rows) as moved:
            for done in windows(config, source, predictor, partial.rows, moved):
                refuse_collisions(config, source, columns)
                content = source.render(done.window, done.answers, columns, first=partial.rows == 0)
                partial.append(content, len(done.answers.labels), done.counts)
    partial.finish(join_of(partial.output))


def join_of(output: Path) -> Join | None:
    """What makes a whole of a Parquet file's parts; appending is enough for others."""
    if kind_of(output) not in PARQUET_ENDINGS:
        return None
    from sentiment_transfer.prediction.parquet import join

    return join


def to_stdout(config: PredictConfig, source: Format, predictor: Predictor) -> Counter[str]:
    columns = columns_of(config, predictor)
    refuse_collisions(config, source, columns)
    counts: Counter[str] = Counter()
    if kind_of(Path(config.input)) in PARQUET_ENDINGS:
        raise UserError("output=- cannot be for a Parquet file: name a file.")
    try:
        with progress(None if sys.stdout.isatty() else source.total, 0) as moved:
            for done in windows(config, source, predictor, 0, moved):
                content = source.render(done.window, done.answers, columns, first=not counts)
                sys.stdout.buffer.write(content)
                sys.stdout.buffer.flush()
                counts += done.counts
    except BrokenPipeError:  # whoever reads has enough, as in | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it ends
    return counts


def windows(config: PredictConfig, source: Format, predictor: Predictor, skip: int, moved: Moved) -> Iterator[Answered]:
    from sentiment_transfer.prediction.answer import answered

    for done in answered(predictor, source.windows(skip), config.batch_tokens):
        yield done
        moved(done.window.position, len(done.answers.labels), done.tokens)


def columns_of(config: PredictConfig, predictor: Predictor) -> Columns:
    shares = tuple(f"{config.probability_column}_{name}" for name in predictor.classes)
    return Columns(config.label_column, shares, config.reason_column)


def refuse_collisions(config: PredictConfig, source: Format, columns: Columns) -> None:
    """Raises UserError where a column that is added is there already, or two of them have one name."""
    options = {config.label_column: "label_column", config.reason_column: "reason_column"}
    for place, name in enumerate(columns.all):
        if name in source.names or name in columns.all[:place]:
            raise UserError(
                f"A column {name} would be added to {config.input}, which has one already: call it otherwise, with "
                f"{options.get(name, 'probability_column')}=..."
            )


def facts(config: PredictConfig, predictor: Predictor) -> dict[str, Any]:
    """What decides the output: an attempt with other facts does not go on from this one."""
    model = predictor.model
    here = Path(model.origin.path)
    files = sorted([*here.rglob("*.safetensors"), *here.glob("*.json")]) if model.origin.kind != "hub" else []
    stats = [path.stat() for path in files]
    return {
        "input": PIPED if config.input == STDIN else stamp(Path(config.input).expanduser()),
        "text": str(config.text),
        "layout": [config.delimiter, config.quoted, config.header],
        "checkpoint": f"{model.origin.path} {model.origin.selection or model.origin.revision or ''}".strip(),
        "state of the checkpoint's files": [[stat.st_size, stat.st_mtime_ns] for stat in stats],
        "labels": list(model.outputs),
        "precision": predictor.precision,
        "columns": list(columns_of(config, predictor).all),
    }


def stamp(path: Path) -> str:
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
