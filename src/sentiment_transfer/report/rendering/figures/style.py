"""The look of every figure: sizes, colours, the text on it, and its SVG as part of the page."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from html import escape
from typing import TYPE_CHECKING, Any

from sentiment_transfer.escaping import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Inches. At 9 pt and this width a figure is readable in one column of a paper and, unscaled, on a phone of 360 px.
WIDTH, HEIGHT = 4.6, 3.1
FONT_SIZE = 9
NAME_LENGTH = 28  # characters; a longer name pushes the data off the figure

INK, MUTED, RULE, PAPER = "#1b1f24", "#59616b", "#d9dde2", "#fefefe"
# At least 4.5:1 on white and told apart by those who see no red or green; the page has lighter ones for the dark.
# Markers and dashes repeat out of step with the colours, so 8 x 7 series differ by more than colour.
COLOURS = ("#0b62b5", "#b8420a", "#0f7a63", "#7c3aed", "#8f6400", "#b5186a", "#4b6614", "#566070")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.6)), (0, (1.4, 1.4)))

RC: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same figure on every machine
    "font.size": FONT_SIZE,
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlesize": FONT_SIZE,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": FONT_SIZE - 1,
    "ytick.labelsize": FONT_SIZE - 1,
    "legend.frameon": False,
    "legend.fontsize": FONT_SIZE - 1,
    "legend.handlelength": 1.8,
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.fonttype": "none",  # text stays text: small, selectable, and set in the page's own font
    "svg.hashsalt": "sentiment-transfer",  # the same figure is the same file
    "pdf.fonttype": 42,  # TrueType: what conferences ask for
}


def canvas(width: float = WIDTH, height: float = HEIGHT) -> tuple[Figure, Axes]:
    """An empty figure of one panel; to be drawn on inside ``drawing()``."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]


def marker(index: int) -> str:
    return MARKERS[index % len(MARKERS)]


def dashes(index: int) -> Any:
    return DASHES[index // len(COLOURS) % len(DASHES)]


def label(name: str) -> str:
    """A name that anybody may have chosen, as it may stand on a figure."""
    shown = " ".join(visible(name).split())
    return shown if len(shown) <= NAME_LENGTH else shown[: NAME_LENGTH - 1] + "…"


def neutral(index: int) -> str:
    """The colour of what is no model: colours mean models, so markers and dashes tell these apart."""
    return (INK, MUTED)[index % 2]


def legend_below(axes: Axes, columns: int) -> None:
    """Outside the axes, where it can hide no point. What stands for something tagged has its tags."""
    handles, names = axes.get_legend_handles_labels()
    if len(handles) < 2:
        return
    legend = axes.figure.legend(handles, names, loc="outside lower center", ncols=columns, columnspacing=1.2)
    for handle, drawn, text in zip(handles, legend.legend_handles, legend.get_texts(), strict=True):
        gid = next((artist.get_gid() for artist in _artists(handle) if artist.get_gid()), None)
        for artist in (*_artists(drawn), text):
            artist.set_gid(gid)


def _artists(handle: Any) -> list[Any]:
    """A line, or the lines of an error bar."""
    from matplotlib.container import Container

    return list(handle.get_children()) if isinstance(handle, Container) else [handle]


SVG = "{http://www.w3.org/2000/svg}"
XLINK = "{http://www.w3.org/1999/xlink}"
# A path of matplotlib's has six decimals; a hundredth of a point is less than any screen shows.
DECIMALS = re.compile(r"(-?\d+\.\d\d)\d+")
PROPERTIES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    RULE: "var(--rule)",
    PAPER: "var(--paper)",
    **{colour: f"var(--series-{index})" for index, colour in enumerate(COLOURS)},
}


def inline_svg(svg: str, name: str, title: str, description: str) -> str:
    """matplotlib's ``svg`` (a whole file) as an ``<svg>`` element.

    ``name`` is unique on the page and prefixes every id. Artists whose gid is ``key=value;key=value`` get the
    attributes ``data-key="value"``, which the page's filters look at. ``title`` and ``description`` are read aloud.
    """
    ElementTree.register_namespace("", SVG.strip("{}"))
    root = ElementTree.fromstring(svg)
    strip(root)
    for element in root.iter():
        rewrite(element, name)
    inner = "".join(ElementTree.tostring(child, encoding="unicode") for child in root)
    inner = re.sub(r' xmlns(:\w+)?="[^"]*"', "", inner)
    title, description = (escape(visible(text)) for text in (title, description))
    return (
        f'<svg viewBox="{root.attrib["viewBox"]}" role="img" aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{title}</title><desc id="{name}-desc">{description}</desc>'
        f"{inner}</svg>"
    )


def strip(element: ElementTree.Element) -> None:
    """Remove metadata and the style sheet, which would hold for the whole page, and comments."""
    for child in list(element):
        if child.tag in (f"{SVG}metadata", f"{SVG}style"):
            element.remove(child)
        else:
            child.tail = None
            strip(child)


def rewrite(element: ElementTree.Element, name: str) -> None:
    if element.tag != f"{SVG}text" and element.text is not None and not element.text.strip():
        element.text = None
    attributes = dict(element.attrib)
    element.attrib.clear()
    for key, value in attributes.items():
        if key == "id" and "=" in value:
            element.attrib |= {f"data-{key}": tag for key, _, tag in (part.partition("=") for part in value.split(";"))}
        elif key == "id":
            element.set(key, f"{name}-{value}")
        elif key in ("href", f"{XLINK}href"):
            element.set("href", f"#{name}-{value.removeprefix('#')}")
        elif key in ("style", "clip-path"):
            element.set(key, styled(value, name))
        elif key in ("d", "points", "x", "y", "transform"):
            element.set(key, DECIMALS.sub(r"\1", " ".join(value.split())))
        else:
            element.set(key, value)


def styled(value: str, name: str) -> str:
    value = re.sub(r"url\(#", f"url(#{name}-", value)
    return re.sub(r"#[0-9a-f]{6}", lambda match: PROPERTIES.get(match[0], match[0]), value)
