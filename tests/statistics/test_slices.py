"""Errors on slices and their differences from the rest; ``benchmarks/false_claims_of_slices.py`` has more worlds."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.false_claims_of_slices import SlicedWorld, measure
from scipy import stats

from sentiment_transfer.statistics.interval import Contrasts, contrasts, p_values
from sentiment_transfer.statistics.interval import variances as of_resamples
from sentiment_transfer.statistics.resampling import resample
from sentiment_transfer.statistics.slices import (
    Errors,
    covariance,
    difference_contrasts,
    differences,
    errors,
    variances,
)

N = 800


def networks(models: int = 2, seeds: int = 3, n: int = N) -> list[np.ndarray]:
    generator = np.random.default_rng(1)
    hard = generator.standard_normal(n)
    return [hard + generator.standard_normal((seeds, n)) > 1.2 for _ in range(models)]


def halves(n: int = N, share: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    inside = np.random.default_rng(2).random(n) < share
    return np.ones(n, bool), inside


def split(wrong: list[np.ndarray], inside: np.ndarray) -> tuple[Errors, Errors, Errors]:
    """The slice, the rest and the whole."""
    whole, part = errors(wrong, np.stack([np.ones(len(inside), bool), inside]))
    return part, whole.without(part), whole


def test_the_variances_are_those_of_resampled_reviews() -> None:
    wrong, (every, inside) = networks(), halves()
    for rows, found in zip((inside, every), map(variances, errors(wrong, np.stack([inside, every]))), strict=True):
        chosen = np.concatenate(wrong)[:, rows]
        scored = resample(np.zeros(rows.sum(), int), chosen.astype(int), "error", 2, positive=1, draws=20_000)
        expected = of_resamples([type(scored)(*(part[at : at + 3] for part in scored)) for at in (0, 3)])
        assert found.means == pytest.approx(expected.means, abs=1e-6)
        assert found.seeds == pytest.approx(expected.seeds, rel=1e-3)
        assert found.examples == pytest.approx(expected.examples, rel=0.06)
        assert found.interaction == pytest.approx(expected.interaction, rel=0.06)


def test_the_rest_is_the_whole_less_the_slice() -> None:
    wrong, (_, inside) = networks(), halves()
    _, rest, _ = split(wrong, inside)
    [direct] = errors(wrong, ~inside[None])
    assert rest.n == direct.n
    assert covariance(rest) == pytest.approx(covariance(direct))
    assert np.array(rest.by_seed) == pytest.approx(np.array(direct.by_seed))


def test_the_difference_is_of_the_same_networks() -> None:
    wrong, (_, inside) = networks(), halves()
    part, rest, _ = split(wrong, inside)
    by_seed = [model[:, inside].mean(axis=1) - model[:, ~inside].mean(axis=1) for model in wrong]
    found = differences(part, rest)
    assert found.means == pytest.approx([values.mean() for values in by_seed])
    assert found.seeds == pytest.approx([values.var(ddof=1) / 3 for values in by_seed])


def test_one_network_is_welchs_test() -> None:
    wrong, (_, inside) = networks(models=1, seeds=1), halves()
    found = difference_contrasts(np.ones((1, 1)), *split(wrong, inside))
    expected = stats.ttest_ind(wrong[0][0, inside].astype(float), wrong[0][0, ~inside].astype(float), equal_var=False)
    assert found.values[0] == pytest.approx(expected.statistic * expected_error(wrong[0][0], inside))
    assert found.standard_error[0] == pytest.approx(expected_error(wrong[0][0], inside), rel=0.03)


def expected_error(wrong: np.ndarray, inside: np.ndarray) -> float:
    return float(np.sqrt(wrong[inside].var(ddof=1) / inside.sum() + wrong[~inside].var(ddof=1) / (~inside).sum()))


def test_a_small_slice_without_an_error_is_not_certain() -> None:
    """Its own variance is 0: without that of all reviews, p would be below 1e-9."""
    inside = np.arange(1000) < 30
    wrong = [np.repeat((np.arange(1000) % 12 == 0)[None] & ~inside, 3, axis=0)]
    part, rest, whole = split(wrong, inside)
    own = contrasts(np.ones((1, 1)), differences(part, rest))
    assert p_values(own)[0] < 1e-9
    assert p_values(difference_contrasts(np.ones((1, 1)), part, rest, whole))[0] > 0.05


def test_a_slice_of_29_reviews_is_too_small() -> None:
    wrong = networks(models=1)
    sizes = {n: split(wrong, np.arange(N) < n)[0].large_enough for n in (29, 30)}
    assert sizes == {29: False, 30: True}


def test_several_weights_are_several_contrasts() -> None:
    wrong, (_, inside) = networks(models=3), halves()
    weights = np.array([[1 / 3] * 3, [-1, 0, 1]])
    both = difference_contrasts(weights, *split(wrong, inside))
    one_by_one = [difference_contrasts(row[None], *split(wrong, inside)) for row in weights]
    for found, expected in zip(both, Contrasts(*map(np.concatenate, zip(*one_by_one, strict=True))), strict=True):
        assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    "world",
    [SlicedWorld(500, 3, 0.15, 0.1), SlicedWorld(500, 3, 0.05, 0.1, uneven=True, by_slice=0.2)],
    ids=["alike", "uneven"],
)
def test_claims_of_a_slice_are_seldom_false(world: SlicedWorld) -> None:
    found = measure(world, 150)
    assert found["false"] < 0.08 and found["false gain"] < 0.09  # 5 % and about two standard errors
    assert 0.94 < found["coverage"] <= 1


def test_a_slice_that_is_harder_is_found() -> None:
    found = measure(SlicedWorld(1000, 3, 0.15, 0.1, harder=0.15), 60)
    assert found["found"] > 0.9 and found["coverage"] > 0.9
