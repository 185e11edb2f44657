from __future__ import annotations

import pytest

from sentiment_transfer.data.labels import canonical
from sentiment_transfer.data.stars import are_ratings, class_of_stars, rating_of, stars_of


@pytest.mark.parametrize(
    ("word", "stars"),
    [
        ("1 star", 1),
        ("4 Stars", 4),
        ("4.0 out of 5 stars", 4),
        ("4,0 von 5 Sternen", 4),
        ("4,0 étoiles sur 5", 4),
        ("2 de 5 estrellas", 2),
        ("3.5/5", 3.5),
        ("5 / 5", 5),
        ("5-star", 5),
        ("4 bintang", 4),
        ("bintang 4", 4),
        ("5つ星のうち4.0", 4),
        ("星4つ", 4),
        ("星５", 5),
        ("4★", 4),
        ("★★★☆☆", 3),
        ("★★★★½", 4.5),
        ("⭐⭐", 2),
        ("⭐️⭐️⭐️", 3),
        ("★", 1),
    ],
)
def test_stars_are_read_in_these_spellings(word: str, stars: float) -> None:
    assert stars_of(canonical(word)) == stars


@pytest.mark.parametrize(
    "word",
    ["4", "4.5", "6 stars", "0 stars", "7/10", "4 out of 10", "★★★☆", "★★★★★★", "☆☆☆☆☆", "stars", "star wars", ""],
)
def test_other_words_are_no_stars(word: str) -> None:
    assert stars_of(canonical(word)) is None


def test_a_number_is_a_rating_only_where_the_column_says_so() -> None:
    assert (rating_of("4.5"), rating_of("5"), rating_of("0"), rating_of("5.5"), rating_of("four")) == (
        4.5,
        5,
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"1", "5"}, True),
        ({"1", "1.5", "4.5"}, True),
        ({"2", "3", "5"}, True),
        ({"1", "2", "3"}, False),  # of three
        ({"1", "2", "3", "4"}, False),  # of four
        ({"4", "5"}, False),
        ({"0", "5"}, False),
        ({"1", "10"}, False),
        (set(), False),
    ],
)
def test_ratings_use_both_ends_of_the_scale(words: set[str], expected: bool) -> None:
    assert are_ratings(words) is expected


def test_what_lies_between_two_and_four_is_neutral() -> None:
    assert [class_of_stars(stars) for stars in (1, 2, 2.5, 3, 3.5, 4, 5)] == [
        *("negative", "negative"),
        *("neutral", "neutral", "neutral"),
        *("positive", "positive"),
    ]
