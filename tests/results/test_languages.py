from __future__ import annotations

import re
from pathlib import Path

import pytest

from sentiment_transfer.config.dataset import datasets
from sentiment_transfer.data.catalog import make_dataset
from sentiment_transfer.results.languages import Language, language, languages, typological_distance

NUSAX = ("jv", "su", "min", "ace", "ban", "bjn", "bug", "mad", "nij", "bbc")


def test_what_is_known_of_a_language() -> None:
    assert language("jv") == Language("jv", "Javanese", "Austronesian", "Latn", True, 0.2)
    assert language("bbc") == Language("bbc", "Toba Batak", "Austronesian", "Latn", False, None)
    assert language("no") and language("no").name == "Norwegian"  # type: ignore[union-attr]  # YAML's `no` is false
    assert language("tlh") is None


def test_every_language_of_the_datasets_is_known() -> None:
    for dataset in datasets().values():
        for name, options in dataset.names.items():
            if dataset.kind not in ("csv", "hub"):  # they have the language that the user names
                module = make_dataset(name, dataset.config(**options), data_dir="", cache_dir="", seed=0)
                assert language(module.language), name


def test_the_facts_are_well_formed() -> None:
    for code, facts in languages().items():
        assert code == facts.code and code.islower() and len(code) in (2, 3)
        assert len(facts.script) == 4 and facts.script.istitle()
        assert facts.in_xlmr == (facts.cc100_gib is not None)
    assert len({facts.name for facts in languages().values()}) == len(languages())


@pytest.mark.parametrize(
    ("source", "distances"),
    [
        ("en", [0.399, 0.310, 0.340, 0.370, 0.321, 0.342, 0.340, 0.298, 0.352, 0.485]),
        ("ja", [0.675, 0.661, 0.691, 0.676, 0.636, 0.676, 0.661, 0.655, 0.681, 0.706]),
    ],
)
def test_the_distances_are_those_computed_from_uriel(source: str, distances: list[float]) -> None:
    assert [typological_distance(source, target) for target in NUSAX] == distances
    assert typological_distance("en", "de") == 0.097
    assert typological_distance("ko", "ja") == 0.161


def test_distances_are_symmetric_and_known_of_every_pair() -> None:
    for a in languages():
        assert typological_distance(a, a) == 0
        for b in languages():
            distance = typological_distance(a, b)
            assert distance is not None and distance == typological_distance(b, a) and 0 <= distance < 1


def test_an_unknown_language_has_no_distance() -> None:
    assert typological_distance("en", "tlh") is None
    assert typological_distance("tlh", "tlh") == 0


def test_the_documented_table_is_that_of_the_files() -> None:
    page = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text(encoding="utf-8")
    number = r"([\d.–]+)"
    row = rf"^\| `(\w+)` \| (.+) \| ([\w-]+) \| (\w{{4}}) \| {number} \| {number} \| {number} \|$"
    rows = re.findall(row, page, re.MULTILINE)
    assert {"en", "ja", "id", "de", "ko", *NUSAX} <= {code for code, *_ in rows}
    for code, name, family, script, size, *distances in rows:
        gib = None if size == "–" else float(size)
        assert language(code) == Language(code, name, family, script, gib is not None, gib)
        expected = [typological_distance(source, code) for source in ("en", "ja")]
        assert [0 if each == "–" else float(each) for each in distances] == expected
