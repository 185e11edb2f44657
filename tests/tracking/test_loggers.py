"""Every logger gets the numbers of result.json and metrics.csv, read back from its real store; none ends a run."""

from __future__ import annotations

import contextlib
import csv
import json
import logging
import sqlite3
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest
from omegaconf import OmegaConf
from pytorch_lightning.loggers.logger import Logger
from tests.helpers.runs import LOGGED, SMALL, composed, trained

from sentiment_transfer.config.checks import validate
from sentiment_transfer.config.logger_options import CsvOptions, LoggerConfig, MlflowOptions, WandbOptions
from sentiment_transfer.config.logger_overrides import options_without_logger, refuse_switches
from sentiment_transfer.config.logger_record import loggers_of_record, recorded_loggers
from sentiment_transfer.errors import UserError
from sentiment_transfer.tracking import libraries
from sentiment_transfer.tracking.guarded import GuardedLogger
from sentiment_transfer.tracking.scores import headline_scores


class Kept(Logger):
    """A logger of the user's own."""

    logged: ClassVar[list[tuple[dict[str, float], int | None]]] = []

    def __init__(self, colour: str = "") -> None:
        super().__init__()
        self.colour = colour

    @property
    def name(self) -> str:
        return "kept"

    @property
    def version(self) -> str:
        return "0"

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        self.seed = params["seed"]

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.logged.append((metrics, step))


class Broken(Kept):
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        raise ConnectionError("the server is gone\nand more")


def points(folder: Path, name: str) -> dict[int, float]:
    """What metrics.csv has of one curve, by step."""
    [file] = folder.glob("metrics/version_0/metrics.csv")
    with file.open(newline="") as lines:
        return {int(row["step"]): float(row[name]) for row in csv.DictReader(lines) if row.get(name)}


CURVES = ("train/step_loss", "train/lr", "dev/written_en/loss")


def test_tensorboard_has_the_curves_scores_and_hyperparameters(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    result = trained(tmp_path, *LOGGED, "logger=[csv,tensorboard]")
    scalars: dict[str, dict[int, float]] = {}
    for file in (tmp_path / "tensorboard").rglob("events.*"):
        events = EventAccumulator(str(file))
        events.Reload()
        for tag in events.Tags()["scalars"]:
            scalars.setdefault(tag, {}).update({event.step: event.value for event in events.Scalars(tag)})
    for name in CURVES:
        assert scalars[name] == pytest.approx(points(tmp_path, name), rel=1e-5)
        assert points(tmp_path, name)
    for key, score in headline_scores(result).items():
        assert list(scalars[key].values()) == pytest.approx([score])
    assert list((tmp_path / "tensorboard").rglob("hparams.yaml"))


# MLflow 3.17 with SQLAlchemy 2.1 (November 2026).
@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")
def test_an_mlflow_store_has_the_curves_scores_and_hyperparameters(tmp_path: Path) -> None:
    for module in libraries.LIBRARIES["mlflow"]:
        pytest.importorskip(module, reason=f"{module} is not installed")
    uri = f"sqlite:///{tmp_path}/store.db"
    folder = tmp_path / "run"
    chosen = ("logger=[csv,mlflow]", f"logger.mlflow.tracking_uri={uri}", "logger.tags=[mine]")
    result = trained(folder, *LOGGED, *chosen)
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("sentiment-transfer")
    assert experiment
    [run] = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert "mine" in run.data.tags["tags"]
    assert run.data.params["seed"] == "0"
    for name in CURVES:
        stored = {metric.step: metric.value for metric in client.get_metric_history(run.info.run_id, name)}
        assert stored == pytest.approx(points(folder, name), rel=1e-5)
    for key, score in headline_scores(result).items():
        assert run.data.metrics[key] == pytest.approx(score)


def test_trackios_database_has_the_curves_scores_and_hyperparameters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("trackio", reason="trackio is not installed")
    monkeypatch.setattr("trackio.utils.TRACKIO_DIR", tmp_path)
    monkeypatch.setattr("trackio.sqlite_storage.TRACKIO_DIR", tmp_path)
    result = trained(tmp_path / "run", *LOGGED, "logger=[csv,trackio]", "logger.tags=[mine]")
    stored: dict[str, dict[int, float]] = {}
    with contextlib.closing(sqlite3.connect(tmp_path / "sentiment-transfer.db")) as database:
        for step, metrics in database.execute("SELECT step, metrics FROM metrics"):
            for name, value in json.loads(metrics).items():
                stored.setdefault(name, {})[step] = value
        [[config]] = database.execute("SELECT config FROM configs")
    for name in CURVES:
        assert stored[name] == pytest.approx(points(tmp_path / "run", name), rel=1e-5)
    for key, score in headline_scores(result).items():
        assert list(stored[key].values()) == pytest.approx([score])
    assert json.loads(config)["seed"] == 0 and "mine" in json.loads(config)["tags"]


def test_a_logger_of_the_users_own_and_one_that_breaks(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Kept.logged = []
    with caplog.at_level(logging.WARNING):
        result = trained(
            tmp_path,
            *LOGGED,
            "logger=csv",
            f"++logger.mine._target_={__name__}.Kept",
            "++logger.mine.colour=red",
            f"++logger.bad._target_={__name__}.Broken",
        )
    logged: dict[str, float] = {}
    for metrics, _ in Kept.logged:
        logged |= metrics
    assert headline_scores(result).items() <= logged.items()
    [warning] = [text for text in caplog.messages if "failed while" in text]
    assert warning.startswith("bad failed while logging metrics (the server is gone)")
    assert result["config"]["logger"]["own"]["mine"]["colour"] == "red"


def test_none_logs_nothing(tmp_path: Path) -> None:
    trained(tmp_path, *LOGGED, "logger=none")
    assert not (tmp_path / "metrics").exists() and not (tmp_path / "wandb").exists()


def test_lightnings_loggers_are_ended_once_and_after_the_scores() -> None:
    ended: list[str] = []
    logger = Kept()
    logger.finalize = ended.append  # type: ignore[method-assign]
    guarded = GuardedLogger("kept", lambda: logger, {"seed": 1})
    guarded.finalize("success")  # Lightning's, before the scores
    guarded.log_metrics({"epoch": 0.0}, 1)
    assert not ended
    guarded.close(1)
    guarded.close(1)
    assert ended == ["failed"]


# What is typed


def test_old_names_say_the_new_one() -> None:
    with pytest.raises(UserError, match=r"type logger\.wandb\.project=mine"):
        validate(composed(*SMALL, "logger=wandb", "+logger.project=mine"))


def test_a_logger_is_not_switched_on() -> None:
    with pytest.raises(UserError, match=r"Type logger=wandb\."):
        refuse_switches(["logger.wandb=true"])
    with pytest.raises(UserError, match=r"Type logger=csv\."):
        refuse_switches(["logger.wandb=false"])
    refuse_switches(["logger.wandb.log_model=true", "logger=wandb"])


def test_an_option_of_a_logger_that_is_not_chosen_says_which_to_choose() -> None:
    sentence = options_without_logger(["logger=csv", "logger.wandb.project=x"])
    assert sentence and "logger.wandb.project=x" in sentence and "logger=[csv,wandb]" in sentence
    assert options_without_logger(["logger=[csv,wandb]", "logger.wandb.project=x"]) is None


def test_a_library_that_is_absent_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(libraries.LIBRARIES, "mlflow", ("no_such_module",))
    with pytest.raises(UserError, match=r"logger=mlflow needs no_such_module.*pip install .*\[mlflow\]"):
        libraries.require_libraries(LoggerConfig(mlflow=MlflowOptions()))


@pytest.mark.parametrize("target", ["Nowhere", "no_such_module.Logger", "sys.NoSuchLogger"])
def test_a_class_that_is_not_there_is_a_sentence(target: str) -> None:
    assert "sys" in sys.modules
    with pytest.raises(UserError, match=target):
        libraries.require_libraries(LoggerConfig(own={"mine": {"_target_": target}}))


def test_a_class_that_is_no_logger_and_a_wrong_argument_are_sentences() -> None:
    with pytest.raises(UserError, match=r"mine\._target_=pathlib\.\w*Path is no logger"):
        libraries.require_libraries(LoggerConfig(own={"mine": {"_target_": "pathlib.Path"}}))
    own = {"_target_": f"{__name__}.Kept", "color": "red"}
    with pytest.raises(UserError, match=r"logger\.mine: Kept does not take these arguments: .*color"):
        libraries.require_libraries(LoggerConfig(own={"mine": own}))


# Records


@pytest.mark.parametrize(
    "config",
    [
        LoggerConfig(),
        LoggerConfig(csv=CsvOptions(), log_every=50),
        LoggerConfig(csv=CsvOptions(), wandb=WandbOptions(project="p", log_model=True), tags=["a"], log_every=7),
        LoggerConfig(mlflow=MlflowOptions(tracking_uri="http://example.org")),
        LoggerConfig(own={"mine": {"_target_": "my_loggers.MyLogger"}}),
    ],
)
def test_a_record_gives_back_the_loggers(config: LoggerConfig) -> None:
    assert LoggerConfig(**loggers_of_record(recorded_loggers(config))) == config


def test_a_record_of_the_previous_version_opens() -> None:
    old = {"csv": True, "wandb": True, "project": "p", "entity": "e", "tags": [], "log_every": 50}
    old |= {"progress_bar": False, "init_timeout": 1.0, "finish_timeout": 2.0}
    given = LoggerConfig(**loggers_of_record(old))
    assert given.wandb == WandbOptions(project="p", entity="e", init_timeout=1.0, finish_timeout=2.0)
    assert given.log_every is None and not given.progress_bar


def test_a_record_has_no_password() -> None:
    own = {"mine": {"_target_": "a.B", "api_key": "k", "url": "https://user:secret@example.org"}}
    assert "secret" not in str(recorded_loggers(LoggerConfig(own=own)))
    assert OmegaConf.create(recorded_loggers(LoggerConfig(own=own))).own.mine.api_key == "***"


@pytest.mark.parametrize(("steps", "every"), [(5, 1), (75, 3), (400, 20), (10_000, 50)])
def test_short_epochs_have_at_least_twenty_points(steps: int, every: int) -> None:
    assert LoggerConfig().steps_between_points(steps) == every
    assert LoggerConfig(log_every=9).steps_between_points(steps) == 9
