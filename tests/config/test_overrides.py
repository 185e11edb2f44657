"""Values that Hydra's grammar refuses come with the quoting that it takes."""

from __future__ import annotations

import shlex

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import OverrideParseException

from sentiment_transfer.config.overrides import ambiguous_override, quoted
from sentiment_transfer.sentences import describe

VALUES = (
    "my reviews (1).csv",
    "a=b.csv",
    'it\'s "x".csv',
    "口コミ.csv",
    "a;b#c.csv",
    "x[1].csv",
    "a&b{c}.csv",
    'back\\"s',
)


@pytest.mark.parametrize("value", VALUES)
def test_what_the_error_says_to_type_is_the_value(value: str) -> None:
    parser = OverridesParser.create()
    with pytest.raises(OverrideParseException) as raised:
        parser.parse_overrides([f"targets.csv.path={value}"])
    sentence = describe(raised.value)
    assert sentence.startswith(f"targets.csv.path={value} is not valid on the command line")
    [typed] = shlex.split(sentence.partition(" Type ")[2])
    [override] = parser.parse_overrides([typed])
    assert override.value() == value


def test_a_comma_may_be_part_of_a_value_or_divide_several() -> None:
    sentence = ambiguous_override("input=a,b.csv")
    assert quoted("input", "a,b.csv") == "'input=\"a,b.csv\"'"
    assert quoted("input", "a,b.csv") in sentence and "'input=[a,b.csv]'" in sentence


def test_the_end_of_a_value_that_the_shell_cut_is_told() -> None:
    with pytest.raises(OverrideParseException) as raised:
        OverridesParser.create().parse_overrides(["input=my", "reviews.csv"])
    assert describe(raised.value).startswith("reviews.csv is not an option: options are typed key=value.")


def test_a_mapping_is_not_quoted_as_a_whole() -> None:
    with pytest.raises(OverrideParseException) as raised:
        OverridesParser.create().parse_overrides(["labels={良い: positive}"])
    assert "YAML file" in describe(raised.value)
    with pytest.raises(OverrideParseException) as raised:
        OverridesParser.create().parse_overrides(['input="a'])
    assert "not valid" not in describe(raised.value)
