"""predict.py killed with -9 at any moment, and run again, leaves the file that an undisturbed one does."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.helpers.labelled_files import PRECISION, attempt, predicted, text_of, write_csv
from tests.helpers.processes import SERVER

from sentiment_transfer.errors import UserError

ROWS = 6_000
FEW = 600


def done(output: Path) -> int:
    try:
        return json.loads((output.with_name(f".{output.name}.partial") / "journal.json").read_text())["rows"]
    except (OSError, ValueError):
        return 0


def written(folder: Path, ending: str, rows: int = ROWS) -> Path:
    if ending == ".parquet":
        table = pa.table({"id": range(rows), "text": [text_of(row) for row in range(rows)]})
        pq.write_table(table, folder / "in.parquet", row_group_size=1_000)
        return folder / "in.parquet"
    if ending.startswith(".jsonl"):
        lines = [json.dumps({"id": row, "text": text_of(row)}) for row in range(rows)]
        (folder / "in.jsonl").write_text("\n".join(lines) + "\n")
        return folder / "in.jsonl"
    return write_csv(folder / "in.csv", rows)


def content(path: Path) -> object:
    """What must be the same; where windows begin, and so compressed members and row groups, may differ."""
    if path.suffix == ".parquet":
        return pq.read_table(path).drop_columns(["probability_negative", "probability_positive"])
    if path.suffix == ".gz":
        import gzip

        return [line[:40] for line in gzip.decompress(path.read_bytes()).splitlines()]
    rows = path.read_text().splitlines()
    return [row[:24] for row in rows]  # no digits that depend on what else is in a window


@pytest.mark.parametrize("ending", [".csv", ".jsonl.gz", ".parquet"])
def test_killed_five_times_the_output_is_whole_and_in_order(model_folder: Path, tmp_path: Path, ending: str) -> None:
    source, output = written(tmp_path, ending), tmp_path / f"out{ending}"
    chance = random.Random(ending)
    kills, furthest = 0, 0
    while kills < 5:
        process = SERVER.Process(target=attempt, args=(model_folder, source, output), daemon=True)
        process.start()
        aim = furthest + chance.randrange(100, 800)
        while process.is_alive() and done(output) < aim:
            time.sleep(0.001)
        assert process.is_alive(), f"ended by itself with {process.exitcode} before row {aim}"
        time.sleep(chance.random() * 0.02)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        kills += 1
        assert not output.exists()
        assert done(output) >= aim  # and what was done is not done again
        furthest = done(output)
    predicted(model_folder, source, output, PRECISION)
    predicted(model_folder, source, tmp_path / f"undisturbed{ending}", PRECISION)
    assert content(output) == content(tmp_path / f"undisturbed{ending}")
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
@pytest.mark.parametrize("moment", ["before complete", "after complete", "before out", "after out"])
def test_killed_while_the_output_is_put_in_place(model_folder: Path, tmp_path: Path, ending: str, moment: str) -> None:
    source, output = written(tmp_path, ending, FEW), tmp_path / f"out{ending}"
    die = moment.replace(" out", f" out{ending}")
    process = SERVER.Process(target=attempt, args=(model_folder, source, output, die), daemon=True)
    process.start()
    process.join(120)
    assert process.exitcode == 9
    assert output.exists() == (moment == "after out")
    predicted(model_folder, source, output, PRECISION)
    rows = pq.read_table(output).num_rows if ending == ".parquet" else len(output.read_text().splitlines()) // 2
    assert rows == FEW
    assert not list(tmp_path.glob(".*"))


@pytest.fixture
def interrupted(model_folder: Path, tmp_path: Path) -> tuple[Path, Path]:
    source, output = write_csv(tmp_path / "in.csv", FEW), tmp_path / "out.csv"
    process = SERVER.Process(target=attempt, args=(model_folder, source, output, "before complete"), daemon=True)
    process.start()
    process.join(120)
    assert process.exitcode == 9 and done(output) == FEW
    return source, output


def test_other_options_do_not_go_on(model_folder: Path, interrupted: tuple[Path, Path]) -> None:
    source, output = interrupted
    with pytest.raises(UserError, match=r"started with other settings \(columns.*Type overwrite=true to start again"):
        predicted(model_folder, source, output, PRECISION, "reason_column=why")
    assert done(output) == FEW
    predicted(model_folder, source, output, PRECISION, "reason_column=why", "overwrite=true")
    assert output.read_text().splitlines()[0].endswith(",why")


def test_another_input_or_checkpoint_does_not_go_on(model_folder: Path, interrupted: tuple[Path, Path]) -> None:
    source, output = interrupted
    weights = next((model_folder / "weights").iterdir())
    times = weights.stat()
    os.utime(weights, ns=(times.st_atime_ns, times.st_mtime_ns + 10**9))
    with pytest.raises(UserError, match=r"started with other settings \(checkpoint files"):
        predicted(model_folder, source, output, PRECISION)
    os.utime(weights, ns=(times.st_atime_ns, times.st_mtime_ns))
    source.write_text(source.read_text() + f"{FEW},more,x\n")
    with pytest.raises(UserError, match=r"started with other settings \(input"):
        predicted(model_folder, source, output, PRECISION)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def of_wrong_types(path: Path) -> None:
    path.write_text('{"settings": [], "rows": "many", "bytes": null, "counts": 5, "checksum": 1, "complete": {}}')


def in_wrong_places(path: Path) -> None:
    path.write_text("[1, 2]")


def off_by_one(path: Path) -> None:
    journal = json.loads(path.read_text())
    path.write_text(json.dumps(journal | {"rows": journal["rows"] - 1}))


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("rows", flip),
        ("rows", cut),
        ("journal.json", flip),
        ("journal.json", of_wrong_types),
        ("journal.json", in_wrong_places),
        ("journal.json", off_by_one),
    ],
)
def test_damaged_rows_of_an_earlier_attempt_are_predicted_again(
    model_folder: Path,
    interrupted: tuple[Path, Path],
    name: str,
    damage: Callable[[Path], None],
    overwrite: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source, output = interrupted
    partial = output.with_name(f".{output.name}.partial")
    damage(partial / name)
    predicted(model_folder, source, output, PRECISION, *["overwrite=true"] * overwrite)
    assert f"The rows of an earlier attempt in {partial} are damaged and predicted again." in capsys.readouterr().err
    predicted(model_folder, source, output.with_name("undisturbed.csv"), PRECISION)
    assert content(output) == content(output.with_name("undisturbed.csv"))


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_complete_output_that_was_damaged_before_it_was_put_in_place_is_made_again(
    model_folder: Path, tmp_path: Path, ending: str
) -> None:
    source, output = written(tmp_path, ending, FEW), tmp_path / f"out{ending}"
    process = SERVER.Process(target=attempt, args=(model_folder, source, output, "after complete"), daemon=True)
    process.start()
    process.join(120)
    assert process.exitcode == 9
    flip(tmp_path / f".out{ending}.partial" / "complete")
    predicted(model_folder, source, output, PRECISION)
    predicted(model_folder, source, tmp_path / f"undisturbed{ending}", PRECISION)
    assert content(output) == content(tmp_path / f"undisturbed{ending}")


def test_intact_rows_are_not_predicted_again(
    model_folder: Path, interrupted: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    source, output = interrupted
    predicted(model_folder, source, output, PRECISION)
    said = capsys.readouterr().err
    assert f"Resuming after row {FEW}" in said and "damaged" not in said


def test_two_at_once_do_not_write_one_file(model_folder: Path, tmp_path: Path) -> None:
    from sentiment_transfer.prediction.partial import partial_output

    source = write_csv(tmp_path / "in.csv", 5)
    with partial_output(tmp_path / "out.csv"), pytest.raises(UserError, match="Another process is writing"):
        predicted(model_folder, source, tmp_path / "out.csv")
