"""What the report claims: from the tests, no stronger than they allow, and with everything that limits it."""

from __future__ import annotations

import statistics
from pathlib import Path

import numpy as np
import pytest
from tests.helpers.written_runs import N, answers, write_run, write_seeds

from sentiment_transfer.errors import UserError
from sentiment_transfer.report.analysis.answer import answer
from sentiment_transfer.report.analysis.collect import collect
from sentiment_transfer.report.analysis.findings import Answer, Cell, Comparison, Estimate
from sentiment_transfer.report.prose.cautions import notes
from sentiment_transfer.report.prose.sentences import best_text, gap_text, pair_text, remark, sentences, trend_text
from sentiment_transfer.results.predictions import predictions_path, write_predictions
from sentiment_transfer.results.record import write_result

FAR = {"nano": [0.30, 0.31, 0.29, 0.30, 0.31], "mini": [0.10, 0.11, 0.10, 0.09, 0.10]}
NEAR = {"nano": [0.20, 0.26, 0.23], "mini": [0.22, 0.19, 0.25]}


def said(folder: Path) -> Answer:
    return answer(collect([folder]))


def two_models(folder: Path, errors: dict[str, list[float]], **of_run: object) -> Answer:
    for size, (model, of_seeds) in enumerate(errors.items(), start=1):
        write_seeds(folder, {"written_ja": of_seeds}, model=model, parameters=size * 10**6, **of_run)
    return said(folder)


def only_cell(found: Answer) -> Cell:
    [cell] = found.cells
    return cell


def only_comparison(found: Answer) -> Comparison:
    [comparison] = found.comparisons
    return comparison


def texts(found: Answer, kind: str = "") -> str:
    return "\n".join(sentence.text for sentence in sentences(found) if kind in ("", sentence.kind))


def test_cell_is_the_mean_over_seeds_inside_its_interval(tmp_path: Path) -> None:
    write_seeds(tmp_path, {"written_ja": NEAR["nano"]})
    cell = only_cell(said(tmp_path))
    assert list(cell.by_seed.values()) == pytest.approx(NEAR["nano"])
    assert cell.mean.value == pytest.approx(statistics.fmean(NEAR["nano"]))
    assert cell.mean.low is not None and cell.mean.high is not None
    assert cell.mean.low < cell.mean.value < cell.mean.high
    assert cell.mean.scope == "seeds and examples"
    assert (cell.n, cell.metric, cell.has_predictions, remark(cell)) == (N, "error", True, "")
    assert np.sum(cell.confusion) == 3 * N


def test_clear_difference_is_claimed_with_its_interval(tmp_path: Path) -> None:
    found = two_models(tmp_path, FAR)
    comparison = only_comparison(found)
    assert (comparison.verdict, comparison.paired) == ("better", True)
    assert comparison.p_holm is not None and comparison.p_holm < 0.001
    low, high = comparison.difference.low, comparison.difference.high
    assert low is not None and high is not None and low < -0.2 < high < 0
    assert pair_text(found, comparison) == (
        "On written_ja, trained on written_en, error falls by 20.2 points from nano to mini "
        f"(95 % CI {-100 * high:.1f} to {-100 * low:.1f}, p < .001; 5 seeds each, n = 600)."
    )
    [best] = found.best
    assert best.certain and best.rivals == ()
    assert "mini has the lowest error, 10.0 %" in best_text(found, best)
    assert "the other model's was shown to be higher" in best_text(found, best)


def test_unclear_difference_is_said_with_what_could_have_been_shown(tmp_path: Path) -> None:
    found = two_models(tmp_path, NEAR)
    comparison = only_comparison(found)
    assert comparison.verdict == "not shown"
    assert comparison.minimum_detectable_difference is not None
    assert "no difference in error between nano and mini could be shown" in pair_text(found, comparison)
    assert (
        f"3 seeds each, n = 600 could only show {100 * comparison.minimum_detectable_difference:.1f} or more"
        in pair_text(found, comparison)
    )
    [best] = found.best
    assert not best.certain and len(best.rivals) == 1
    assert "no difference from nano could be shown" in best_text(found, best)


def test_one_seed_is_a_statement_about_networks_and_says_so(tmp_path: Path) -> None:
    found = two_models(tmp_path, {"nano": [0.3], "mini": [0.1]})
    comparison = only_comparison(found)
    assert {cell.mean.scope for cell in found.cells} == {"examples"}
    assert comparison.difference.scope == "examples"
    assert "With fewer than three seeds this is about these networks" in pair_text(found, comparison)
    assert not any(best.certain for best in found.best)
    assert "Fewer than three seeds: nano and mini" in texts(found, "caution")


def test_two_seeds_are_measured_over_reviews_alone_and_stay_within_possible_values(tmp_path: Path) -> None:
    found = two_models(tmp_path, {"nano": [0.30, 0.24], "mini": [0.02, 0.48]})
    comparison = only_comparison(found)
    assert comparison.difference.scope == "examples"
    assert width(comparison) < 0.1  # with t of one degree of freedom it was over 5
    assert "With fewer than three seeds this is about these networks" in pair_text(found, comparison)
    assert "Fewer than three seeds: nano and mini" in texts(found, "caution")


def test_seeds_that_can_show_nothing_are_said_to(tmp_path: Path) -> None:
    found = two_models(tmp_path, {"nano": [0.30, 0.24, 0.9], "mini": [0.02, 0.48, 0.9]})
    comparison = only_comparison(found)
    assert "3 seeds each, n = 600 are too few to show even 50.0 points" in pair_text(found, comparison)
    assert -1 <= comparison.difference.low <= comparison.difference.high <= 1  # type: ignore[operator]


def test_target_that_no_run_could_score_is_named_once(tmp_path: Path) -> None:
    for seed in range(2):
        run = write_run(tmp_path, {"written_ja": answers(0.2)}, seed=seed)
        run["unavailable"] = {"rakuten_ja": "no file"}
        write_result(tmp_path / run["run_id"], run)
    found = said(tmp_path)
    assert found.unavailable == {"rakuten_ja": "no file"}
    assert texts(found).count("rakuten_ja") == 1


def test_mcnemar_compares_the_networks_of_each_common_seed(tmp_path: Path) -> None:
    write_seeds(tmp_path, {"written_ja": [0.3, 0.3]}, model="nano")
    write_seeds(tmp_path, {"written_ja": [0.1, 0.1, 0.1]}, model="mini", parameters=2_000_000)
    tests = only_comparison(said(tmp_path)).mcnemar
    assert [test.seed for test in tests] == [0, 1]
    one, other = answers(0.3, 0), answers(0.1, 0)
    right = [of.probabilities["last"].argmax(1) == of.gold for of in (one, other)]
    assert tests[0].only_first_right == np.sum(right[0] & ~right[1])
    assert tests[0].only_second_right == np.sum(right[1] & ~right[0])
    assert tests[0].p < 0.001


def test_one_model_alone_is_not_called_the_best(tmp_path: Path) -> None:
    write_seeds(tmp_path, {"written_ja": NEAR["nano"]})
    found = said(tmp_path)
    [best] = found.best
    assert not best.certain
    assert "only nano was scored" in best_text(found, best)


def test_set_that_one_model_lacks_is_compared_among_the_others_alone(tmp_path: Path) -> None:
    write_seeds(tmp_path, {"written_ja": NEAR["nano"], "written_id": NEAR["nano"]})
    write_seeds(tmp_path, {"written_ja": NEAR["mini"]}, model="mini", parameters=2_000_000)
    found = said(tmp_path)
    assert [comparison.target for comparison in found.comparisons] == ["written_ja"]
    assert found.cell(found.entries[1].key, "written_id") is None


def test_models_of_different_sources_are_not_compared(tmp_path: Path) -> None:
    write_seeds(tmp_path, {"written_ja": NEAR["nano"]})
    write_seeds(tmp_path, {"written_ja": NEAR["mini"]}, sources=("written_en", "written_ja"), model="mini")
    found = said(tmp_path)
    assert not found.comparisons
    assert len(found.best) == 2


def test_other_reviews_are_compared_unpaired_and_that_is_said(tmp_path: Path) -> None:
    paired = only_comparison(two_models(tmp_path / "paired", FAR))
    for model, rows in (("nano", 0), ("mini", 5)):
        for seed, error in enumerate(FAR[model]):
            run = {"written_ja": answers(error, seed, rows=rows)}
            write_run(tmp_path / "apart", run, model=model, seed=seed, parameters=10**6 + rows)
    found = said(tmp_path / "apart")
    apart = only_comparison(found)
    assert not apart.paired and apart.mcnemar == ()
    assert "could not be paired" in pair_text(found, apart)
    assert width(apart) > 1.2 * width(paired)


def width(of: Comparison) -> float:
    assert of.difference.high is not None and of.difference.low is not None
    return of.difference.high - of.difference.low


def test_collapsed_seed_is_in_the_mean_and_the_mean_without_it_stands_beside(tmp_path: Path) -> None:
    write_seeds(tmp_path, {"written_ja": [0.2, 0.2]})
    collapsed = answers(0.2)
    collapsed.probabilities["last"][:] = [0.1, 0.9]
    write_run(tmp_path, {"written_ja": collapsed}, seed=2, status="degenerate")
    found = said(tmp_path)
    cell = only_cell(found)
    assert cell.degenerate_seeds == (2,) and found.entries[0].degenerate_seeds == (2,)
    assert cell.without_degenerate is not None
    assert cell.without_degenerate.value == pytest.approx(0.2) and cell.mean.value > 0.25
    assert "nano collapsed to one class in 1 of 3 seeds (without: 20.0 %" in texts(found, "caution")


def test_model_that_always_collapses_is_a_floor(tmp_path: Path) -> None:
    collapsed = answers(0.2)
    collapsed.probabilities["last"][:] = [0.1, 0.9]
    for seed in range(2):
        write_run(tmp_path, {"written_ja": collapsed}, seed=seed, status="degenerate")
    found = said(tmp_path)
    assert only_cell(found).without_degenerate is None
    assert "collapsed to one class in 2 of 2 seeds (its score is a floor" in texts(found, "caution")


def fold_run(folder: Path, seed: int, fold: int, error: float) -> None:
    of_fold = answers(error, seed, n=200, rows=fold)
    write_run(folder, {"indolem_id": of_fold}, seed=seed, fold=fold, sources=("indolem_id",), caveats=())


def test_five_folds_are_one_score_of_their_seed(tmp_path: Path) -> None:
    for seed in range(2):
        for fold in range(5):
            fold_run(tmp_path, seed, fold, 0.1 + 0.02 * fold)
    found = said(tmp_path)
    cell = only_cell(found)
    assert (cell.metric, cell.n, list(cell.by_seed)) == ("f1_positive_mean_folds", 1000, [0, 1])
    f1 = [run["scores"]["indolem_id"]["selections"]["last"]["f1_positive"] for run in collect([tmp_path]).results]
    assert cell.mean.value == pytest.approx(statistics.fmean(f1))
    assert len(found.entries[0].run_ids) == 10


def test_seed_that_lacks_folds_is_left_out_and_named(tmp_path: Path) -> None:
    for fold in range(5):
        fold_run(tmp_path, 0, fold, 0.1)
    fold_run(tmp_path, 1, 0, 0.1)
    found = said(tmp_path)
    assert list(only_cell(found).by_seed) == [0]
    assert "seed 1 lacks folds that other seeds have" in texts(found, "caution")


def test_without_predictions_the_interval_is_from_the_confusion_matrices(tmp_path: Path) -> None:
    full = two_models(tmp_path / "full", FAR)
    bare = two_models(tmp_path / "bare", FAR, predictions=False)
    assert {cell.calibration for cell in bare.cells} == {None}
    assert all("Predictions are missing" in remark(cell) for cell in bare.cells)
    assert [cell.mean.value for cell in bare.cells] == pytest.approx([cell.mean.value for cell in full.cells])
    assert not only_comparison(bare).paired
    assert width(only_comparison(bare)) > width(only_comparison(full))
    assert sum("There are no predictions" in note for note in notes(bare)) == 5
    assert "5 more such files." in list(notes(bare))


def test_predictions_that_contradict_their_result_are_not_used(tmp_path: Path) -> None:
    [run] = write_seeds(tmp_path, {"written_ja": [0.2]})
    folder = tmp_path / run["run_id"]
    write_predictions(folder, "written_ja", answers(0.4))
    found = said(tmp_path)
    assert only_cell(found).mean.value == pytest.approx(0.2)
    assert any(str(predictions_path(folder, "written_ja")) in note for note in notes(found))


def test_three_sizes_have_a_trend_with_a_sentence(tmp_path: Path) -> None:
    for model, parameters, error in (("nano", 1, 0.30), ("micro", 4, 0.20), ("mini", 16, 0.10)):
        errors = [error, error + 0.01, error - 0.01]
        write_seeds(tmp_path, {"written_ja": errors}, model=model, parameters=parameters * 10**6)
    found = said(tmp_path)
    [trend] = found.trends
    assert (trend.family, trend.sizes) == ("built-in", (10**6, 4 * 10**6, 16 * 10**6))
    assert trend.per_doubling.value == pytest.approx(-0.05)
    assert "error falls from nano (1 M) to mini (16 M) by 5.0 points per doubling of parameters" in trend_text(
        found, trend
    )
    assert trend_text(found, trend) in texts(found, "trend")


def test_sizes_less_than_a_doubling_apart_have_no_change_per_doubling_in_words(tmp_path: Path) -> None:
    for model, parameters, error in (("nano", 10, 0.30), ("micro", 12, 0.20), ("mini", 14, 0.10)):
        write_seeds(tmp_path, {"written_ja": [error, error + 0.01, error]}, model=model, parameters=parameters * 10**5)
    found = said(tmp_path)
    [trend] = found.trends
    assert "over this range" in trend_text(found, trend) and "doubling" not in trend_text(found, trend)


def test_encoders_of_different_kinds_have_no_trend(tmp_path: Path) -> None:
    write_seeds(tmp_path, {"written_ja": FAR["nano"]}, model="base", encoder="FacebookAI/xlm-roberta-base")
    write_seeds(tmp_path, {"written_ja": FAR["mini"]}, model="mbert", encoder="a/mbert", parameters=2_000_000)
    found = said(tmp_path)
    assert [entry.family for entry in found.entries] == ["XLM-R", ""]
    assert not found.trends and len(found.comparisons) == 1


def test_gap_is_what_the_same_networks_lose_on_the_unseen_language(tmp_path: Path) -> None:
    write_seeds(tmp_path, {"written_en": [0.05, 0.10, 0.15], "written_ja": [0.25, 0.30, 0.35]}, n=2000)
    found = said(tmp_path)
    [gap] = found.gaps
    assert gap.gap.value == pytest.approx(0.2)
    # The seeds' errors move together: the gap is known far better than either error.
    cell = found.cell(gap.entry, "written_ja")
    assert cell is not None and gap.gap.low is not None and gap.gap.high is not None
    assert cell.mean.high is not None and cell.mean.low is not None
    assert gap.gap.high - gap.gap.low < 0.5 * (cell.mean.high - cell.mean.low)
    assert "the error on written_ja is 20.0 points higher than on written_en" in gap_text(found, gap)


def test_many_models_are_all_tested_but_neighbours_and_ends_are_listed(tmp_path: Path) -> None:
    for size in range(9):
        write_seeds(tmp_path, {"written_ja": NEAR["nano"]}, model=f"m{size}", parameters=10**6 * (size + 1))
    found = said(tmp_path)
    assert len(found.comparisons) == 8 + 1
    assert {comparison.family_size for comparison in found.comparisons} == {9 * 8 // 2}


def test_another_learning_rate_is_another_entry_and_is_named(tmp_path: Path) -> None:
    for rate in (2e-5, 1e-3):
        config = {"optimizer": {"learning_rate": rate}}
        write_seeds(tmp_path / str(rate), {"written_ja": [0.2]}, config=config, run_id=f"rate-{rate}")
    names = {entry.name for entry in said(tmp_path).entries}
    assert names == {"nano (learning_rate=2e-05)", "nano (learning_rate=0.001)"}


def test_recipe_that_differs_between_models_is_named(tmp_path: Path) -> None:
    for model, epochs in (("nano", 3), ("mini", 9)):
        config = {"trainer": {"max_epochs": epochs}, "optimizer": {"learning_rate": epochs * 1e-5}}
        write_seeds(tmp_path, {"written_ja": [0.2]}, model=model, config=config)
    assert {entry.name for entry in said(tmp_path).entries} == {"nano (max_epochs=3)", "mini (max_epochs=9)"}


def test_steps_that_show_nothing_are_minor_but_the_widest_is_not(tmp_path: Path) -> None:
    found = two_models(tmp_path, NEAR | {"midi": [0.21, 0.24, 0.22]})
    steps = [sentence for sentence in sentences(found) if sentence.kind == "comparison"]
    assert [("between nano and midi" in step.text, step.minor) for step in steps] == [
        (False, True),
        (True, False),
        (False, True),
    ]


def test_caveats_are_with_the_answer(tmp_path: Path) -> None:
    write_seeds(tmp_path, {"written_ja": [0.2]})
    found = said(tmp_path)
    assert found.caveats == ("trained from scratch", "language model trained here")
    assert 'Caveat "language model trained here"' in texts(found, "caution")


def test_an_estimate_in_the_other_direction_has_its_ends_swapped() -> None:
    fall = Estimate(-0.2, -0.3, -0.1, "examples")
    assert fall.magnitude == Estimate(0.2, 0.1, 0.3, "examples")
    assert fall.magnitude.magnitude == fall.magnitude
    assert Estimate(-0.2, None, None, "none").magnitude == Estimate(0.2, None, None, "none")


def test_selection_that_no_run_has_is_refused(tmp_path: Path) -> None:
    write_seeds(tmp_path, {"written_ja": [0.2]})
    with pytest.raises(UserError, match='No run was scored with the selection "oracle"'):
        answer(collect([tmp_path]), "oracle")


def test_nothing_found_says_what_to_run_first(tmp_path: Path) -> None:
    (tmp_path / "killed" / "checkpoints").mkdir(parents=True)
    with pytest.raises(UserError, match=r"experiment=demo`.*Unfinished.*killed"):
        said(tmp_path)
