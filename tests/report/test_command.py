"""``python report.py``: what it writes, what it says, and what it makes of folders in any state."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.helpers.example_report import example_mistake, example_runs, written_runs

from sentiment_transfer.report.command import main
from sentiment_transfer.results.record import RESULT_FILE

ROOT = Path(__file__).parents[2]


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    folder = tmp_path / "sweep"
    written_runs(
        folder, example_runs(("nano", "mini"), ("written_en", "written_ja"), 2), {"written_ja": [example_mistake("oh")]}
    )
    return folder


def page_of(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def test_the_report_lies_in_the_first_folder_and_the_terminal_says_so(
    sweep: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(sweep)]) == 0
    out = capsys.readouterr().out
    assert str(sweep / "report" / "report.html") in out.replace("\n", "")
    assert "4 finished runs of 2 configurations" in page_of(sweep / "report")
    assert "oh" in page_of(sweep / "report")


def test_a_second_report_is_made_over_the_first(sweep: Path) -> None:
    assert main([str(sweep)]) == main([str(sweep)]) == 0
    assert "4 finished runs" in page_of(sweep / "report")


def test_two_sweeps_are_one_report_in_a_folder_of_choice(sweep: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    run = example_runs(("micro",), ("written_en",), 1)[0]
    run["run_id"] = "other"
    written_runs(other, [run], {})
    assert main([str(sweep), str(other), "--out", str(tmp_path / "out")]) == 0
    assert "5 finished runs of 3 configurations" in page_of(tmp_path / "out")
    assert not (sweep / "report").exists()


def test_runs_that_are_not_there_yet_or_not_ours_are_named(sweep: Path, tmp_path: Path) -> None:
    for name, content in (
        ("half", '{"schema_version": 1, '),
        ("foreign", '{"acc": 1}'),
        ("<i>old", '{"schema_version": 0}'),
    ):
        (sweep / name).mkdir()
        (sweep / name / RESULT_FILE).write_text(content)
    (sweep / "going" / ".hydra").mkdir(parents=True)
    (sweep / "going" / "train.log").write_text("epoch 1/4: train loss 0.3\n\n")
    assert main([str(sweep), "--out", str(tmp_path / "out")]) == 0
    page = page_of(tmp_path / "out")
    problems = page[page.index('id="problems"') : page.index('id="commands"')]
    assert "damaged or incomplete" in problems
    assert "is not the record of a run" in problems
    assert "&lt;i&gt;old" in problems and "<i>old" not in page
    assert "epoch 1/4: train loss 0.3" in problems and "seconds ago" in problems
    assert "4 finished runs" in page


def test_a_damaged_list_of_mistakes_leaves_only_itself_out(sweep: Path) -> None:
    [damaged, *_] = sorted(sweep.glob("*/mistakes.json"))
    damaged.write_text("{")
    assert main([str(sweep)]) == 0
    assert "mistakes.json is damaged" in page_of(sweep / "report")


def test_an_older_run_without_overrides_shows_the_command_of_its_sweep(sweep: Path) -> None:
    [first, *_] = sorted(sweep.glob("*/.hydra/overrides.yaml"))
    first.unlink()
    record = first.parents[1] / RESULT_FILE
    result = json.loads(record.read_text())
    result["command"] = ["-m", "model=nano,mini", "targets.csv.path=my file.csv"]
    record.write_text(json.dumps(result))
    assert main([str(sweep)]) == 0
    page = page_of(sweep / "report")
    assert "python train.py -m model=nano,mini &#39;targets.csv.path=my file.csv&#39;" in page
    assert "the command of the whole sweep" in page


@pytest.mark.parametrize("arguments", [[], ["nowhere"]])
def test_nothing_to_show_is_a_sentence_and_leaves_nothing(
    tmp_path: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outputs").mkdir()
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert ("experiment=demo" in error) == (not arguments)
    assert not list(tmp_path.rglob("report*"))


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_a_sentence(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep.chmod(0o555)
    try:
        assert main([str(sweep)]) == 1
        assert "name another folder with --out" in capsys.readouterr().err
    finally:
        sweep.chmod(0o755)


def test_the_table_alone_writes_nothing_and_waits_for_no_plotting(sweep: Path) -> None:
    check = (
        "import sys; from sentiment_transfer.report.command import main; code = main(sys.argv[1:]); "
        "sys.exit(code or bool({'matplotlib', 'torch', 'jinja2'} & set(sys.modules)))"
    )
    for option in ("--terminal", "--markdown"):
        done = subprocess.run(
            [sys.executable, "-c", check, str(sweep), option], capture_output=True, text=True, cwd=ROOT
        )
        assert done.returncode == 0, done.stderr
        assert "nano" in done.stdout
    assert not (sweep / "report").exists()


def test_a_place_on_wandb_is_two_names(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([str(sweep), "--dashboard", "project"])
    assert "'project' is not ENTITY/PROJECT" in capsys.readouterr().err
