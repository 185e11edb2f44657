from __future__ import annotations

import re

import pytest

from sentiment_transfer.config.typed import from_plain, plain
from sentiment_transfer.config.written_form import delimiter_of, written_form_problems
from sentiment_transfer.data.catalog import CSVConfig, Unlabelled


def problems(**options: object) -> list[str]:
    return list(written_form_problems(CSVConfig(**options), "source.csv"))  # type: ignore[arg-type]


@pytest.mark.parametrize("delimiter", ["::", "", '"', "\n", "||"])
def test_a_delimiter_that_does_not_delimit_is_refused(delimiter: str) -> None:
    [sentence] = problems(delimiter=delimiter)
    assert re.match("source.csv.delimiter=.* is invalid: .*it must be", sentence, re.DOTALL)


def test_a_longer_delimiter_is_possible_without_quoting() -> None:
    assert "source.csv.quoted=false" in problems(delimiter="::")[0]
    assert not problems(delimiter="::", quoted=False)


@pytest.mark.parametrize("typed", ["\\t", "tab", "\t"])
def test_a_tab_may_be_typed(typed: str) -> None:
    assert delimiter_of(typed) == "\t"
    assert not problems(delimiter=typed)


@pytest.mark.parametrize("encoding", ["utf8000", "base64", "rot13", ""])
def test_an_unknown_encoding_is_refused(encoding: str) -> None:
    assert "encoding=" in problems(encoding=encoding)[0] and "such as cp932" in problems(encoding=encoding)[0]
    assert not problems(encoding="Shift-JIS")


def test_later_options_are_recorded_only_where_they_are_set() -> None:
    """Runs that were named and recorded before the option existed keep their names."""
    assert {"encoding", "unlabelled"}.isdisjoint(plain({"csv": CSVConfig(path="a")})["csv"])
    given = CSVConfig(path="a", language="en", encoding="cp932", unlabelled=Unlabelled.drop)
    recorded = plain(given)
    assert (recorded["encoding"], recorded["unlabelled"]) == ("cp932", "drop")
    assert from_plain(recorded, CSVConfig) == given
