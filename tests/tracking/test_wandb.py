"""W&B never prompts, never ends a run, gets every number, and the API key never reaches a file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.processes import Command
from tests.helpers.runs import LOGGED, SMALL, composed, same_numbers, trained

from sentiment_transfer.config.run_name import group_name, run_name
from sentiment_transfer.results.record import RunResult, read_result
from sentiment_transfer.tracking import loggers
from sentiment_transfer.tracking.keys import logged_in
from sentiment_transfer.tracking.weights_and_biases import WandbLogger
from sentiment_transfer.training.interruption import Interrupted

KEY = "5e1f" * 10  # no one's
WANDB = (*LOGGED, "logger=wandb")


@pytest.fixture(autouse=True)
def nobodys_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No login of the person who runs the tests, no file in their home."""
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NETRC", str(tmp_path / "home" / "netrc"))
    yield


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return trained(tmp_path_factory.mktemp("without"), *LOGGED, "logger=csv")


class FakeRun:
    """Keeps what is logged; the method named in ``broken`` raises."""

    def __init__(self, broken: str = "") -> None:
        self.logged: list[dict[str, Any]] = []
        self.summary: dict[str, Any] = {}
        self.exit_code: int | None = None
        self.preempting = False
        self.broken = broken
        self.axes: dict[str, str | None] = {}
        self.dir = "wandb/offline-run-1/files"

    def define_metric(self, name: str, step_metric: str | None = None) -> None:
        self.axes[name] = step_metric

    def log(self, values: dict[str, Any]) -> None:
        if self.broken in ("log", "all"):
            raise RuntimeError("the service is gone\nand more")
        self.logged.append(values)

    def mark_preempting(self) -> None:
        self.preempting = True

    def finish(self, exit_code: int) -> None:
        if self.broken in ("finish", "all"):
            raise BrokenPipeError
        self.exit_code = exit_code


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeRun:
    run = FakeRun()
    monkeypatch.setattr(WandbLogger, "_start", lambda logger: run)
    return run


def logger(folder: Path, **changes: Any) -> WandbLogger:
    settings = {"name": "n", "group": "g", "tags": ["b", "a", "a"], "settings": {}, "project": "p", "entity": None}
    return WandbLogger(folder, **(settings | {"init_timeout": 1.0, "finish_timeout": 1.0} | changes))


def files_with(folder: Path, text: str) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


# Real runs


def test_without_a_login_every_attempt_is_logged_offline_and_asks_nothing(tmp_path: Path, without: RunResult) -> None:
    first = Command(tmp_path, *WANDB)  # whose standard input is closed
    first.until(lambda: any(tmp_path.glob("outputs/*/wandb/offline-run-*")))
    assert first.stop(signal.SIGTERM) == 143
    second = Command(tmp_path, *WANDB)
    assert second.wait() == 0
    [folder] = (tmp_path / "outputs").iterdir()
    assert read_result(folder)["scores"] == without["scores"]
    attempts = sorted(folder.glob("wandb/offline-run-*"), key=lambda path: path.stat().st_mtime)
    assert len({path.name.rsplit("-", 1)[1] for path in attempts}) == 2  # ids, which W&B tells runs apart by
    assert len(list(folder.glob("metrics/version_*/metrics.csv"))) == 2
    for command, attempt in zip((first, second), attempts, strict=True):
        assert "W&B: logged offline. To upload this run: " in command.output and " login && " in command.output
        assert list(attempt.glob("*.wandb"))
    assert list(folder.glob("wandb/offline-run-*/files/media/table/views/confusion/written_ja*.json"))
    [table] = folder.glob("wandb/offline-run-*/files/media/table/views/mistakes/written_ja*.json")
    assert "confidence" in json.loads(table.read_text())["columns"]


def test_an_unreachable_service_does_not_end_a_run_and_the_key_is_in_no_file(
    tmp_path: Path, without: RunResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    command = Command(tmp_path, *WANDB, "logger.wandb.init_timeout=2", "trainer.save_every_minutes=0.0001")
    assert command.wait() == 0
    assert "W&B cannot be reached" in command.output
    assert "this run is logged offline" in command.output
    [folder] = (tmp_path / "outputs").iterdir()
    assert list(folder.glob("wandb/offline-run-*/*.wandb"))
    assert read_result(folder)["scores"] == without["scores"]
    assert KEY not in command.output
    assert files_with(tmp_path, KEY) == []


# What is logged


def test_a_run_logs_curves_scores_confusions_and_mistakes(tmp_path: Path, fake: FakeRun) -> None:
    result = trained(tmp_path, *WANDB)
    names = {name for values in fake.logged for name in values}
    assert {"train/step_loss", "train/loss", "train/f1", "dev/written_en/loss", "dev/written_en/accuracy"} <= names
    assert {f"views/{kind}/{name}" for kind in ("confusion", "mistakes") for name in result["scores"]} <= names
    steps = [values["trainer/global_step"] for values in fake.logged if "train/step_loss" in values]
    assert steps == sorted(steps) and len(steps) == 4
    last = result["scores"]["written_ja"]["selections"]["last"]
    headline = result["scores"]["written_ja"]["metric"]
    assert fake.summary[f"written_ja/{headline}"] == last[headline]  # type: ignore[literal-required]
    assert not [key for key in fake.summary if key.startswith("score/")]
    [table] = [values["views/scores"] for values in fake.logged if "views/scores" in values]
    assert len(table.data) == sum(len(entry["selections"]) for entry in result["scores"].values())
    assert "train/lr" in names
    assert fake.summary["status"] == result["status"]
    assert fake.summary["caveats"] == ["trained from scratch"]
    assert fake.exit_code == 0


def test_a_run_that_stops_is_marked_as_crashed(tmp_path: Path, fake: FakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyError):
        monkeypatch.setattr("sentiment_transfer.runs.train.score_all", lambda *args: {}["gone"])
        trained(tmp_path, *WANDB)
    assert fake.exit_code == 1
    assert not fake.preempting


def test_a_run_that_a_signal_stops_is_marked_as_preempted(
    tmp_path: Path, fake: FakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentiment_transfer.runs.train.score_all", lambda *args: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Interrupted):
        trained(tmp_path, *WANDB)
    assert fake.exit_code == 1
    assert fake.preempting


@pytest.mark.parametrize("broken", ["log", "finish", "all"])
def test_a_failing_service_does_not_end_a_run_and_is_reported_once(
    tmp_path: Path, without: RunResult, fake: FakeRun, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    fake.broken = broken
    assert trained(tmp_path, *WANDB)["scores"] == without["scores"]
    [warning] = [record.getMessage() for record in caplog.records if "W&B failed" in record.getMessage()]
    reason = "BrokenPipeError" if broken == "finish" else "the service is gone"
    assert f"({reason}). The run continues without it; result.json is not affected." in warning


def test_a_service_that_cannot_be_started_does_not_end_a_run(
    tmp_path: Path, without: RunResult, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import wandb

    def refuse(**settings: Any) -> None:
        raise wandb.errors.UsageError("no")

    monkeypatch.setattr(wandb, "init", refuse)
    result = trained(tmp_path, *WANDB)
    assert result["scores"] == without["scores"]
    assert sum("W&B failed while" in record.getMessage() for record in caplog.records) == 1


def test_logging_changes_no_number(tmp_path: Path, without: RunResult, fake: FakeRun) -> None:
    config = without["config"]
    result = trained(tmp_path, *WANDB)
    assert same_numbers(result | {"config": config}, without)


# How a W&B run is started


def settings_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **changes: Any) -> dict[str, Any]:
    import wandb

    seen: dict[str, Any] = {}
    monkeypatch.setattr(wandb, "init", lambda **settings: seen.update(settings) or FakeRun())
    logger(tmp_path, **changes).log_metrics({"a": 1.0}, 1)
    return seen


def test_a_run_is_started_with_its_names_tags_and_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = settings_of(monkeypatch, tmp_path, group="g" * 200, settings={"model": {"name": "base"}, "seed": 1})
    assert seen["config"] == {"model": {"name": "base"}, "seed": 1}  # W&B flattens it
    assert (seen["mode"], seen["project"], seen["name"]) == ("offline", "p", "n")
    assert seen["tags"] == ["a", "b"]
    assert len(seen["group"]) == 128  # W&B refuses longer ones
    assert "id" not in seen  # an offline run that is continued under its old id overwrites itself on sync
    assert seen["settings"].init_timeout == 1.0


@pytest.mark.parametrize("mode", ["disabled", "offline", "online"])
def test_the_users_own_mode_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    monkeypatch.setenv("WANDB_MODE", mode)
    assert settings_of(monkeypatch, tmp_path)["mode"] == mode


def test_the_group_is_the_configuration_without_its_seed() -> None:
    configs = [composed(*SMALL, f"seed={seed}") for seed in (0, 1)]
    other = composed(*SMALL, "trainer.batch_size=16")
    assert run_name(configs[0]) != run_name(configs[1])
    assert group_name(configs[0]) == group_name(configs[1]) != group_name(other)


def test_a_login_is_found_where_wandb_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not logged_in()
    (tmp_path / "home").mkdir()
    netrc = tmp_path / "home" / "netrc"
    netrc.write_text(f"machine api.wandb.ai\n  login user\n  password {KEY}\n")
    assert logged_in()
    monkeypatch.setenv("WANDB_BASE_URL", "https://wandb.example.org")
    assert not logged_in()
    netrc.write_text("machine wandb.example.org nonsense\n")
    assert not logged_in()
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    assert logged_in()


def test_nothing_is_started_before_there_is_something_to_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WandbLogger, "_start", lambda self: pytest.fail("started"))
    idle = logger(tmp_path)
    idle.log_hyperparams({"a": 1})
    idle.close()
    assert (idle.name, idle.version) == ("p", "n")


def test_after_its_end_nothing_is_logged(tmp_path: Path, fake: FakeRun, caplog: pytest.LogCaptureFixture) -> None:
    ended = logger(tmp_path)
    ended.log_metrics({"a": 1.0}, 1)
    ended.close(exit_code=3)
    ended.log_metrics({"a": 2.0}, 2)
    assert [values["a"] for values in fake.logged] == [1.0]
    assert fake.exit_code == 3
    assert not caplog.records


def test_wandb_is_imported_only_on_request() -> None:
    assert "wandb" not in vars(loggers)


def test_the_keys_that_the_report_reads_import_neither_lightning_nor_wandb() -> None:
    program = "import sys, sentiment_transfer.tracking.keys; print({'pytorch_lightning', 'wandb'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "set()\n"
