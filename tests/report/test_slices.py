"""Slices in the answer: named only where they differ from the rest, shown wherever reviews' properties are known."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from tests.helpers.written_runs import answers, write_run

from sentiment_transfer.report.analysis.answer import answer
from sentiment_transfer.report.analysis.collect import collect
from sentiment_transfer.report.analysis.findings import Answer
from sentiment_transfer.report.analysis.slices import Slice
from sentiment_transfer.report.prose.slices import slice_sentences
from sentiment_transfer.report.rendering.contents import drawing
from sentiment_transfer.report.rendering.figures.slices import slice_plots
from sentiment_transfer.report.rendering.parts import filters_of, svg
from sentiment_transfer.report.rendering.tables.slices import slice_tables
from sentiment_transfer.results.predictions import Predictions

N = 900
TAGS = np.array(["plain", "irony", "negation"])


def tagged(predictions: Predictions, seed: int, harder: float = 0.0, tag: str = "irony") -> Predictions:
    """The same predictions with properties of their reviews; of one tag, more are wrong."""
    generator = np.random.default_rng(5)
    n = len(predictions.ids)
    tags, characters = TAGS[np.arange(n) % 3], generator.integers(10, 200, n)
    swapped = (tags == tag) & (np.random.default_rng([7, seed]).random(n) < harder)
    last = predictions.probabilities["last"]
    right = last.argmax(axis=1) == predictions.gold
    last = np.where((swapped & right)[:, None], last[:, ::-1], last)
    features = {
        "characters": characters.astype(np.int32),
        "tokens": (characters // 5).astype(np.int32),
        "seen": generator.random(n).astype(np.float32),
        "script": np.array(["Jpan"] * n, dtype=object),
        "domain": np.where(np.arange(n) < 20, "rare", "hotel").astype(object),
        "tag": tags.astype(object),
    }
    return dataclasses.replace(predictions, probabilities={"last": last}, features=features)


def written(
    folder: Path,
    harder: dict[str, float],
    seeds: int = 3,
    targets: tuple[str, ...] = ("written_ja",),
    encoder: str = "builtin:scratch-{}",
) -> Answer:
    for size, (model, share) in enumerate(harder.items(), start=1):
        for seed in range(seeds):
            sets = {name: tagged(answers(0.12, seed, N, rows=row), seed, share) for row, name in enumerate(targets)}
            write_run(
                folder, sets, seed=seed, model=model, parameters=10**6 * size, encoder=encoder.format(model),
            )  # fmt: skip
    return answer(collect([folder]))


def by_label(found: Answer) -> dict[str, Slice]:
    [sliced] = found.slices
    return {part.label: part for part in sliced.slices}


@pytest.fixture(scope="module")
def harder(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    return written(tmp_path_factory.mktemp("harder"), {"nano": 0.3, "mini": 0.28})


def test_a_slice_that_differs_is_named_with_its_error(harder: Answer) -> None:
    irony = by_label(harder)["irony"]
    assert irony.test is not None and irony.test.p_holm < 0.05 and irony.test.difference.value > 0.1
    [sentence] = slice_sentences(harder)
    assert sentence.text.startswith(
        "On written_ja, trained on written_en (mean of 2 models), reviews tagged irony: "
        f"{100 * irony.mean.value:.1f} % error, {100 * irony.test.difference.value:.1f} points (95 % CI "
    )
    assert "above the rest" in sentence.text and "characters" not in sentence.text
    assert (sentence.target, sentence.source) == ("written_ja", "written_en")


def test_the_errors_are_means_over_seeds_on_the_slice(harder: Answer, tmp_path: Path) -> None:
    runs = [tagged(answers(0.12, seed, N), seed, 0.3) for seed in range(3)]
    wrong = [(run.probabilities["last"].argmax(axis=1) != run.gold)[TAGS[np.arange(N) % 3] == "irony"] for run in runs]
    irony = by_label(harder)["irony"]
    assert irony.n == N / 3
    assert irony.errors[0].value == pytest.approx(np.mean(wrong))
    assert irony.mean.value == pytest.approx(np.mean([error.value for error in irony.errors]))
    assert irony.errors[0].low is not None and irony.errors[0].high is not None
    assert irony.errors[0].low < irony.errors[0].value < irony.errors[0].high


def test_all_slices_of_all_targets_are_one_family(tmp_path: Path) -> None:
    found = written(tmp_path, {"nano": 0.0, "mini": 0.0}, targets=("written_ja", "written_id"))
    tests = [part.test for sliced in found.slices for part in sliced.slices if part.test]
    assert len(found.slices) == 2
    assert {test.family_size for test in tests} == {len(tests)} == {2 * (3 + 3 + 3)}
    [sentence] = slice_sentences(found)
    assert sentence.text == (
        "Trained on written_en, no slice of the reviews of written_ja and written_id was shown to differ in error from "
        "the rest of its test set (Holm over 18 slices)."
    )


def test_a_slice_of_few_reviews_is_shown_and_not_tested(harder: Answer) -> None:
    slices = by_label(harder)
    assert slices["rare"].n == 20
    assert slices["rare"].test is None and slices["hotel"].test is None  # the rest of these are the rare ones
    assert "Jpan" not in slices


def test_what_a_larger_model_gains_more_on_one_slice(tmp_path: Path) -> None:
    found = written(tmp_path, {"nano": 0.5, "mini": 0.0})
    [gain] = by_label(found)["irony"].gains
    assert gain.p_holm < 0.05 and gain.difference.value < -0.2
    texts = [sentence.text for sentence in slice_sentences(found)]
    [text] = [text for text in texts if "from nano to mini" in text]
    assert "compared with the change on the rest, error on reviews tagged irony falls by" in text


def test_models_that_differ_by_more_than_size_have_no_gain(tmp_path: Path) -> None:
    found = written(tmp_path, {"nano": 0.3, "mini": 0.0}, encoder="someone/{}")
    assert all(part.gains == () for part in by_label(found).values())


def test_one_seed_is_about_these_networks(tmp_path: Path) -> None:
    found = written(tmp_path, {"nano": 0.5}, seeds=1)
    [sentence] = slice_sentences(found)
    assert "(nano)" in sentence.text and "about these networks" in sentence.text


def test_runs_without_properties_have_no_slices(tmp_path: Path) -> None:
    write_run(tmp_path, {"written_ja": answers(0.1)})
    found = answer(collect([tmp_path]))
    assert found.slices == () and list(slice_sentences(found)) == []


def test_table_and_figure_have_a_row_per_slice(harder: Answer) -> None:
    filters = filters_of(harder)
    [(target, table)] = slice_tables(harder, filters)
    [sliced] = harder.slices
    assert target == "written_ja" and len(table.rows) == len(sliced.slices)
    assert all(len(row.items) == len(table.columns) == len(table.column_tags) for row in table.rows)
    rows = {row.items[0].text: row.items for row in table.rows}
    assert rows["rare"][-4].note == "too few reviews"
    assert rows["irony"][-2].kind == "bad" and rows["plain"][-2].kind != "bad"
    with drawing():
        [plot] = slice_plots(harder, filters)
        drawn = svg(plot)
    assert len(plot.rows) == 2 * len(sliced.slices)
    assert "irony" in drawn and "error %" in drawn


def test_figures_share_their_axis(tmp_path: Path) -> None:
    found = written(tmp_path, {"nano": 0.5}, targets=("written_ja", "written_id"))
    with drawing():
        first, second = slice_plots(found, filters_of(found))
    assert first.figure.axes[0].get_xlim() == second.figure.axes[0].get_xlim()
