"""What the page's template is given."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata
from typing import Any

from sentiment_transfer.formatting import duration
from sentiment_transfer.report.prose.captions import selection_texts
from sentiment_transfer.report.rendering.contents import Contents
from sentiment_transfer.report.rendering.figures.models import DRAWN
from sentiment_transfer.report.rendering.page.answers import answers
from sentiment_transfer.report.rendering.page.render import drawn, page
from sentiment_transfer.report.rendering.tables.records import seconds_per_seed

SECTIONS = (
    ("answer", "Answer"),
    ("matrix", "Models"),
    ("scaling", "Size"),
    ("labels", "Labels"),
    ("epochs", "Epochs"),
    ("seeds", "Seeds"),
    ("selection", "Selection"),
    ("confusion", "Confusion"),
    ("mistakes", "Mistakes"),
    ("data", "Data"),
    ("cost", "Cost"),
    ("problems", "Problems"),
    ("commands", "Commands"),
    ("methods", "Methods"),
)
KINDS = ("scaling", "gap", "labels", "learning", "seeds", "selection", "confusion", "calibration")


def build_page(contents: Contents, pictures: Mapping[str, str]) -> str:
    """The page as HTML; ``pictures`` are the figures' SVG files by the figures' keys."""
    plots: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for place, plot in enumerate(contents.plots):
        plots[plot.key.partition("-")[0]].append(drawn(plot, pictures[plot.key], f"f{place}"))
    answer = contents.answer
    undrawn = max(len(answer.entries) - DRAWN, 0)
    before, groups, after = answers(contents.sentences, contents.filters)
    return page(
        {
            "answer": answer,
            "filters": contents.filters,
            "folders": [str(path) for path in contents.paths],
            "run_count": len(contents.runs),
            "written": contents.written.strftime("%d %B %Y, %H:%M UTC"),
            "facts": list(facts(contents)),
            "sections": SECTIONS,
            "before": before,
            "groups": groups,
            "after": after,
            "tables": {
                **contents.tables,
                "mistakes": contents.mistakes,
                "selections": contents.selections,
                "commands": contents.commands,
            },
            "plots": plots,
            "selection_texts": selection_texts(),
            "left_out": f"Drawn for {DRAWN} of {len(answer.entries)} configurations." if undrawn else "",
            "notes": contents.notes,
            "texts": contents.texts,
            "version": metadata.version("sentiment-transfer"),
        }
    )


def facts(contents: Contents) -> list[tuple[str, str, str]]:
    """The questions that are asked first: name, answer, anchor."""
    answer = contents.answer
    certain = sum(best.certain for best in answer.best)
    costs = {}
    for entry in answer.entries:
        seconds = seconds_per_seed([contents.runs[run] for run in entry.run_ids if run in contents.runs], "total")
        if seconds:
            costs[entry.name] = sum(seconds) / len(seconds)
    cheapest = min(costs.items(), key=lambda item: item[1], default=None)
    dearest = max(costs.items(), key=lambda item: item[1], default=None)
    # Of a study, what is zero-shot or supervised in full is an entry as well.
    by_label = [
        b for study in answer.studies for b in study.budgets if b.per_class is not None or b.label_use == "joint"
    ]
    configurations = len(answer.entries) + len(set(by_label))
    problems = len(contents.tables["problems"].rows)
    found = [("Finished", f"{len(contents.runs)} runs of {configurations} configurations", "commands")]
    if answer.best and len(answer.entries) > 1:
        found.append(("Best model certain on", f"{certain} of {len(answer.best)} evaluation sets", "answer"))
    if cheapest and dearest:
        one = f"{duration(cheapest[1])} ({cheapest[0]})"
        found.append(
            ("A seed costs", one if len(costs) == 1 else f"{one} to {duration(dearest[1])} ({dearest[0]})", "cost")
        )
    found.append(("Failed, degenerate, missing", f"{problems} to look at" if problems else "none", "problems"))
    return found
