"""The page: everything in it, nothing fetched, and whatever somebody else wrote shown as text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.helpers.example_report import HOSTILE, example_page

VOID = {"meta", "link", "br", "img", "input"}


class Elements(HTMLParser):
    """Start tags, ids and links of a page, and whether every tag is closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.badly_closed: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.badly_closed.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> str:
    return example_page(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("hostile")
    names = ("<i>nano</i> $x$", "mini\u202e'\"")
    return example_page(folder, models=names, targets=("written_en", "<b>own"), reviews=HOSTILE, caveats=["<u>label"])


def test_every_tag_is_closed_and_every_id_is_there_once(plain: str) -> None:
    page = Elements(plain)
    assert not page.open and not page.badly_closed
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {attributes["href"] for tag, attributes in page.tags if tag == "a"}
    assert {"#verdict", "#matrix", "#size", "#comparisons", "#cost", "#commands", "#methods"} <= links
    assert not {"#labels", "#problems"} & links  # nothing is in them, so they are not there
    assert links <= {f"#{anchor}" for anchor in ids}


def test_the_page_asks_nobody_for_anything(plain: str, hostile: str) -> None:
    for text in (plain, hostile):
        page = Elements(text)
        policy = next(a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
        assert policy and policy.startswith("default-src 'none'")
        for _, attributes in page.tags:
            for key in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
                assert (attributes.get(key) or "#").startswith(("#", "data:,")), attributes
        assert not re.search(r"url\((?!#)|@import", text)


def test_scripts_and_markup_of_reviews_and_names_are_text(hostile: str) -> None:
    page = Elements(hostile)
    assert not page.open and not page.badly_closed
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    assert not [tag for tag, _ in page.tags if tag in ("img", "i", "iframe", "object")]
    assert not [key for _, attributes in page.tags for key in attributes if key.startswith("on")]
    for review in (HOSTILE[0], HOSTILE[1], HOSTILE[3], "<i>nano</i> $x$", "<u>label"):
        assert review in page.text
    assert "{{ 7 * 7 }}" in page.text


def test_characters_that_reorder_text_are_written_out(hostile: str) -> None:
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f\x00]", hostile)
    assert "[U+202E]gnp.exe[U+202C]" in hostile
    assert "😀 これは" in hostile


def test_a_page_without_texts_holds_no_review(tmp_path: Path) -> None:
    page = example_page(tmp_path, reviews=("a secret review",), texts=False)
    assert "a secret review" not in page
    assert "(left out)" in page


def test_every_number_leads_to_its_command(plain: str) -> None:
    page = Elements(plain)
    cells = [a for tag, a in page.tags if tag == "a" and str(a.get("href")).startswith("#entry-")]
    assert len(cells) == 2 * 2 * (1 + 2)  # selections x models x (name, two datasets)
    assert "python train.py model=nano seed=2" in page.text


def test_every_figure_has_a_title_a_description_and_its_numbers(plain: str) -> None:
    figures = re.findall(r"<figure.*?</figure>", plain, re.DOTALL)
    assert len(figures) > 8
    for figure in figures:
        assert re.search(
            r'role="img" aria-labelledby="(\S+) (\S+)"><title id="\1">[^<]+</title><desc id="\2">[^<]+', figure
        )
        assert "<table>" in figure and '<th scope="row">' in figure


def test_figures_take_the_colours_of_the_page(plain: str) -> None:
    for svg in re.findall(r"<svg.*?</svg>", plain, re.DOTALL):
        assert not re.findall(r"#[0-9a-f]{6}", svg)
        assert "var(--series-0)" in svg or "var(--ink)" in svg


def test_what_is_asked_first_is_answered_at_the_top(plain: str) -> None:
    top = re.sub(r"<[^>]+>", " ", plain[plain.index("<header") : plain.index("</header>")])
    assert "60.0 s (nano) to 2 min 00 s (mini)" in top
    assert "6 runs of 2 configurations" in top
    assert "Shown: trained on written_en, from nano" in top
    assert "Failed, degenerate, missing" not in top


def test_caveats_stand_above_everything(plain: str) -> None:
    assert plain.index("<h1>") < plain.index("<li>trained from scratch</li>") < plain.index('id="matrix"')


def test_a_model_without_a_rival_is_not_called_best(tmp_path: Path) -> None:
    assert 'class="best-cell' in example_page(tmp_path / "two", models=("nano", "micro"))
    alone = example_page(tmp_path / "one", models=("nano",))
    assert 'class="best-cell' not in alone
