from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from sentiment_transfer.results.tables import audit_table, findings


def facts(rows: int, **changes: Any) -> dict[str, Any]:
    plain = {"rows": rows, "empty": 0, "duplicates": 0, "conflicting": 0, "dropped": {}}
    shares = {"negative": 0.75, "positive": 0.25}
    tokens = {"tokens_p50": 17.0, "tokens_p99": 80.0, "truncated_fraction": 0.0}
    return plain | tokens | {"shares": shares} | changes


def shared(train: str, scored: str, split: str, number: int, other_label: int = 0) -> dict[str, Any]:
    return {
        "train": train,
        "scored": scored,
        "split": split,
        "rows": 1_000,
        "shared": number,
        "other_label": other_label,
        "share": number / 1_000,
    }


AUDIT: dict[str, Any] = {
    "splits": {
        "smsa_id": {
            "train": facts(9_852, empty=1_234, duplicates=67, conflicting=3, truncated_fraction=0.125),
            "test": facts(412, dropped={"neutral": 88}),
        },
        "uci_en": {"test": facts(3_000)},
    },
    "overlaps": [
        shared("smsa_id", "smsa_id", "dev", 14),
        shared("smsa_id", "smsa_id", "test", 50, other_label=2),
        shared("smsa_id", "uci_en", "test", 0),
    ],
    "dedup": False,
    "removed": {},
}


def rendered(audit: dict[str, Any], width: int = 120) -> str:
    console = Console(width=width, file=io.StringIO())
    with console.capture() as capture:
        console.print(audit_table(audit))
    return capture.get()


def row(text: str, dataset: str, split: str) -> list[str]:
    (found,) = [line.split() for line in text.splitlines() if line.split()[:2] == [dataset, split]]
    return found[2:]


def test_every_split_is_a_line_of_counts() -> None:
    text = rendered(AUDIT)
    assert row(text, "smsa_id", "train") == ["9,852", "25.0%", "1,234", "67", "3", "17", "80", "12.5%"]
    assert row(text, "uci_en", "test") == ["3,000", "25.0%", "–", "–", "–", "17", "80", "–"]


def test_shared_rows_are_sentences_and_none_is_silence() -> None:
    said = list(findings(AUDIT))
    assert said == [
        "14 of 1,000 dev rows of smsa_id (1.4%) are also in the training set of smsa_id.",
        "50 of 1,000 test rows of smsa_id (5.0%) are also in the training set of smsa_id, "
        "2 of them with another label.",
        "data.dedup=true leaves such test rows out.",
        "Of the test set of smsa_id, the reader left out: 88 neutral.",
    ]
    text = " ".join(rendered(AUDIT).split())
    assert all(sentence in text for sentence in said)


def test_dedup_is_not_advised_where_only_development_rows_are_shared() -> None:
    assert not [line for line in findings(AUDIT | {"overlaps": AUDIT["overlaps"][:1]}) if "dedup" in line]


def test_targets_that_share_texts_are_said() -> None:
    overlap = {"test": "smsa_id", "scored": "nusax_id", "rows": 400, "shared": 4, "other_label": 0, "share": 0.01}
    [said] = [line for line in findings(AUDIT | {"between_tests": [overlap]}) if "nusax_id" in line]
    assert said == (
        "4 of 400 test rows of nusax_id (1.0%) are also in the test set of smsa_id: their scores are partly on the "
        "same texts."
    )


def test_what_dedup_removed_is_said() -> None:
    said = list(findings(AUDIT | {"dedup": True, "removed": {"smsa_id": 50, "uci_en": 0}}))
    assert "data.dedup=true removed 50 test rows of smsa_id that the training set holds." in said
    assert "data.dedup=true leaves such test rows out." not in said


def test_label_words_in_brackets_are_no_markup() -> None:
    splits = {"own": {"test": facts(5, dropped={"labelled '[b]'": 1})}}
    assert "the reader left out: 1 labelled '[b]'." in rendered(AUDIT | {"splits": splits})


def test_a_clean_audit_has_no_findings() -> None:
    clean = {"splits": {"uci_en": {"test": facts(5)}}, "overlaps": [], "dedup": False, "removed": {}}
    assert list(findings(clean)) == []
