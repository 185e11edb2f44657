"""Runs with callbacks: stopped early, interrupted at that moment, and with the page's own callback."""

from __future__ import annotations

import re
import shlex
import signal
from pathlib import Path

import pytest
from tests.helpers.runs import ROOT, composed, trained
from tests.helpers.stopping import RUN, STEPS, Steps, Whole, differences, send, stopped, undisturbed

from sentiment_transfer import cli
from sentiment_transfer.config.overrides import adapted
from sentiment_transfer.results.record import read_result

PAGE = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
# No loss falls by 1: the second epoch is the last.
EARLY = (*RUN, "callbacks=early_stopping", "callbacks.early_stopping.min_delta=1")


@pytest.fixture(scope="module")
def early(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return undisturbed(tmp_path_factory.mktemp("early"), *EARLY)


def test_a_run_is_stopped_and_scored_and_says_why(early: Whole, capsys: pytest.CaptureFixture[str]) -> None:
    result = read_result(early[0])
    assert len(early[1]) == 2 * STEPS
    assert [entry["epoch"] for entry in result["history"]] == [0, 1]
    assert result["selections"]["last"]["epoch"] == 1
    assert result["selections"]["average"]["mean_of_epochs"] == 2
    reason = "Monitored metric dev/source/loss did not improve in the last 1 records. Best score: 0."
    assert result["stopped"]["reason"].startswith(reason)
    assert (result["stopped"]["epoch"], result["stopped"]["max_epochs"]) == (2, 3)
    trained(early[0], *EARLY)
    assert len(early[1]) == 2 * STEPS
    said = capsys.readouterr().out
    assert "Finished before" in said and "training stopped after epoch 2 of 3" in said


@pytest.mark.parametrize("part", [STEPS + 3, 2 * STEPS])
def test_a_run_that_is_interrupted_stops_early_at_the_same_epoch(
    tmp_path: Path, early: Whole, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    steps = Steps(monkeypatch)
    steps.at, steps.then = part, send(signal.SIGTERM)
    stopped(tmp_path, *EARLY)
    trained(tmp_path, *EARLY)
    assert steps.rows == early[1]
    assert differences(tmp_path, early[0]) == []


def test_the_pages_callback_runs_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [(name, code)] = re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / name).write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    command = next(line for line in PAGE.splitlines() if line.startswith("python train.py callbacks.mine._target_"))
    settings = composed(*adapted([*RUN, *shlex.split(command)[2:], "callbacks.mine.every=1"]))
    with monkeypatch.context() as patch:
        steps = Steps(patch)
        steps.at, steps.then = STEPS + 2, send(signal.SIGTERM)
        (tmp_path / "run").mkdir()
        with pytest.raises(BaseException, match="epoch 2 of 3"):
            cli.train(settings, str(tmp_path / "run"))
    cli.train(settings, str(tmp_path / "run"))
    lines = re.findall(r"my loss ([\d.]+), lowest ([\d.]+)", capsys.readouterr().out)
    losses = [float(loss) for loss, _ in lines]
    assert [float(lowest) for _, lowest in lines] == [min(losses[: n + 1]) for n in range(3)]
    assert list(read_result(tmp_path / "run")["inputs"]["code"]) == ["my_callbacks.PrintLoss"]


def test_the_pages_file_names_the_pages_class() -> None:
    [file] = re.findall(r"```yaml\n# ./conf/callbacks/mine.yaml\n(.*?)```", PAGE, re.DOTALL)
    assert "_target_: my_callbacks.PrintLoss" in file
