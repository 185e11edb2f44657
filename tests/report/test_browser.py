"""The page in Chromium: it works, it reaches for nothing, it fits every screen, and axe finds nothing to say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.browser import browser, complaints, requested, resize, skip_without_browser
from tests.helpers.example_report import HOSTILE, example_page

WIDTHS = (360, 768, 1280, 2560)
VISIBLE_RUNS = "return [...document.querySelectorAll('[data-run]')].filter(r => !r.closest('.out')).length"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a page of hostile reviews and ordinary names."""
    skip_without_browser()
    folder = tmp_path_factory.mktemp("page")
    text = example_page(folder / "runs", models=("nano", "micro", "mini"), reviews=HOSTILE)
    (folder / "report.html").write_text(text, encoding="utf-8")
    return (folder / "report.html").as_uri()


@pytest.fixture(scope="module")
def driver(page: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with browser(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def opened(driver: Any, page: str) -> Any:
    driver.get("about:blank")
    resize(driver, 1280)
    complaints(driver), requested(driver)
    driver.get(page)
    return driver


def test_nothing_is_requested_and_the_console_stays_silent(opened: Any) -> None:
    opened.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    assert requested(opened) == []
    assert complaints(opened) == []
    assert opened.title == "Sentiment transfer: 3 models, 9 runs"  # no review has changed it


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_never_scrolls_sideways(opened: Any, width: int) -> None:
    resize(opened, width)
    opened.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    widest = opened.execute_script(
        "return [...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll, nav ol, .hidden, .skip') && "
        "e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + '.' + e.className).slice(0, 5)"
    )
    assert widest == []
    assert opened.execute_script("return document.documentElement.scrollWidth") <= width


def test_filters_narrow_down_runs_columns_and_figures(opened: Any) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.select import Select

    def shown(css: str) -> int:
        return opened.execute_script(
            "return [...document.querySelectorAll(arguments[0])].filter(e => !e.closest('.out')).length", css
        )

    assert opened.execute_script(VISIBLE_RUNS) == 9
    Select(opened.find_element(By.NAME, "model")).select_by_visible_text("mini")
    assert opened.execute_script(VISIBLE_RUNS) == 3
    assert shown("#matrix tbody tr[data-model]") < 3 + 1
    Select(opened.find_element(By.NAME, "seed")).select_by_visible_text("2")
    assert opened.execute_script(VISIBLE_RUNS) == 1
    assert "1 of 9 runs shown" in opened.find_element(By.NAME, "shown").text
    figures, columns = shown("figure"), shown("#table-matrix thead th")
    Select(opened.find_element(By.NAME, "target")).select_by_visible_text("written_ja")
    assert shown("figure") < figures
    assert shown("#table-matrix thead th") == columns - 1
    opened.find_element(By.CSS_SELECTOR, "#filters button[type=reset]").click()
    opened.execute_async_script("setTimeout(arguments[0], 20)")
    assert opened.execute_script(VISIBLE_RUNS) == 9
    assert shown("figure") == len(opened.find_elements(By.TAG_NAME, "figure"))


def test_tables_sort_by_number_both_ways_and_say_so(opened: Any) -> None:
    from selenium.webdriver.common.by import By

    heading = opened.find_elements(By.CSS_SELECTOR, "#table-matrix thead th")[3]
    for direction, order in (("ascending", 1), ("descending", -1)):
        heading.find_element(By.TAG_NAME, "button").click()
        values = opened.execute_script(
            "return [...document.querySelectorAll('#table-matrix tbody tr')].map(r => Number(r.cells[3].dataset.v))"
        )
        assert values == sorted(values, reverse=order < 0)
        assert heading.get_attribute("aria-sort") == direction


def test_sorting_works_by_keyboard(opened: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    opened.execute_script("document.getElementById('cost').open = true")
    opened.execute_script("document.querySelector('#table-cost th button').focus()")
    opened.switch_to.active_element.send_keys(Keys.ENTER)
    assert opened.execute_script("return document.querySelector('#table-cost th').ariaSort") == "ascending"


def test_a_number_leads_to_its_command_in_one_click(opened: Any) -> None:
    from selenium.webdriver.common.by import By

    opened.find_element(By.CSS_SELECTOR, "#table-matrix tbody td a").click()
    block = opened.find_element(By.CSS_SELECTOR, "details.run-block[open]")
    assert "python train.py model=nano seed=0" in block.text
    top = opened.execute_script("return arguments[0].getBoundingClientRect().top", block)
    assert 0 <= top < 900


@pytest.mark.parametrize(
    ("question", "section", "found"),
    [
        ("Finished", "commands", "trained on written_en: 3 runs"),
        ("Cost per seed", "cost", "time per seed"),
    ],
)
def test_a_strangers_questions_are_answered_one_click_away(
    opened: Any, question: str, section: str, found: str
) -> None:
    from selenium.webdriver.common.by import By

    fact = opened.find_element(By.XPATH, f"//dl/div[dt='{question}']/dd/a")
    assert opened.execute_script("return arguments[0].getBoundingClientRect().bottom < innerHeight", fact)
    fact.click()
    inside = opened.find_element(By.ID, section)
    assert 0 <= opened.execute_script("return arguments[0].getBoundingClientRect().top", inside) < 450
    assert found in inside.text


def test_commands_can_be_copied(opened: Any) -> None:
    from selenium.webdriver.common.by import By

    opened.execute_script(
        "document.getElementById('commands').open = document.getElementById('entry-0').open = true;"
        "navigator.clipboard.writeText = async (text) => { window.copied = text; };"
    )
    button = opened.find_element(By.CSS_SELECTOR, "#entry-0 td.command button")
    button.click()
    assert opened.execute_script("return window.copied") == "python train.py model=nano seed=0"


def test_the_skip_link_comes_first(opened: Any) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    opened.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert opened.switch_to.active_element.get_attribute("href").endswith("#verdict")


def test_everything_is_printed(opened: Any) -> None:
    before = opened.execute_script("return document.querySelectorAll('details[open]').length")
    opened.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert opened.execute_script("return document.querySelectorAll('details:not([open])').length") == 0
    opened.execute_script("dispatchEvent(new Event('afterprint'))")
    assert opened.execute_script("return document.querySelectorAll('details[open]').length") == before


def test_axe_finds_no_violation(page: str, tmp_path: Path) -> None:
    pytest.importorskip("axe_core_python", reason="axe-core-python is not installed")
    from axe_core_python.base import AXE_SCRIPT

    for name, dark, width in (("light", False, 1280), ("dark", True, 360)):
        with browser(tmp_path / name, dark=dark) as driver:
            driver.set_script_timeout(60)
            resize(driver, width)
            driver.get(page)
            driver.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
            driver.execute_script(AXE_SCRIPT)
            found = driver.execute_async_script("axe.run().then(arguments[0], e => arguments[0](String(e)))")
            said = [
                (v["id"], v["nodes"][0]["html"][:200], v["nodes"][0]["failureSummary"]) for v in found["violations"]
            ]
            assert said == []
            assert len(found["passes"]) > 20


def test_without_scripts_everything_is_there_and_nothing_is_dead(page: str, tmp_path: Path) -> None:
    from selenium.webdriver.common.by import By

    with browser(tmp_path / "profile", scripts=False) as driver:
        driver.get(page)
        text = driver.find_element(By.TAG_NAME, "main").text
        for heading in ("Models by datasets", "Size", "What it costs", "Commands and environments"):
            assert heading in text
        assert not [b for b in driver.find_elements(By.TAG_NAME, "button") if b.is_displayed()]
        assert re.search(r"Shown.*error fell", driver.find_element(By.TAG_NAME, "h1").text)
