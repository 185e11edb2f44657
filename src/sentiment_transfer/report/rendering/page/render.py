"""From the report's parts to the page: every text from outside is escaped, nothing is fetched."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sentiment_transfer.escaping import visible
from sentiment_transfer.report.rendering.figures.inline import inline_svg
from sentiment_transfer.report.rendering.figures.plot import Plot

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
        loader=PackageLoader("sentiment_transfer.report.rendering.page"),
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
