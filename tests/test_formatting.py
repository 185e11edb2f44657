"""Numbers and lists of names as text."""

from __future__ import annotations

import pytest

from sentiment_transfer.formatting import (
    METRIC_NOUNS,
    METRIC_TITLES,
    ago,
    counted,
    duration,
    file_size,
    interval_cell,
    interval_text,
    listed,
    numbered,
    p_text,
    p_value,
    parameter_count,
    percent,
    points,
    signed_percent,
    value_and_interval,
)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (percent(0.1112), "11.12"),
        (percent(0.1112, 1), "11.1"),
        (signed_percent(0.0123), "+1.23"),
        (points(0.01), "1.0 point"),
        (points(-0.012), "−1.2 points"),
        (points(-0.0004), "−0.04 points"),
        (points(-0.00001), "0.00 points"),
        (interval_text(0.012, -0.026), "95 % CI 1.2 to −2.6"),
        (interval_text(None, 0.1), ""),
        (value_and_interval(0.112, 0.109, 0.116), "11.2 % (95 % CI 10.9 to 11.6)"),
        (value_and_interval(0.112, None, None), "11.2 %"),
        (interval_cell(0.1792, 0.2182), "[17.92, 21.82]"),
        (interval_cell(-0.0031, 0.012, signed=True), "[-0.31, +1.20]"),
        (interval_cell(None, None), ""),
    ],
)
def test_fractions_become_percent_and_points(shown: str, expected: str) -> None:
    assert shown == expected


@pytest.mark.parametrize(
    ("p", "in_a_table", "in_a_sentence"),
    [
        (0.0004, "< .001", "p < .001"),
        (0.0123, ".012", "p = .012"),
        (0.337, ".337", "p = .34"),
        (0.999, ".999", "p = 1"),
        (1.0, "1.000", "p = 1"),
    ],
)
def test_p_values_are_written_as_apa_writes_them(p: float, in_a_table: str, in_a_sentence: str) -> None:
    assert (p_value(p), p_text(p)) == (in_a_table, in_a_sentence)


@pytest.mark.parametrize(
    ("count", "text"),
    [(950, "950"), (4_040_000, "4.04 M"), (278_043_648, "278 M"), (999_900_000, "1 B"), (3_480_000_000, "3.48 B")],
)
def test_parameters_have_three_digits(count: int, text: str) -> None:
    assert parameter_count(count) == text


@pytest.mark.parametrize(("seconds", "text"), [(42.84, "42.8 s"), (303, "5 min 03 s"), (7_620, "2 h 07 min")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(-3, "0 seconds ago"), (119, "119 seconds ago"), (7_200, "2 hours ago"), (2e5, "2 days ago")]
)
def test_a_moment_is_told_in_the_largest_unit_that_occurs_twice(seconds: float, text: str) -> None:
    assert ago(seconds) == text


def test_files_are_measured_in_decimal_units() -> None:
    assert (file_size(4_200), file_size(1_112_300_000)) == ("4.2 kB", "1,112.3 MB")


def test_names_are_counted_and_listed() -> None:
    assert (counted(1, "seed"), counted(5_000, "review")) == ("1 seed", "5,000 reviews")
    assert (numbered("seed", [0]), numbered("seed", [0, 2])) == ("seed 0", "seeds 0, 2")
    assert [listed(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 others"


def test_every_metric_has_a_title_and_a_noun() -> None:
    assert METRIC_TITLES.keys() == METRIC_NOUNS.keys()
