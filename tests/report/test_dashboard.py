"""The W&B dashboard: what would be sent, read back by the library's own schema. Nothing is sent by any test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.example_report import example_contents
from tests.helpers.example_result import example_result

from sentiment_transfer.errors import UserError
from sentiment_transfer.report.rendering.contents import Contents, drawing
from sentiment_transfer.report.rendering.dashboard import (
    Dashboard,
    Place,
    build_dashboard,
    save_dashboard,
    specifications,
)

pytest.importorskip("wandb_workspaces", reason="wandb-workspaces is not installed")
# 0.4.13 is written for pydantic 1, and says so when it is imported (November 2026).
pytestmark = pytest.mark.filterwarnings("ignore:Pydantic V1 style:DeprecationWarning")
LOGGED = {"logger": {"wandb": True, "entity": None, "project": "transfer"}}


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    with drawing():
        return example_contents(tmp_path_factory.mktemp("runs"), config={**example_result()["config"], **LOGGED})


@pytest.fixture(scope="module")
def dashboard(contents: Contents) -> Dashboard:
    return build_dashboard(contents, Place("me", "transfer"))


@pytest.fixture
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")


def panels(dashboard: Dashboard) -> list[dict[str, Any]]:
    specification = specifications(dashboard)["workspace.json"]
    return [panel for section in specification["section"]["panelBankConfig"]["sections"] for panel in section["panels"]]


def without_empty_comments(value: Any) -> Any:
    """The library adds empty lists of comments when it reads a report."""
    if isinstance(value, dict):
        return {k: without_empty_comments(v) for k, v in value.items() if (k, v) != ("inlineComments", [])}
    return [without_empty_comments(item) for item in value] if isinstance(value, list) else value


def test_the_library_reads_back_what_it_would_send(dashboard: Dashboard) -> None:
    from wandb_workspaces.reports.v2 import internal as report_schema
    from wandb_workspaces.workspaces import internal as workspace_schema

    sent = json.loads(json.dumps(specifications(dashboard)))
    workspace = workspace_schema.WorkspaceViewspec.model_validate(sent["workspace.json"])
    report = report_schema.Spec.model_validate(sent["report.json"])
    assert workspace.model_dump(by_alias=True, exclude_none=True, mode="json") == sent["workspace.json"]
    read = report.model_dump(by_alias=True, exclude_none=True, mode="json")
    assert without_empty_comments(read) == without_empty_comments(sent["report.json"])


def test_matrix_scaling_curves_and_parallel_coordinates_are_there(dashboard: Dashboard) -> None:
    kinds = [panel["viewType"] for panel in panels(dashboard)]
    assert set(kinds) == {"Bar Chart", "Scatter Plot", "Run History Line Plot", "Parallel Coordinates Plot"}
    assert kinds.count("Scatter Plot") == 2  # one per dataset
    report = json.dumps(specifications(dashboard)["report.json"])
    for kind in set(kinds):
        assert f'"{kind}"' in report


def test_panels_are_read_from_what_a_run_logs(contents: Contents, dashboard: Dashboard) -> None:
    from sentiment_transfer.tracking.scores import summary

    run = next(iter(contents.runs.values())).result
    logged = set(summary(run)) | {f"dev/{name}/{what}" for name in run["scores"] for what in ("loss", "accuracy")}
    for panel in panels(dashboard):
        config = panel["config"]
        keys = [*config.get("metrics", []), config.get("xAxis"), config.get("yAxis")]
        keys += [column["accessor"] for column in config.get("columns", [])]
        for key in filter(None, keys):
            name = key.removeprefix("summary_metrics.").removeprefix("summary:")
            assert name in {*logged, "trainer/global_step", "config:seed.value"}, key


def test_curves_are_grouped_over_seeds(dashboard: Dashboard) -> None:
    for panel in panels(dashboard):
        if panel["viewType"] in ("Bar Chart", "Run History Line Plot"):
            assert panel["config"]["groupBy"] == "group"
            assert panel["config"]["groupAgg"] == "mean"


def test_the_answer_stands_in_the_report(dashboard: Dashboard) -> None:
    text = json.dumps(specifications(dashboard)["report.json"])
    assert "error falls by 6.0 points from nano to mini" in text
    assert "TRAINED FROM SCRATCH" in text


@pytest.mark.usefixtures("nobody")
def test_without_a_login_nothing_is_sent_and_what_would_be_is_written(contents: Contents, tmp_path: Path) -> None:
    lines = save_dashboard(contents, None, tmp_path)
    assert "nobody is logged in, so nothing was sent" in lines[-1]
    assert json.loads((tmp_path / "wandb" / "workspace.json").read_text())["section"]
    assert json.loads((tmp_path / "wandb" / "report.json").read_text())["blocks"]


@pytest.mark.usefixtures("nobody")
def test_a_service_that_cannot_be_reached_is_a_sentence(
    contents: Contents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import wandb_workspaces.workspaces as ws

    def refuse(workspace: object) -> None:
        raise ConnectionError("no route to host\nmore")

    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setattr(ws.Workspace, "save", refuse)
    with pytest.raises(UserError, match=r"did not save the dashboard of me/transfer: no route to host$"):
        save_dashboard(contents, ("me", "transfer"), tmp_path)


@pytest.mark.usefixtures("nobody")
def test_runs_of_no_project_ask_for_one(tmp_path: Path) -> None:
    with drawing():
        contents = example_contents(tmp_path / "runs")
    with pytest.raises(UserError, match="--dashboard ENTITY/PROJECT"):
        save_dashboard(contents, None, tmp_path)
