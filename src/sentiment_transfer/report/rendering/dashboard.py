"""The same comparison on Weights & Biases: a saved workspace and a report, built from what the page is built from.

Runs are grouped by W&B's own group (a configuration without its seed) and read by the summary's keys, which
``tracking/loggers.py`` logs. The configuration's keys hold dots, which W&B's panels read as nesting, so none is used.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sentiment_transfer.commands import installing
from sentiment_transfer.errors import UserError
from sentiment_transfer.escaping import markdown, shortened, visible
from sentiment_transfer.files.atomic import write_atomically
from sentiment_transfer.files.hub_errors import first_line
from sentiment_transfer.formatting import metric_title
from sentiment_transfer.report.prose.findings import findings
from sentiment_transfer.report.rendering.contents import Contents
from sentiment_transfer.report.rendering.markdown import markdown_table
from sentiment_transfer.tracking.keys import LEARNING, PARAMETERS, SECONDS, STEP, logged_in, score_key

if TYPE_CHECKING:
    import wandb_workspaces.reports.v2 as wr
    import wandb_workspaces.workspaces as ws

NAME = "Transfer over model size"
EVERY_RUN = "Every run"
GROUP = "Group"  # W&B's name of a run's group: the run's name without its seed
HALF, WHOLE, ROW = 12, 24, 8  # of the 24 columns that a grid has


class Place(NamedTuple):
    entity: str
    project: str


class Dashboard(NamedTuple):
    workspace: ws.Workspace
    report: wr.Report


def build_dashboard(contents: Contents, place: Place) -> Dashboard:
    """Both objects, nothing sent. Raises UserError where wandb-workspaces is not installed."""
    try:
        import wandb_workspaces.reports.v2 as wr
        import wandb_workspaces.workspaces as ws
    except ImportError:
        raise UserError(f"The dashboard needs the package wandb-workspaces: {installing('dashboard')}.") from None
    sections = {
        "Models by datasets": matrix_panels(contents),
        "Model size": size_panels(contents),
        "Learning curves, mean over seeds": curve_panels(contents),
        EVERY_RUN: [parallel_coordinates(contents)],
    }
    workspace = ws.Workspace(
        entity=place.entity,
        project=place.project,
        name=NAME,
        sections=[ws.Section(name=name, panels=panels, is_open=True) for name, panels in sections.items()],
        runset_settings=ws.RunsetSettings(groupby=[ws.Metric(GROUP)]),
    )
    blocks: list[Any] = [wr.H1("Verdict"), wr.MarkdownBlock(answer_text(contents))]
    for name, panels in sections.items():
        # A grouped runset shows groups; parallel coordinates are of single runs.
        groupby = [] if name == EVERY_RUN else [GROUP]
        # Without a project it is that of the report; with one, the library would ask the service for its number.
        runset = wr.Runset(name="all runs", groupby=groupby)
        blocks += [wr.H1(name), wr.PanelGrid(runsets=[runset], panels=panels)]
    report = wr.Report(
        entity=place.entity,
        project=place.project,
        title="Does a larger encoder transfer sentiment better?",
        description=shortened("; ".join(visible(caveat) for caveat in contents.answer.caveats), 200),
        blocks=blocks,
        width="fluid",
    )
    return Dashboard(workspace, report)


def answer_text(contents: Contents) -> str:
    answer = contents.answer
    labels = [f"**{markdown(caveat.upper())}**" for caveat in answer.caveats]
    first, *others = findings(answer)
    sentences = [f"* {markdown(text)}" for text in [*others, *(s.text for s in contents.sentences)]]
    matrix = markdown_table(contents.tables["matrix"])
    return "\n\n".join([f"**{markdown(first)}**", *labels, matrix, "\n".join(sentences)])


def headlines(contents: Contents) -> list[tuple[str, str, str]]:
    """Dataset, metric and summary key of everything that has a column in the matrix."""
    answer = contents.answer
    found = dict.fromkeys((cell.target, cell.metric) for cell in answer.cells if cell.selection == answer.selection)
    return [(target, metric, score_key(target, answer.selection, metric)) for target, metric in found]


def matrix_panels(contents: Contents) -> list[Any]:
    import wandb_workspaces.reports.v2 as wr

    return [
        wr.BarPlot(
            title=f"{target}: {metric_title(metric).removesuffix(' %')}, mean over seeds",
            metrics=[wr.SummaryMetric(key)],
            groupby=GROUP,
            groupby_aggfunc="mean",
            groupby_rangefunc="stddev",
            layout=layout(place),
        )
        for place, (target, metric, key) in enumerate(headlines(contents))
    ]


def size_panels(contents: Contents) -> list[Any]:
    import wandb_workspaces.reports.v2 as wr

    return [
        wr.ScatterPlot(
            title=f"{target}: {metric_title(metric).removesuffix(' %')} against parameters",
            x=wr.SummaryMetric(PARAMETERS),
            y=wr.SummaryMetric(key),
            log_x=True,
            layout=layout(place),
        )
        for place, (target, metric, key) in enumerate(headlines(contents))
    ]


def curve_panels(contents: Contents) -> list[Any]:
    import wandb_workspaces.reports.v2 as wr

    return [
        wr.LinePlot(
            title=f"{target}: development {what}",
            x=STEP,
            y=[key.format(dataset=target)],
            groupby=GROUP,
            groupby_aggfunc="mean",
            groupby_rangefunc="minmax",
            layout=layout(place),
        )
        for place, (target, what, key) in enumerate(
            (target, what, key) for target in contents.filters.target for what, key in LEARNING.items()
        )
    ]


def parallel_coordinates(contents: Contents) -> Any:
    import wandb_workspaces.reports.v2 as wr

    columns = [
        wr.ParallelCoordinatesPlotColumn(wr.SummaryMetric(PARAMETERS), display_name="parameters", log=True),
        wr.ParallelCoordinatesPlotColumn(wr.Config("seed"), display_name="seed"),
        wr.ParallelCoordinatesPlotColumn(wr.SummaryMetric(SECONDS), display_name="seconds"),
        *(
            wr.ParallelCoordinatesPlotColumn(wr.SummaryMetric(key), display_name=f"{target} {metric}")
            for target, metric, key in headlines(contents)
        ),
    ]
    return wr.ParallelCoordinatesPlot(columns=columns, title=EVERY_RUN, layout=wr.Layout(x=0, y=0, w=WHOLE, h=ROW + 2))


def layout(place: int) -> wr.Layout:
    import wandb_workspaces.reports.v2 as wr

    return wr.Layout(x=HALF * (place % 2), y=ROW * (place // 2), w=HALF, h=ROW)


def specifications(dashboard: Dashboard) -> dict[str, dict[str, Any]]:
    """The report as the library would send it when saving."""
    view = dashboard.workspace._to_model().spec.model_dump(by_alias=True, exclude_none=True, mode="json")
    report = dashboard.report._to_model().spec.model_dump(by_alias=True, exclude_none=True, mode="json")
    return {"workspace.json": view, "report.json": report}


def save_dashboard(contents: Contents, place: tuple[str, str] | None, folder: Path) -> list[str]:
    """Save both on W&B where somebody is logged in; in any case write what is (or would be) sent into ``folder``.

    Returns what to tell the user. Raises UserError where W&B refuses.
    """
    known = logged_in()
    where = Place(*place) if place else place_of_runs(contents, ask=known)
    dashboard = build_dashboard(contents, where)
    for name, specification in specifications(dashboard).items():
        text = json.dumps(specification, ensure_ascii=False, indent=1)
        write_atomically(folder / "wandb" / name, lambda path, text=text: path.write_text(text, encoding="utf-8"))  # type: ignore[misc]
    written = f"W&B: workspace.json and report.json in {folder / 'wandb'}"
    if not known:
        return [written, "W&B: nobody is logged in, so nothing was sent (wandb login, then the same command)."]
    try:
        dashboard.workspace.save()
        dashboard.report.save()
    except Exception as error:
        # W&B raises errors of many classes, its own, requests' and graphql's: each means that nothing was saved.
        raise UserError(
            f"W&B did not save the dashboard of {where.entity}/{where.project}: {first_line(error)}"
        ) from error
    return [written, f"W&B: {dashboard.workspace.url}", f"W&B: {dashboard.report.url}"]


def place_of_runs(contents: Contents, ask: bool) -> Place:
    """Where the runs say that they were logged to; the login's own entity where they do not name one."""
    loggers = [run.result["config"].get("logger") or {} for run in contents.runs.values()]
    projects = {(logger.get("entity"), logger.get("project")) for logger in loggers if logger.get("project")}
    if len(projects) != 1:
        raise UserError("These runs name no project of W&B, or several: say which with --dashboard ENTITY/PROJECT.")
    [(entity, project)] = projects
    if entity is None and ask:
        import wandb

        entity = wandb.Api().default_entity
    return Place(entity or "your-entity", str(project))
