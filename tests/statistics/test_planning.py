"""Plans reach their power, and say where no number of seeds would; ``benchmarks/power_of_plans.py`` has more."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from benchmarks.power_of_plans import DIFFERENCE, Setting, plans, power
from statsmodels.stats.power import TTestIndPower

from sentiment_transfer.statistics.interval import ENOUGH_SEEDS, Variances, contrasts, minimum_detectable_difference
from sentiment_transfer.statistics.planning import (
    MOST_SEEDS,
    reviews_needed,
    seeds_needed,
    smallest_with_any_seeds,
)

EXPERIMENTS = 10_000  # the standard error of a power of 80 % is then 0.4 %


@pytest.mark.parametrize(
    ("setting", "alpha"),
    [
        (Setting(0.0045, (0.003, 0.003), 0.005, difference=0.015), 0.05),
        (Setting(0.0045, (0.01, 0.01), 0.005, difference=0.024), 0.05),
        (Setting(0.0045, (0.02, 0.014), 0.005, difference=0.019), 0.005),
        (Setting(0.01, (0.01, 0.01), 0.005, difference=0.025), 0.05),
        (Setting(0.01, (0.01, 0.001), 0.005, difference=0.042), 0.005),
        (Setting(0.01, (0.02, 0.014), 0.005, difference=-0.032), 0.05),
    ],
)
def test_the_planned_seeds_have_the_power_and_one_fewer_has_not(setting: Setting, alpha: float) -> None:
    needed = seeds_needed(setting.variances(3), DIFFERENCE, setting.difference, alpha)
    assert needed is not None and 3 <= needed <= 60
    assert 0.75 < power(setting, needed, EXPERIMENTS, alpha) < 0.88
    assert power(setting, needed - 1, EXPERIMENTS, alpha) < 0.81


def test_a_plan_does_not_depend_on_the_seeds_that_were_run() -> None:
    setting = Setting(0.0045, (0.01, 0.005), 0.005, difference=0.02)
    assert len({seeds_needed(setting.variances(count), DIFFERENCE, 0.02) for count in (2, 3, 5, 20)}) == 1


def test_with_seeds_alone_it_is_the_plan_of_a_t_test() -> None:
    deviation, difference = 0.01, 0.01
    setting = Setting(0.0, (deviation, deviation), 0.0)
    expected = TTestIndPower().solve_power(difference / deviation, alpha=0.05, power=0.8)
    assert seeds_needed(setting.variances(3), DIFFERENCE, difference) == math.ceil(expected)


def test_below_the_smallest_difference_of_the_reviews_no_seeds_are_enough() -> None:
    setting = Setting(0.01, (0.01, 0.01), 0.005)
    smallest = smallest_with_any_seeds(setting.variances(3), DIFFERENCE)
    assert seeds_needed(setting.variances(3), DIFFERENCE, 0.999 * smallest) is None
    assert seeds_needed(setting.variances(3), DIFFERENCE, 1.001 * smallest) == MOST_SEEDS + 1
    many = contrasts(DIFFERENCE[None], setting.variances(10**6))
    assert minimum_detectable_difference(many)[0] == pytest.approx(smallest, rel=1e-3)


def test_the_reviews_needed_are_those_at_which_the_difference_is_the_smallest_to_be_shown() -> None:
    setting, n, aim = Setting(0.01, (0.01, 0.01), 0.005), 1000, 0.012
    needed = reviews_needed(setting.variances(3), DIFFERENCE, aim, n)
    enlarged = replace(setting, reviews=setting.reviews * math.sqrt(n / needed))
    assert needed > n
    assert smallest_with_any_seeds(enlarged.variances(3), DIFFERENCE) == pytest.approx(aim, rel=1e-3)


def test_a_smaller_level_needs_more_seeds() -> None:
    models = Setting(0.0045, (0.01, 0.01), 0.005).variances(3)
    needed = [seeds_needed(models, DIFFERENCE, 0.03, alpha) for alpha in (0.05, 0.01, 0.001)]
    assert needed == sorted(set(needed))


def test_models_without_weight_take_no_part() -> None:
    pair = Setting(0.0045, (0.01, 0.01), 0.005).variances(3)
    third = Variances(
        means=np.array([*pair.means, 0.3]),
        examples=np.pad(pair.examples, (0, 1), constant_values=1e-4),
        seeds=np.array([*pair.seeds, 1.0]),
        interaction=np.array([*pair.interaction, 0.0]),
        counts=np.array([*pair.counts, 1]),
    )
    assert seeds_needed(third, np.array([-1, 1, 0]), 0.03) == seeds_needed(pair, DIFFERENCE, 0.03)


def test_one_seed_cannot_be_planned_from() -> None:
    with pytest.raises(ValueError, match="two seeds"):
        seeds_needed(Setting(0.01, (0.01, 0.01), 0.005).variances(1), DIFFERENCE, 0.1)


def test_models_that_predict_alike_need_the_fewest_seeds() -> None:
    models = Setting(0.0, (0.0, 0.0), 0.0).variances(3)
    assert seeds_needed(models, DIFFERENCE, 0.01) == ENOUGH_SEEDS
    assert seeds_needed(models, DIFFERENCE, 0.0) is None


def test_plans_from_three_seeds_scatter_more_than_from_five() -> None:
    setting = Setting(0.0045, (0.01, 0.01), 0.005, difference=0.02)
    spread = [np.ptp(np.quantile(plans(setting, count, 200), (0.05, 0.95))) for count in (3, 5, 20)]
    assert spread == sorted(spread, reverse=True)
