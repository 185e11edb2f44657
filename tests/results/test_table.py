"""The table of one run, as a stranger reads it on 80 columns."""

from __future__ import annotations

import pytest
from rich.console import Console
from tests.helpers.example_result import example_entry, example_result, example_scores
from tests.results.test_audit_tables import facts, rendered, shared

from sentiment_transfer.results.record import RunResult
from sentiment_transfer.results.tables import run_table


def shown(result: RunResult, width: int = 80, verbose: bool = False) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        console.print(run_table(result, verbose))
    return capture.get()


def line_of(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(start))


def paper_result() -> RunResult:
    result = example_result(
        {"amazon_en": 0.07, "amazon_ja": 0.11, "rakuten_ja": 0.13, "smsa_id": 0.12},
        model="base",
        source="amazon_en",
        caveats=("random weights",),
    )
    for name, n in (("amazon_en", 4000), ("amazon_ja", 4000), ("rakuten_ja", 400_000)):
        result["scores"][name]["n"] = n
    result["scores"]["indolem_id"] = example_entry("indolem_id", example_scores(0.2, n=5048, folds=5))
    return result


def test_row_has_score_floor_and_the_comparable_published_number() -> None:
    row = line_of(shown(paper_result()), "amazon_ja").split()
    assert row == ["amazon_ja", "zero-shot", "4,000", "error", "11.00", "11.00", "50.00", "11.12", "b"]


def test_published_number_is_cited_with_how_far_it_can_be_trusted() -> None:
    text = shown(paper_result(), width=200)
    assert line_of(text, "b ").strip() == (
        "b XLM-R base, zero-shot, trained on AmazonEN; second-hand from arXiv 2412.18188"
    )
    assert "unverified" in line_of(text, "a ")


def test_number_that_is_not_comparable_stands_below_with_the_reason_on_request() -> None:
    text = shown(paper_result(), width=200, verbose=True)
    below = text.partition("not comparable")[2]
    assert "4.45 ULMFiT (quoted)" in below
    assert "supervised, this run is zero-shot" in below
    assert '"error percentage"' in below


def test_numbers_that_are_not_comparable_are_counted_otherwise() -> None:
    text = shown(paper_result())
    assert "not comparable with this run: 14 published numbers (--verbose lists them)" in text
    assert "ULMFiT" not in text


@pytest.mark.parametrize("selections", [("last",), ("last", "source_dev", "average", "oracle")])
def test_everything_fits_80_columns_without_cutting_or_wrapping_a_row(selections: tuple[str, ...]) -> None:
    result = paper_result()
    for name, entry in result["scores"].items():
        entry["selections"] = dict.fromkeys(selections, next(iter(entry["selections"].values())))
        entry["protocol"] = "supervised" if name == "amazon_en" else entry["protocol"]
    text = shown(result)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
    assert "…" not in text
    assert "13.09 b" in text and "72.19 c" in text
    rows = [line.split() for line in text.splitlines() if line.split()[1:2] in (["zero-shot"], ["supervised"])]
    assert [row[0] for row in rows] == list(result["scores"])
    assert all(len(row) >= 6 + len(selections) for row in rows)


def test_a_run_with_four_targets_and_its_audit_fit_on_one_screen() -> None:
    source, *targets = paper_result()["scores"]
    large = facts(3_400_000, empty=12_345, duplicates=345_678, conflicting=12_345, truncated_fraction=0.125)
    splits = {source: {"train": large, "dev": large, "test": large}} | {name: {"test": large} for name in targets}
    overlaps = [shared(source, source, split, 50, other_label=2) for split in ("dev", "test")]
    audit = rendered({"splits": splits, "overlaps": overlaps, "dedup": False, "removed": {}}, width=80)
    lines = [*audit.splitlines(), *(f"epoch {n}/4" for n in range(1, 5)), *shown(paper_result()).splitlines()]
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert "…" not in audit
    assert len(lines) <= 44  # of which 4 are the epochs, and 9 say where published numbers are from


def test_many_targets_and_long_names_widen_nothing() -> None:
    errors = {f"nusax_{language}": 0.2 for language in ("ace", "ban", "bjn", "bug", "mad", "min", "nij", "sun")}
    result = example_result(errors | {"reviews_of_hotels_in_three_cities_of_the_north_2024": 0.1})
    text = shown(result)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
    assert "…" not in text
    assert "80.00" in line_of(text, "nusax_sun")


def test_the_language_is_a_column_where_a_name_does_not_end_with_it() -> None:
    result = example_result({"written_en": 0.1, "hotels": 0.2})
    result["scores"]["hotels"]["language"] = "id"
    assert line_of(shown(result), "hotels").split()[:3] == ["hotels", "id", "zero-shot"]
    assert "lang" not in shown(example_result())


def test_which_f1_a_row_has_is_said_below() -> None:
    assert "F1 on indolem_id: F1 of the positive class (mean of folds)" in shown(paper_result())


def test_honesty_labels_are_in_capitals_above_the_table() -> None:
    text = shown(paper_result())
    assert text.index("RANDOM WEIGHTS") < text.index("amazon_ja")


def test_collapsed_run_is_marked_in_title_cell_and_footnote() -> None:
    text = shown(example_result(status="degenerate"))
    assert "DEGENERATE" in text
    assert "50.00!" in line_of(text, "written_ja")
    assert "! one class only was predicted" in text


def test_oracle_is_a_column_only_where_asked_for_and_is_labelled() -> None:
    result = example_result()
    assert "oracle" not in shown(result)
    result["scores"]["written_ja"]["selections"]["oracle"] = example_scores(0.2)
    text = shown(result)
    assert line_of(text, "written_ja").split()[-4:] == ["30.00", "30.00", "20.00", "50.00"]
    assert line_of(text, "written_en").split()[-2] == "–"
    assert "not a zero-shot number" in " ".join(text.split())


def test_unavailable_target_is_named_with_what_to_do() -> None:
    result = example_result()
    result["unavailable"] = {"rakuten_ja": "no file; set targets.rakuten_ja.path=..."}
    assert "rakuten_ja was not scored: no file; set targets.rakuten_ja.path=..." in shown(result)


def test_run_without_any_evaluation_set_is_still_shown() -> None:
    assert "nano trained on written_en, seed 0" in shown(example_result({}))
