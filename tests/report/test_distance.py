"""The transfer gap against language distance: which sets lie on one line, and what is claimed and shown of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.helpers.report_of_languages import MARC, NUSAX, language_runs
from tests.helpers.written_runs import answers, write_run

from sentiment_transfer.report.analysis.answer import answer
from sentiment_transfer.report.analysis.collect import collect
from sentiment_transfer.report.analysis.distance import fit
from sentiment_transfer.report.analysis.distance_findings import STEP, DistanceTrend
from sentiment_transfer.report.analysis.findings import Answer, Cell
from sentiment_transfer.report.prose.distance import distance_sentences
from sentiment_transfer.report.rendering.contents import drawing
from sentiment_transfer.report.rendering.figures.distance import apart, distance_plots
from sentiment_transfer.report.rendering.figures.style import inline_svg
from sentiment_transfer.report.rendering.markdown import markdown_table
from sentiment_transfer.report.rendering.parts import filters_of, svg
from sentiment_transfer.report.rendering.tables.distance import distance_tables
from sentiment_transfer.results.languages import typological_distance
from sentiment_transfer.results.record import Tokens, write_result
from sentiment_transfer.statistics.comparisons import family_tests
from sentiment_transfer.statistics.interval import Contrasts
from sentiment_transfer.statistics.languages import LanguageLine

STEEP, FLAT = 0.6, 0.3


def said(folder: Path) -> Answer:
    return answer(collect([folder]))


def only(found: Answer) -> DistanceTrend:
    [trend] = found.distances
    return trend


def error_of(cell: Cell) -> float:
    counts = np.array(cell.confusion)
    return float(1 - counts.trace() / counts.sum())


def texts(found: Answer) -> list[str]:
    entries = {entry.key: entry for entry in found.entries}
    return [text for trend in found.distances for text in distance_sentences(trend, entries)]


@pytest.fixture(scope="module")
def nusax(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    folder = tmp_path_factory.mktemp("nusax")
    language_runs(folder, {"nano": STEEP, "mini": FLAT})
    return said(folder)


def test_gaps_of_a_parallel_corpus_are_from_its_own_set_in_the_sources_language(nusax: Answer) -> None:
    trend = only(nusax)
    assert (trend.source, trend.source_languages, trend.corpus) == ("amazon_en", ("en",), "nusax")
    assert trend.own_reference
    assert set(trend.languages) == set(NUSAX) - {"en"}
    assert list(trend.languages[:2]) == ["id", "mad"]
    for line in trend.lines:
        assert all(point.reference == "nusax_en" and point.paired for point in line.points)
        assert all(point.distance == typological_distance("en", point.language) for point in line.points)
    [nano, _] = trend.lines
    farthest = nano.points[-1]
    here, reference = (nusax.cell(nano.entry, name) for name in ("nusax_bbc", "nusax_en"))
    assert here is not None and reference is not None
    assert farthest.gap.value == pytest.approx(error_of(here) - error_of(reference))
    assert farthest.gap.low is not None and farthest.gap.low < farthest.gap.value


def test_slope_that_was_put_in_is_found_in_its_interval(nusax: Answer) -> None:
    for line, slope in zip(only(nusax).lines, (STEEP, FLAT), strict=True):
        assert line.fit is not None and line.fit.family_size == 2
        low, high = line.fit.slope.low, line.fit.slope.high
        assert low is not None and high is not None and low < STEP * slope < high
        assert line.fit.p_holm < 0.005
        assert line.fit.tau > 0.005
        heights = dict(line.band)
        assert min(heights) == line.points[0].distance and max(heights) == line.points[-1].distance


def test_size_by_distance_is_the_difference_of_the_slopes_per_doubling(nusax: Answer) -> None:
    trend = only(nusax)
    [size] = trend.sizes
    steep, flat = (line.fit.slope.value for line in trend.lines if line.fit)
    assert size.fit.slope.value == pytest.approx((flat - steep) / 2)  # four times the parameters
    assert (size.languages, size.sizes) == (11, (4 * 10**6, 16 * 10**6))


def test_sentences_say_the_finding_then_size_then_the_limits(nusax: Answer) -> None:
    slope, size, limits = texts(nusax)
    assert re.fullmatch(
        r"On 11 languages of NusaX, trained on amazon_en, the error of nano rises by \d\.\d points per 0\.1 of "
        r"typological distance from English \(95 % CI \d\.\d to \d\.\d, p [<=] \.00\d after Holm over 2 models\); "
        r"that of mini rises by \d\.\d points per 0\.1 \(95 % CI \d\.\d to \d\.\d, p [<=] \.00\d after Holm "
        r"over 2 models\)\.",
        slope,
    )
    assert size.startswith("A larger encoder gains more where the language is farther (built-in on NusaX): the slope")
    assert limits.startswith("Limits: the 11 languages stand for others like them, not for every language; ")
    assert "8 of them are not among the languages that XLM-R was pretrained on" in limits


def test_no_slope_is_not_claimed(tmp_path: Path) -> None:
    language_runs(tmp_path, {"nano": 0.0, "mini": 0.0})
    slope, size, _ = texts(said(tmp_path))
    assert "could not be shown on 11 languages" in slope and slope.count("could only show") == 2
    assert size.startswith("Whether a larger encoder gains more where the language is farther could not be shown")


def test_corpora_are_never_mixed_in_one_line(tmp_path: Path) -> None:
    language_runs(tmp_path, {"nano": STEEP}, codes=("en", "id", "jv", "su"))
    language_runs(tmp_path, {"nano": FLAT}, codes=("en", "ja", "id"), corpus="written")
    assert [(trend.corpus, len(trend.languages)) for trend in said(tmp_path).distances] == [
        ("nusax", 3),
        ("written", 2),
    ]


def test_other_reviews_and_the_sources_own_corpus(tmp_path: Path) -> None:
    language_runs(tmp_path, {"nano": STEEP}, codes=MARC, corpus="amazon", parallel=False)
    trend = only(said(tmp_path))
    [line] = trend.lines
    assert {point.reference for point in line.points} == {"amazon_en"} and trend.own_reference
    assert not any(point.paired for point in line.points)
    assert "fewer than six" in texts(said(tmp_path))[-1]


def test_without_a_set_in_the_sources_language_the_sources_own_test_set_is_the_reference(tmp_path: Path) -> None:
    language_runs(tmp_path, {"nano": STEEP}, codes=("id", "jv", "su", "bbc"))
    trend = only(said(tmp_path))
    assert not trend.own_reference
    assert {point.reference for line in trend.lines for point in line.points} == {"amazon_en"}
    assert "the reference is the source's own test set, of another domain" in texts(said(tmp_path))[-1]


def test_mixed_sources_measure_from_the_nearest(tmp_path: Path) -> None:
    language_runs(tmp_path, {"nano": FLAT}, codes=MARC, corpus="amazon", parallel=False, source="amazon_en+amazon_ja")
    trend = only(said(tmp_path))
    [line] = trend.lines
    distances = {point.language: point.distance for point in line.points}
    assert set(distances) == {"de", "es", "fr", "zh"}
    for code, distance in distances.items():
        from_each = [typological_distance(source, code) for source in ("en", "ja")]
        assert distance == min(each for each in from_each if each is not None)
    references = {point.language: point.reference for point in line.points}
    assert references["de"] == "amazon_en"
    assert "the nearer of English and Japanese" in texts(said(tmp_path))[0]


def test_two_languages_make_no_line(tmp_path: Path) -> None:
    language_runs(tmp_path, {"nano": STEEP, "mini": FLAT}, codes=("en", "ja", "id"), corpus="written")
    found = said(tmp_path)
    assert [line.fit for line in only(found).lines] == [None, None] and only(found).sizes == ()
    [text] = texts(found)
    assert "2 languages at different distances are too few for a line, which takes four" in text
    with drawing():
        assert list(distance_plots(found, filters_of(found))) == []


def test_one_language_or_an_unknown_one_is_no_trend(tmp_path: Path) -> None:
    sets = {name: answers(0.2, rows=at) for at, name in enumerate(("written_en", "written_ja", "mine_xx", "mine_yy"))}
    write_run(tmp_path, sets)
    assert said(tmp_path).distances == ()


def test_one_seed_is_about_these_networks(tmp_path: Path) -> None:
    language_runs(tmp_path, {"nano": STEEP}, codes=("en", "id", "jv", "su", "bbc"), seeds=1)
    assert texts(said(tmp_path))[0].endswith(
        "With one seed the interval covers other languages and reviews, not other seeds."
    )


def test_languages_that_one_model_lacks_are_left_out_of_size_by_distance(tmp_path: Path) -> None:
    language_runs(tmp_path, {"nano": STEEP}, codes=NUSAX)
    language_runs(tmp_path / "fewer", {"none": 0.1, "mini": FLAT}, codes=NUSAX[:6])
    trend = only(said(tmp_path))
    assert [len(line.points) for line in trend.lines] == [11, 5, 5]
    assert [size.languages for size in trend.sizes] == [5]


def test_tokens_seen_are_the_mean_over_runs(tmp_path: Path) -> None:
    for seed, run in enumerate(language_runs(tmp_path, {"nano": STEEP}, codes=("en", "id", "jv", "su"), seeds=2)):
        run["scores"]["nusax_id"]["tokens"] = Tokens(seen=0.5 + 0.1 * seed, per_character=0.3, unknown=0.0)
        run["scores"]["nusax_jv"]["tokens"] = Tokens(seen=None, per_character=0.3, unknown=0.0)
        write_result(tmp_path / run["run_id"], run)
    found = said(tmp_path)
    seen = {point.language: point.tokens_seen for point in only(found).lines[0].points}
    assert seen == {"id": pytest.approx(0.55), "jv": None, "su": None}
    [table] = distance_tables(found, filters_of(found))
    assert "| 55.0 |" in markdown_table(table)


def test_table_has_a_row_per_language_and_the_slopes_below(nusax: Answer) -> None:
    [table] = distance_tables(nusax, filters_of(nusax))
    assert table.key == "distance-0"
    assert table.columns == ["language", "family", "pretrained on", "distance", "tokens seen, %", "nano", "mini"]
    assert [row.items[0].text for row in table.rows[:2]] == ["Indonesian", "Madurese"]
    assert [row.items[2].text for row in table.rows[:2]] == ["XLM-R", "no"]
    assert all(len(items) == len(table.columns) == len(table.column_tags) for items in table.lines)
    assert "nusax_en, paired by review" in table.caption
    assert re.search(r"p [<=] \.00", table.footer[-1].note)


@pytest.fixture
def figure(nusax: Answer) -> Iterator[str]:
    with drawing():
        [plot] = distance_plots(nusax, filters_of(nusax))
        yield inline_svg(svg(plot), plot.key, plot.title, plot.description)


def test_figure_names_every_language_once_and_is_filtered_by_model_and_target(figure: str, nusax: Answer) -> None:
    for name in ("Indonesian", "Toba Batak", "Minangkabau"):
        assert figure.count(f">{name}<") == 1
    assert "not in XLM-R's pretraining" in figure
    filters = filters_of(nusax)
    for target in filters.target:
        assert (f'data-target="{filters.target.index(target)}"' in figure) == (target not in ("amazon_en", "nusax_en"))
    assert 'data-model="0"' in figure and 'data-model="1"' in figure
    assert not re.search(r"#[0-9a-f]{6}", figure)  # every colour follows the page's theme


def test_numbers_of_the_figure_are_in_its_table(nusax: Answer) -> None:
    with drawing():
        [plot] = distance_plots(nusax, filters_of(nusax))
    assert len(plot.rows) == 2 * 11 and all(len(row) == len(plot.columns) for row in plot.rows)


def test_places_are_moved_apart_and_no_farther() -> None:
    moved = apart([0.0, 0.5, 0.5, 1.0], 0.1)
    assert moved == pytest.approx([0.0, 0.45, 0.55, 1.0])


def test_a_slopes_interval_is_not_cut_at_the_bound_of_a_difference() -> None:
    test = family_tests([Contrasts(np.array([0.9]), np.array([0.5]), np.array([3.0]))])[0]
    line = LanguageLine(Contrasts(np.array([0.9]), np.array([0.5]), np.array([3.0])), 0.0, 0.0)
    slope = fit(test, line, "examples", steepest=4.0).slope
    assert slope.high == pytest.approx(0.1 * test.high) and test.high > 1
    assert fit(test, line, "examples", steepest=2.0).slope.high == pytest.approx(0.2)
