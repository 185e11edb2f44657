"""The report as one HTML page that fetches nothing: text from outside is escaped, one script may run."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sentiment_transfer.escaping import visible
from sentiment_transfer.formatting import duration
from sentiment_transfer.report.prose.captions import selection_texts
from sentiment_transfer.report.prose.cautions import scope_text
from sentiment_transfer.report.prose.findings import distance_texts, findings
from sentiment_transfer.report.prose.sentences import Sentence
from sentiment_transfer.report.prose.slices import slice_sentences
from sentiment_transfer.report.rendering.contents import Contents
from sentiment_transfer.report.rendering.figures.models import DRAWN
from sentiment_transfer.report.rendering.figures.style import inline_svg
from sentiment_transfer.report.rendering.parts import Filters, Plot
from sentiment_transfer.report.rendering.tables.records import seconds_per_seed


@dataclass
class AnswerOn:
    """The sentences on one dataset, for one source."""

    heading: str
    tags: dict[str, str]
    shown: list[Sentence]
    folded: list[Sentence]  # comparisons of neighbours in size that found nothing


def answers(sentences: Sequence[Sentence], filters: Filters) -> tuple[list[Sentence], list[AnswerOn], list[Sentence]]:
    """The sentences about all before, those by dataset, and those about all after them, in their order."""
    places = dict.fromkeys((s.target, s.source) for s in sentences if s.target)
    groups = [group([s for s in sentences if (s.target, s.source) == place], filters) for place in places]
    first_place = next((at for at, s in enumerate(sentences) if s.target), len(sentences))
    return list(sentences[:first_place]), groups, [s for s in sentences[first_place:] if not s.target]


def group(sentences: Sequence[Sentence], filters: Filters) -> AnswerOn:
    target, source = sentences[0].target, sentences[0].source
    # A sentence that holds for every source, such as one about published numbers, names none.
    heading = f"{target}, trained on {source}" if source and len(filters.source) > 1 else target
    tags = filters.tags(
        target=target if target in filters.target else "", source=source if source in filters.source else ""
    )
    said = [replace(s, text=without_place(s)) for s in sentences]
    return AnswerOn(heading, tags, [s for s in said if not s.minor], [s for s in said if s.minor])


PLAIN_WORDS = ("no", "only", "error", "accuracy")  # other first words are names, which keep their letters


def without_place(sentence: Sentence) -> str:
    """The sentence below a heading that names its place: ``On X, trained on Y, error ...`` becomes ``Error ...``."""
    for place in (f"On {sentence.target}, trained on {sentence.source}, ", f"On {sentence.target}, "):
        if sentence.text.startswith(place):
            rest = sentence.text.removeprefix(place)
            return rest[0].upper() + rest[1:] if rest.split()[0] in PLAIN_WORDS else rest
    return sentence.text


SECTIONS = (
    ("verdict", "Verdict"),
    ("matrix", "Models"),
    ("size", "Size"),
    ("distance", "Distance"),
    ("slices", "Slices"),
    ("sentences", "Sentences"),
    ("comparisons", "Comparisons"),
    ("gap", "Gap"),
    ("published", "Published"),
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
KINDS = (
    "forest",
    "size",
    "distance",
    "slices",
    "gap",
    "labels",
    "learning",
    "seeds",
    "selection",
    "confusion",
    "calibration",
)


def build_page(contents: Contents, pictures: Mapping[str, str]) -> str:
    """The page as HTML; ``pictures`` are the figures' SVG files by the figures' keys."""
    plots: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for place, plot in enumerate(contents.plots):
        plots[plot.key.partition("-")[0]].append(drawn(plot, pictures[plot.key], f"f{place}"))
    answer = contents.answer
    undrawn = max(len(answer.entries) - DRAWN, 0)
    _, groups, after = answers(contents.sentences, contents.filters)
    return page(
        {
            "answer": answer,
            "filters": contents.filters,
            "folders": [str(path) for path in contents.paths],
            "run_count": len(contents.runs),
            "written": contents.written.strftime("%d %B %Y, %H:%M UTC"),
            "facts": list(facts(contents)),
            "sections": sections(contents, plots, groups),
            "findings": findings(answer),
            "scope": scope_text(answer),
            "more_seeds": contents.more_seeds,
            "distance": distance_texts(answer),
            "slices": [sentence.text for sentence in slice_sentences(answer)],
            "groups": groups,
            "after": after,
            "tables": {
                **contents.tables,
                "distances": contents.distances,
                "slices": contents.slices,
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


def sections(
    contents: Contents, plots: Mapping[str, Sequence[Any]], groups: Sequence[AnswerOn]
) -> list[tuple[str, str]]:
    """Anchor and name of every section that has something in it."""
    tables = contents.tables
    empty = {
        "size": not plots["size"],
        "distance": not contents.distances,
        "slices": not contents.slices,
        "sentences": not groups,
        "comparisons": not tables["comparisons"].rows,
        "gap": not plots["gap"],
        "published": not tables["published"].rows,
        "labels": not plots["labels"],
        "epochs": not plots["learning"],
        "seeds": not plots["seeds"],
        "selection": not plots["selection"] and not contents.selections,
        "confusion": not plots["confusion"],
        "mistakes": not contents.mistakes,
        "data": not tables["audit"].rows,
        "cost": not tables["cost"].rows,
        "problems": not tables["problems"].rows,
    }
    return [(anchor, name) for anchor, name in SECTIONS if not empty.get(anchor)]


def facts(contents: Contents) -> list[tuple[str, str, str]]:
    """The questions that are asked first: name, answer, anchor."""
    answer = contents.answer
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
    if cheapest and dearest:
        one = f"{duration(cheapest[1])} ({cheapest[0]})"
        found.append(
            ("Cost per seed", one if len(costs) == 1 else f"{one} to {duration(dearest[1])} ({dearest[0]})", "cost")
        )
    if problems:
        found.append(("Failed, degenerate, missing", f"{problems} to look at", "problems"))
    return found


LANGUAGE = re.compile(r"[a-z]{2}")


def page(context: Mapping[str, Any]) -> str:
    """The whole page as HTML; ``context`` is what ``contents.py`` gathers."""
    environment = template_environment()
    loader = environment.loader
    assert loader is not None
    script = loader.get_source(environment, "page.js")[0]
    style = loader.get_source(environment, "page.css")[0]
    # The one script that may run, by its hash: nothing that a review or a name smuggles in can.
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("page.html.j2").render(
        **context, script=Markup(script), style=Markup(style), script_hash=f"sha256-{digest}"
    )


def template_environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("sentiment_transfer.report.rendering"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
    environment.tests["language"] = lambda code: bool(LANGUAGE.fullmatch(code))
    return environment


def shown(value: object) -> object:
    """Whatever a template prints; only text from outside can hold characters that reorder what stands around it."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def drawn(plot: Plot, svg: str, prefix: str) -> dict[str, Any]:
    """A plot as the template takes it, with its picture as an SVG element whose ids begin with ``prefix``."""
    fields = {name: getattr(plot, name) for name in ("key", "title", "columns", "rows", "tags")}
    return {**fields, "svg": Markup(inline_svg(svg, prefix, plot.title, plot.description))}
