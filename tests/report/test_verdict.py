"""The first sentence: each claims no more than the pre-declared tests allow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.helpers.written_runs import answers, write_run, write_seeds

from sentiment_transfer.report.analysis.answer import answer
from sentiment_transfer.report.analysis.collect import collect
from sentiment_transfer.report.analysis.findings import Answer
from sentiment_transfer.report.prose.findings import findings
from sentiment_transfer.report.prose.verdict import seed_commands, verdict_texts
from sentiment_transfer.report.rendering.figures.curves import common_range
from sentiment_transfer.report.rendering.figures.forest import forest_plots
from sentiment_transfer.report.rendering.figures.sizes import size_plots
from sentiment_transfer.report.rendering.parts import Line, Point, figure_key, filters_of
from sentiment_transfer.report.rendering.tables.scores import comparisons, matrix
from sentiment_transfer.report.rendering.terminal import as_markdown

JA, ID, EN = "written_ja", "written_id", "written_en"


def models(folder: Path, small: dict[str, list[float]], large: dict[str, list[float]], **of_run: object) -> Answer:
    write_seeds(folder, small, model="nano", **of_run)
    write_seeds(folder, large, model="mini", parameters=4_000_000, **of_run)
    return answer(collect([folder]))


def test_the_verdict_names_the_gain_on_each_zero_shot_target(tmp_path: Path) -> None:
    found = models(
        tmp_path,
        {EN: [0.1, 0.11, 0.09], JA: [0.30, 0.31, 0.29], ID: [0.25, 0.26, 0.24]},
        {EN: [0.1, 0.11, 0.09], JA: [0.10, 0.11, 0.09], ID: [0.15, 0.16, 0.14]},
    )
    [verdict] = found.verdicts
    assert [effect.target for effect in verdict.effects] == [JA, ID]  # the source's own test set is no transfer
    assert verdict.family_size == 2 and found.comparisons[0].family_size == 3
    assert [effect.gain.value for effect in verdict.effects] == pytest.approx([0.2, 0.1], abs=0.003)
    text = findings(found)[0]
    assert text.startswith(
        "Shown on all 2 targets: trained on written_en, from nano (1 M) to mini (4 M parameters), error fell by 20.0 "
        "points on Japanese written_ja (95 % CI "
    )
    assert " and by 10.0 on Indonesian written_id (" in text
    assert text == as_markdown(found).splitlines()[0].strip("*").replace("\\", "")


def test_what_is_not_shown_says_what_could_have_been_and_how_many_seeds_would_show_it(tmp_path: Path) -> None:
    found = models(tmp_path, {JA: [0.30, 0.22, 0.26]}, {JA: [0.22, 0.26, 0.18]})
    first, second = verdict_texts(found)
    assert first.startswith("Not shown: trained on written_en, from nano (1 M) to mini (4 M parameters), error fell by")
    [effect] = found.verdicts[0].effects
    assert f"3 seeds could have shown {100 * effect.minimum_detectable_difference:.1f} points." in second
    assert effect.seeds_needed and f"{effect.seeds_needed - 3} more seeds would show a gain of that size." in second


def test_gains_too_small_for_the_reviews_are_beyond_any_number_of_seeds(tmp_path: Path) -> None:
    for seed in range(3):
        write_run(tmp_path, {JA: answers(0.2, seed)}, seed=seed)
        write_run(tmp_path, {JA: answers(0.19, seed, rows=9)}, seed=seed, model="mini", parameters=4_000_000)
    found = answer(collect([tmp_path]))  # other reviews: nothing is paired
    [effect] = found.verdicts[0].effects
    assert effect.seeds_needed is None and effect.limit is not None and effect.limit > abs(effect.gain.value)
    assert "No practical number of seeds would show a gain of that size on this target" in verdict_texts(found)[1]


def test_a_larger_model_that_is_worse_is_called_so(tmp_path: Path) -> None:
    found = models(tmp_path, {JA: [0.10, 0.11, 0.09]}, {JA: [0.30, 0.31, 0.29]})
    assert findings(found)[0].startswith("Shown to be worse: trained on written_en")
    assert "error rose by 20.0 points" in findings(found)[0]


def test_an_interval_that_excludes_0_alone_is_not_enough_after_correction(tmp_path: Path) -> None:
    small = {f"target_{i}": [0.30, 0.29, 0.31] for i in range(12)}
    large = {f"target_{i}": [0.30, 0.31, 0.29] for i in range(12)} | {"target_0": [0.262, 0.256, 0.269]}
    found = models(tmp_path, small, large)
    effect = found.verdicts[0].effects[0]
    assert effect.p < 0.05 <= effect.p_holm
    first, second = verdict_texts(found)[:2]
    assert first.startswith("Not shown")
    assert "on target_0 excludes 0, which is not enough after correction for 12 tests" in second
    assert len(first) < 400  # twelve targets are summed up


def test_fewer_than_three_seeds_are_about_networks_and_the_commands_add_seeds(tmp_path: Path) -> None:
    for model, parameters, error in (("nano", 10**6, 0.3), ("mini", 4 * 10**6, 0.1)):
        run = write_run(tmp_path, {JA: answers(error)}, model=model, parameters=parameters)
        folder = tmp_path / run["run_id"] / ".hydra"
        folder.mkdir()
        (folder / "overrides.yaml").write_text(f"- model={model}\n- seed=0\n")
    found = answer(collect([tmp_path]))
    assert findings(found)[0].startswith("Open: with 1 seed each this is about single networks.")
    assert seed_commands(found) == [f"python train.py -m model={model} seed=0,1,2" for model in ("nano", "mini")]


def test_without_two_sizes_the_verdict_says_what_to_run(tmp_path: Path) -> None:
    write_seeds(tmp_path, {JA: [0.2, 0.21, 0.19]})
    [text] = verdict_texts(answer(collect([tmp_path])))
    assert text.startswith("One model, so no comparison of sizes: nano trained on written_en has error 20.0 %")
    assert "python train.py -m model=base,large seed=0,1,2" in text


def test_encoders_that_differ_by_more_than_size_are_no_verdict_on_size(tmp_path: Path) -> None:
    write_seeds(tmp_path, {JA: [0.2, 0.21, 0.19]}, model="mbert", encoder="google-bert/bert-base-multilingual-cased")
    write_seeds(tmp_path, {JA: [0.1, 0.11, 0.09]}, model="base", encoder="FacebookAI/xlm-roberta-base")
    found = answer(collect([tmp_path]))
    assert not found.verdicts
    assert "No two sizes of one encoder family" in verdict_texts(found)[0]
    gaps = [plot for plot in size_plots(found, filters_of(found)) if plot.key.startswith("size")]
    assert all(not has_joined_line(plot.figure) for plot in gaps)


def has_joined_line(figure: object) -> bool:
    """Whether a line of the means' width joins two points."""
    [axes] = figure.axes  # type: ignore[attr-defined]
    return any(len(line.get_xdata()) > 1 and line.get_linewidth() == 1.6 and line.get_color() == "#1b1f24"
               for line in axes.lines)  # fmt: skip


def test_pairs_say_which_is_subtracted_and_whose_mcnemar_counts_are(tmp_path: Path) -> None:
    found = models(tmp_path, {JA: [0.30, 0.31, 0.29]}, {JA: [0.10, 0.11, 0.09]})
    [row] = comparisons(found, filters_of(found)).rows
    assert row.items[0].text == "mini minus nano"
    assert row.items[3].number == pytest.approx(-20, abs=0.3)
    [comparison] = found.comparisons
    only_nano, only_mini = comparison.mcnemar[0][1:3]
    assert only_mini > only_nano
    assert f"seed 0: only nano right {only_nano}, only mini right {only_mini}, p < .001" in row.items[-1].text


def test_zero_shot_targets_come_first_and_the_sources_own_test_set_stands_apart(tmp_path: Path) -> None:
    found = models(tmp_path, {EN: [0.1] * 3, JA: [0.3, 0.31, 0.29]}, {EN: [0.1] * 3, JA: [0.1, 0.11, 0.09]})
    filters = filters_of(found)
    assert filters.target == (JA, EN)
    table = matrix(found, filters)
    assert [column.split("\n")[0] for column in table.columns[1:3]] == [JA, EN]
    assert table.apart == {2} and table.columns[2].endswith("trained on")
    assert [row.items[1].kind for row in table.rows] == ["", "best-cell"]
    assert {row.items[2].kind for row in table.rows} == {""}  # no best is marked where none was shown


def test_the_forest_has_a_zero_line_and_a_filled_point_only_where_it_was_shown(tmp_path: Path) -> None:
    found = models(tmp_path, {JA: [0.30, 0.31, 0.29], ID: [0.3, 0.31, 0.29]}, {JA: [0.1, 0.11, 0.09], ID: [0.3] * 3})
    [plot] = forest_plots(found, filters_of(found))
    [axes] = plot.figure.axes
    assert any(list(line.get_xdata()) == [0, 0] for line in axes.lines)
    points = [line for line in axes.lines if line.get_marker() == "o" and len(line.get_xdata()) == 1]
    faces = {round(float(np.ravel(line.get_xdata())[0])): line.get_markerfacecolor() for line in points}
    assert faces[20] == "#1b1f24" and faces[0] == "#fefefe"


def test_figures_are_named_by_what_they_show() -> None:
    assert figure_key("size", "uci_en", "smsa_id", 2, "macro_f1") == "size-uci_en-smsa_id-2-macro_f1"
    odd = {figure_key("size", name) for name in ("a/b", "a:b", "../a b", "レビュー")}
    assert len(odd) == 4 and all("/" not in key and ":" not in key and " " not in key for key in odd)


def test_panels_share_a_range_from_0_only_where_that_shows_something() -> None:
    line = Line("", [Point(1, 80, 75, 85), Point(2, 90, 88, 92)], True, 0)
    low, high = common_range([line])
    assert 70 < low < 75 and 92 < high < 95
    assert common_range([line, Line("", [Point(1, 20)], False, 0)])[0] == 0
