"""Our cells beside published numbers: compared where protocol and metric match, explained where they do not."""

from __future__ import annotations

from pathlib import Path

from tests.helpers.written_runs import answers, write_run

from sentiment_transfer.report.analysis.answer import answer
from sentiment_transfer.report.analysis.collect import collect
from sentiment_transfer.report.analysis.findings import Answer, Published
from sentiment_transfer.report.prose.sentences import published_text, sentences


def run_of(folder: Path, target: str, error: float, n: int, folds: int = 1) -> Answer:
    for seed in range(3):
        run = {target: answers(error + 0.002 * seed, seed, n, folds=folds)}
        write_run(folder, run, seed=seed, model="base", sources=("amazon_en",), caveats=())
    return answer(collect([folder]))


def number(found: Answer, value: float) -> Published:
    [cell] = found.cells
    return next(each for each in cell.published if each.row.value == value)


def test_number_of_the_same_protocol_is_placed_in_our_interval(tmp_path: Path) -> None:
    found = run_of(tmp_path, "amazon_ja", 0.11, 4000)
    published = number(found, 11.12)
    assert published.comparable and published.inside
    assert published_text(published, found.cells[0].mean).startswith(
        "Published: 11.12 % for XLM-R base (zero-shot, trained on AmazonEN; second-hand"
    )
    assert "lies inside our interval: ours is 11.20 % (95 % CI" in published_text(published, found.cells[0].mean)
    assert any(
        s.kind == "published" and published_text(published, found.cells[0].mean) in s.text for s in sentences(found)
    )


def test_number_outside_our_interval_is_not_called_a_difference(tmp_path: Path) -> None:
    found = run_of(tmp_path, "amazon_ja", 0.2, 4000)
    published = number(found, 11.12)
    assert published.inside is False
    assert "lies below our interval" in published_text(published, found.cells[0].mean)
    assert "Its own uncertainty is not published, so this is no test" in published_text(published, found.cells[0].mean)


def test_number_of_another_protocol_has_its_reason(tmp_path: Path) -> None:
    found = run_of(tmp_path, "amazon_ja", 0.11, 4000)
    published = number(found, 7.25)
    assert not published.comparable and published.inside is None
    assert "Not comparable: supervised, this run is zero-shot." in published_text(published, found.cells[0].mean)


def test_run_on_fewer_reviews_is_not_compared(tmp_path: Path) -> None:
    found = run_of(tmp_path, "amazon_ja", 0.11, 400)
    published = number(found, 11.12)
    assert "Not comparable: 4,000 test reviews, ours 400." in published_text(published, found.cells[0].mean)


def test_mislabelled_f1_is_explained_where_it_is_shown(tmp_path: Path) -> None:
    found = run_of(tmp_path, "indolem_id", 0.2, 5048, folds=5)
    published = number(found, 72.19)
    assert published.comparable
    assert "marked unverified there" in published_text(published, found.cells[0].mean)
    assert 'reach us as "error percentage", but they are F1 scores' in published_text(published, found.cells[0].mean)
    assert any("error percentage" in s.text for s in sentences(found) if s.kind == "caution")
