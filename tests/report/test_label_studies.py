"""Runs with labels of the target: what is said of them, and that nothing else in the report is touched by them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.example_report import NOW
from tests.helpers.report_of_labels import few_label_runs, few_shot_runs, full_runs, zero_shot_runs

from sentiment_transfer.errors import UserError
from sentiment_transfer.report.analysis.answer import answer
from sentiment_transfer.report.analysis.collect import collect
from sentiment_transfer.report.analysis.findings import Answer
from sentiment_transfer.report.prose.cautions import notes
from sentiment_transfer.report.prose.sentences import sentences
from sentiment_transfer.report.rendering.contents import drawing, gather
from sentiment_transfer.report.rendering.page import build_page
from sentiment_transfer.report.rendering.parts import svg

CURVE = {4: 0.40, 16: 0.30, 64: 0.20, 256: 0.10}


def said(folder: Path, selection: str = "last") -> Answer:
    return answer(collect([folder]), selection)


def label_texts(found: Answer) -> list[str]:
    return [sentence.text for sentence in sentences(found) if sentence.kind == "labels"]


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labels")
    zero_shot_runs(folder, 0.25)
    few_label_runs(folder, CURVE)
    few_shot_runs(folder, {4: 0.25, 256: 0.08})
    full_runs(folder, 0.05)
    return folder


def test_zero_shot_is_worth_the_labels_at_which_training_on_them_alone_is_as_good(everything: Path) -> None:
    found = said(everything)
    [study] = found.studies
    assert [(b.label_use, b.labels) for b in study.budgets] == [
        ("none", 0), ("target_only", 8), ("target_only", 32), ("target_only", 128), ("target_only", 512),
        ("target_only", 16_000),
        ("sequential", 8), ("sequential", 512),
    ]  # fmt: skip
    worth, gain = label_texts(found)
    assert worth.startswith("On written_ja, zero-shot from written_en (nano, error 25.0 % (95 % CI")
    assert "is worth about 6" in worth and "labels (95 % CI" in worth
    assert "between 32 and 128, the nearest numbers that were tried (5, from 8 to 16,000)" in worth
    assert "far apart" not in worth
    assert "with 512 labels error falls by 17." in gain
    assert "The fewest labels with which a gain was shown: 512." in gain


def test_numbers_of_other_protocols_are_in_no_verdict(tmp_path: Path, everything: Path) -> None:
    zero_shot_runs(tmp_path, 0.25)
    full_runs(tmp_path, 0.05)
    alone, together = said(tmp_path), said(everything)
    for field in ("entries", "cells", "comparisons", "best", "trends", "gaps"):
        assert getattr(alone, field) == getattr(together, field), field
    kept = [s for s in sentences(together) if s.kind != "labels"]
    assert sentences(alone) == kept
    assert any("18 runs with labels of a target" in note for note in notes(together))


def test_a_straight_line_over_a_wide_gap_is_said_to_be_a_weak_one(tmp_path: Path) -> None:
    zero_shot_runs(tmp_path, 0.2)
    few_label_runs(tmp_path, {4: 0.4, 256: 0.1})
    [worth] = label_texts(said(tmp_path))
    assert "between 8 and 512" in worth and "they lie far apart: run some in between." in worth


def test_zero_shot_better_than_all_labels_is_worth_more(tmp_path: Path) -> None:
    zero_shot_runs(tmp_path, 0.03)
    few_label_runs(tmp_path, CURVE)
    [worth] = label_texts(said(tmp_path))
    assert "is worth more labels than the 512 that were tried: with 512 labels alone error is 10.0 %" in worth


def test_zero_shot_worse_than_any_label_is_worth_fewer(tmp_path: Path) -> None:
    zero_shot_runs(tmp_path, 0.48)
    few_label_runs(tmp_path, {4: 0.30, 256: 0.10})
    [worth] = label_texts(said(tmp_path))
    assert "is worth fewer labels than the 8 that were tried" in worth


def test_a_crossing_at_the_edge_is_left_open(tmp_path: Path) -> None:
    zero_shot_runs(tmp_path, 0.105, spread=0.03)
    few_label_runs(tmp_path, CURVE, spread=0.03)
    [worth] = label_texts(said(tmp_path))
    assert "more than 512)" in worth


def test_curves_that_do_not_differ_tell_nothing(tmp_path: Path) -> None:
    zero_shot_runs(tmp_path, 0.2)
    few_label_runs(tmp_path, dict.fromkeys(CURVE, 0.2))
    [worth] = label_texts(said(tmp_path))
    assert "could not be placed among the numbers of labels" in worth


def test_single_runs_are_said_to_be_single(tmp_path: Path) -> None:
    zero_shot_runs(tmp_path, 0.25, seeds=1)
    few_label_runs(tmp_path, CURVE, seeds=1)
    few_shot_runs(tmp_path, {4: 0.1}, seeds=1)
    worth, gain = label_texts(said(tmp_path))
    assert "the interval covers other reviews there, not other seeds or draws" in worth
    assert "this is about these networks and these examples" in gain


def test_no_gain_is_claimed_where_there_is_none(tmp_path: Path) -> None:
    zero_shot_runs(tmp_path, 0.2)
    few_shot_runs(tmp_path, {4: 0.2, 64: 0.35})
    unknown, gain = label_texts(said(tmp_path))
    assert "is not known: that takes runs on the target's labels alone" in unknown
    assert "No gain could be shown with any number of labels." in gain
    assert "With 128 labels it was shown to be worse than with none." in gain


def test_other_settings_are_another_study(tmp_path: Path) -> None:
    zero_shot_runs(tmp_path, 0.2, trainer={"max_epochs": 9})
    few_label_runs(tmp_path, CURVE)
    [text] = label_texts(said(tmp_path))
    assert "is not known: there is no zero-shot run of nano on it with the same settings" in text


def test_few_shot_runs_alone_are_refused_with_what_to_do(tmp_path: Path) -> None:
    few_shot_runs(tmp_path, {4: 0.1})
    with pytest.raises(UserError, match="Name the folder of the zero-shot runs as well"):
        said(tmp_path)


def test_the_page_draws_the_curve_and_names_the_commands(everything: Path) -> None:
    found = collect([everything])
    with drawing():
        contents = gather(answer(found), found, [everything], True, NOW)
        page = build_page(contents, {plot.key: svg(plot) for plot in contents.plots})
    assert 'id="figure-labels-' in page and 'id="table-labels"' in page
    assert "labelled reviews of written_ja (log scale)" in page
    items = [row.items for row in contents.tables["labels"].rows]
    rows = {of[5].text: of for of in items if of[3].text == "target labels alone"}
    assert list(rows) == ["8", "32", "128", "512", "16,000"]
    assert rows["8"][-1].kind == "command" and rows["8"][-2].note == "3 seeds, 3 draws"
    assert rows["16,000"][4].text == "all"


def test_a_page_without_such_runs_has_no_section_for_them(tmp_path: Path) -> None:
    zero_shot_runs(tmp_path, 0.2)
    found = collect([tmp_path])
    with drawing():
        contents = gather(answer(found), found, [tmp_path], True, NOW)
        page = build_page(contents, {plot.key: svg(plot) for plot in contents.plots})
    assert 'id="labels"' not in page and 'href="#labels"' not in page


def test_means_of_runs_are_shown_and_not_tested(tmp_path: Path) -> None:
    runs = zero_shot_runs(tmp_path, 0.25)
    before = said(tmp_path)
    changed: dict[str, Any] = {"averaged": [run["run_id"] for run in runs], "name": "nano, mean of 3 runs"}
    zero_shot_runs(tmp_path, 0.1, seeds=1, of_model=changed)
    after = said(tmp_path)
    assert [entry.name for entry in after.entries] == ["nano", "nano, mean of 3 runs"]
    assert (after.comparisons, after.best) == (before.comparisons, before.best)
    assert dataclasses.replace(after.entries[0]) == before.entries[0]
    assert any("Means of runs are one network each" in sentence.text for sentence in sentences(after))
