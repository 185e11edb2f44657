"""``python export.py``: from a run's directory to a folder to hand on."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from sentiment_transfer.checkpoints.model import TrainedModel
from sentiment_transfer.checkpoints.opening import open_model, refuse_folder_without_model
from sentiment_transfer.config.program_options import ExportConfig
from sentiment_transfer.errors import UserError
from sentiment_transfer.export import onnx
from sentiment_transfer.export.agreement import ScoredSet, compare, scored_sets
from sentiment_transfer.export.card.render import model_card
from sentiment_transfer.export.card.scores import INT8, Conversion
from sentiment_transfer.export.folder import push, refuse_output, refuse_push, whole_folder, write_model
from sentiment_transfer.export.pooling import refuse_without_onnx
from sentiment_transfer.files.names import is_path, no_such_path
from sentiment_transfer.formatting import file_size, metric_title
from sentiment_transfer.model.pooling import needs_this_package
from sentiment_transfer.results.record import RESULT_FILE
from sentiment_transfer.training.interruption import Interrupted


def export(config: ExportConfig) -> None:
    """Do what conf/export.yaml's options say and print what was written. Raises UserError, before any work where that
    can be known."""
    checkpoint, output = (Path(each).expanduser() for each in (config.checkpoint, config.output))
    refuse_no_run(config.checkpoint, checkpoint)
    refuse_output(output, checkpoint, overwrite=config.overwrite)
    if config.onnx or config.int8:
        onnx.refuse_without_packages()
    else:
        refuse_without_onnx(checkpoint)
    if config.push is not None:
        refuse_push(config.push, overwrite=config.overwrite)
    console = Console()
    try:
        with whole_folder(output) as folder:
            model = open_model(config.checkpoint, selection=config.selection, cache_dir=config.paths.cache_dir)
            write_model(model, folder)
            conversions = write_onnx_and_compare(model, folder, config, console) if config.onnx or config.int8 else []
            write_card(model, folder, config.push or output.name, conversions)
    except Interrupted as stop:
        print("\ninterrupted: nothing was written. The same command starts again.", file=sys.stderr)
        sys.exit(128 + stop.signum)
    show(console, model, output, conversions)
    if config.push is not None:
        console.print(f"Uploading to {config.push} ...")
        console.print(f"Uploaded: {push(output, config.push, private=config.private)}")


def refuse_no_run(named: str, folder: Path) -> None:
    """Raises UserError for whatever is no finished run: what is exported already, another program's model, nothing."""
    if (folder / RESULT_FILE).is_file():
        return
    if folder.is_dir():
        refuse_folder_without_model(folder)
        raise UserError(
            f"{named} is a saved model and no directory of a run. export writes out what a run trained, with its "
            "record; name the run that this came from, or use the folder as it is."
        )
    if is_path(named, in_folder=True):
        raise UserError(no_such_path(named, named))
    raise UserError(f"{named} is neither a folder here nor a run's directory: name one that has finished training.")


def write_onnx_and_compare(
    model: TrainedModel, folder: Path, config: ExportConfig, console: Console
) -> list[Conversion]:
    result = model.origin.result
    assert result is not None
    sets = list(scored_sets(result, Path(model.origin.path), config.paths, config.check_limit))
    absent = [reason for reason in sets if isinstance(reason, str)]
    found = [each for each in sets if isinstance(each, ScoredSet)]
    for reason in absent:
        console.print(f"Not compared: {reason}", style="yellow", highlight=False)
    if not found:
        raise UserError(
            "onnx=true compares what it writes with the original on the run's test sets, none of which is available "
            "here. Name the folder that holds them with paths.data_dir=..., or leave onnx=true out."
        )
    console.print("Converting to ONNX ...", highlight=False)
    files = onnx.write_onnx(model.network, folder, int8=config.int8)
    return compare(model, found, folder, files)


def write_card(model: TrainedModel, folder: Path, place: str, conversions: Sequence[Conversion]) -> None:
    result, selection = model.origin.result, model.origin.selection
    assert result is not None and selection is not None
    card = model_card(
        result,
        Path(model.origin.path),
        selection=selection,
        place=place,
        conversions=conversions,
        pooling=needs_this_package(model.network.config.to_dict()),
    )
    (folder / "README.md").write_text(card, encoding="utf-8")


def show(console: Console, model: TrainedModel, output: Path, conversions: Sequence[Conversion]) -> None:
    if conversions:
        console.print(agreement_table(conversions))
    for caveat in model.caveats:
        console.print(f" {caveat.upper()} ", style="reverse", highlight=False)
    console.print(f"{model.origin.name}, weights {model.origin.selection}, exported to {output}:", highlight=False)
    for path in sorted(path for path in output.rglob("*") if path.is_file()):
        console.print(f"  {path.relative_to(output)!s:<32}{file_size(path.stat().st_size):>12}", highlight=False)


def agreement_table(conversions: Sequence[Conversion]) -> Group:
    """Each version beside the original in fp32."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("version", no_wrap=True)
    table.add_column("scored on")
    for title in ("reviews", "logits off", "same label", "score, change"):
        table.add_column(title, justify="right", no_wrap=True)
    for each in conversions:
        table.add_row(
            "int8" if each.file == INT8 else "fp32",
            f"{each.dataset}\n{metric_title(each.metric)}",
            f"{each.n:,}" + (f"\nof {each.of:,}" if each.n < each.of else ""),
            f"{each.largest_difference:.1g}",
            f"{each.agreement:.1%}",
            f"{100 * each.original:.2f} → {100 * each.converted:.2f}\n[{100 * each.low:+.2f}, {100 * each.high:+.2f}]",
        )
    key = "logits off: the largest difference; change: its 95 % interval, in points, over other test reviews"
    return Group(table, Text(key, style="dim"), Text())
