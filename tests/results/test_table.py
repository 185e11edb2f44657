"""The table of one run, as a stranger reads it on 80 columns."""

from __future__ import annotations

from rich.console import Console
from tests.helpers.example_result import example_entry, example_result, example_scores

from sentiment_transfer.results.record import RunResult
from sentiment_transfer.results.tables import run_table


def shown(result: RunResult, width: int = 80) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        console.print(run_table(result))
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
    assert row == ["amazon_ja", "ja", "zero-shot", "4,000", "error", "%", "11.00", "11.00", "50.00", "11.12", "b"]


def test_published_number_is_cited_with_how_far_it_can_be_trusted() -> None:
    text = shown(paper_result(), width=200)
    assert line_of(text, "b ").strip() == (
        "b XLM-R base, zero-shot, trained on AmazonEN; second-hand from arXiv 2412.18188"
    )
    assert "unverified" in line_of(text, "a ")


def test_number_that_is_not_comparable_stands_below_with_the_reason() -> None:
    text = shown(paper_result(), width=200)
    below = text.partition("not comparable")[2]
    assert "4.45 ULMFiT (quoted)" in below
    assert "supervised, this run is zero-shot" in below
    assert '"error percentage"' in below


def test_everything_fits_80_columns_without_cutting_a_number() -> None:
    text = shown(paper_result())
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "…" not in text
    assert "13.09 b" in text and "72.19 c" in text


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
    assert line_of(text, "written_ja").split()[-5:-1] == ["30.00", "30.00", "20.00", "50.00"]
    assert line_of(text, "written_en").split()[-3] == "–"
    assert "not a zero-shot number" in " ".join(text.split())


def test_unavailable_target_is_named_with_what_to_do() -> None:
    result = example_result()
    result["unavailable"] = {"rakuten_ja": "no file; set targets.rakuten_ja.path=..."}
    assert "rakuten_ja was not scored: no file; set targets.rakuten_ja.path=..." in shown(result)


def test_run_without_any_evaluation_set_is_still_shown() -> None:
    assert "nano trained on written_en, seed 0" in shown(example_result({}))
