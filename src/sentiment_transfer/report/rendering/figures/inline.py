"""A figure's SVG as a part of an HTML page: in the page's colours and font, with ids that meet no other figure's."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from html import escape

from sentiment_transfer.escaping import visible
from sentiment_transfer.report.rendering.figures.style import COLOURS, INK, MUTED, PAPER, RULE

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
