from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.helpers.learnt import learnt_tokenizer
from tests.helpers.memory import MemoryDataModule, Rows, overlap, some

from sentiment_transfer.data.reviews import THREE_CLASS
from sentiment_transfer.data.transfer import ReadOptions, TransferDataModule
from sentiment_transfer.errors import UserError


def english(train: Rows | None = None, **splits: Any) -> MemoryDataModule:
    defaults: dict[str, Any] = {"dev": some("dev", 6), "test": some("test", 8)}
    return MemoryDataModule("en_src", "en", train=train or some("train", 20), **(defaults | splits))


def read(source: dict[str, Any], targets: dict[str, Any] | None = None, **options: Any) -> TransferDataModule:
    data = TransferDataModule(source, targets, **options)
    data.read()
    return data


def test_source_and_targets_are_read_and_named() -> None:
    japanese = MemoryDataModule("ja_tgt", "ja", train="never asked for", dev=some("d", 4), test=some("t", 6))
    data = read({"en_src": english()}, {"ja_tgt": japanese})
    assert [(s.name, s.split, len(s.reviews)) for s in data.train_sets] == [("en_src", "train", 20)]
    assert [(s.name, s.split, len(s.reviews)) for s in data.dev_sets] == [("en_src", "dev", 6)]
    assert [(s.name, s.split, len(s.reviews)) for s in data.test_sets] == [("en_src", "test", 8), ("ja_tgt", "test", 6)]
    assert data.source_dev_names == ["en_src"]
    assert japanese.reads == ["test"], "a zero-shot target's other splits are not touched"
    assert data.audit["splits"]["ja_tgt"]["test"]["rows"] == 6
    assert data.classes == ("negative", "positive")


def test_reading_twice_is_reading_once() -> None:
    data = read({"en_src": english()}, {"ja": MemoryDataModule("ja", "ja", test=some("t", 6))})
    data.read()
    assert [len(sets) for sets in (data.train_sets, data.dev_sets, data.test_sets)] == [1, 1, 2]


def test_the_targets_dev_sets_are_read_for_the_oracle_only() -> None:
    target = MemoryDataModule("ja", "ja", dev=some("d", 4), test=some("t", 6))
    without_dev = MemoryDataModule("id", "id", test=some("i", 6))
    data = read({"en_src": english()}, {"ja": target, "id": without_dev}, read_options=ReadOptions(oracle=True))
    assert [s.name for s in data.dev_sets] == ["en_src", "ja"]
    assert data.source_dev_names == ["en_src"]


def test_a_source_may_lack_dev_and_test() -> None:
    data = read({"en_src": english(dev=None, test=None)}, {"ja": MemoryDataModule("ja", "ja", test=some("t", 6))})
    assert (data.dev_sets, data.source_dev_names, [s.name for s in data.test_sets]) == ([], [], ["ja"])


def test_the_protocol_of_a_score_follows_from_language_and_training() -> None:
    targets = {
        "en_src": english(),
        "ja": MemoryDataModule("ja", "ja", test=some("t", 4)),
        "en_other": MemoryDataModule("en_other", "en", test=some("o", 4)),
    }
    data = read({"en_src": english()}, targets)
    assert {name: data.protocol(name) for name in targets} == {
        "en_src": "supervised",
        "ja": "zero-shot",
        "en_other": "cross-domain",
    }


def test_a_target_that_is_also_trained_on_is_the_sources_own_test_set() -> None:
    data = read({"en_src": english()}, {"en_src": english(test=some("other", 3))})
    assert [(s.name, len(s.reviews)) for s in data.test_sets] == [("en_src", 8)]


def test_a_target_that_is_unavailable_is_reported_and_the_run_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    targets = {
        "gone": MemoryDataModule("gone", "ja", test="It was withdrawn. Put test.csv into data/gone."),
        "empty": MemoryDataModule("empty", "ja", test=[]),
        "ja": MemoryDataModule("ja", "ja", test=some("t", 4)),
    }
    with caplog.at_level(logging.WARNING):
        data = read({"en_src": english()}, targets)
    assert data.unavailable.keys() == {"gone", "empty"}
    assert data.unavailable["gone"] == "It was withdrawn. Put test.csv into data/gone."
    assert "no rows" in data.unavailable["empty"]
    assert "The target gone is left out. It was withdrawn." in caplog.text
    assert [s.name for s in data.test_sets] == ["en_src", "ja"]


def test_a_required_target_that_is_unavailable_stops_the_run() -> None:
    with pytest.raises(UserError, match=r"The target gone is required but unavailable\. It was withdrawn\."):
        read(
            {"en": english()},
            {"gone": MemoryDataModule("gone", test="It was withdrawn.")},
            read_options=ReadOptions(targets_required=True),
        )


def test_a_source_that_is_unavailable_stops_the_run() -> None:
    with pytest.raises(UserError, match=r"It was withdrawn\."):
        read({"en_src": MemoryDataModule("en_src", train="It was withdrawn.")})


@pytest.mark.parametrize(
    ("classes", "label", "absent"),
    [(("negative", "positive"), 1, "no negative"), (THREE_CLASS, 0, "no neutral and no positive")],
)
def test_a_training_set_of_one_class_is_refused(classes: tuple[str, ...], label: int, absent: str) -> None:
    rows = [(f"review {number}", label) for number in range(5)]
    with pytest.raises(UserError, match=f"training set of one has {absent} row .*label column"):
        read({"one": MemoryDataModule("one", train=rows, classes=classes)})


LEAKY = [("new one", 1), ("Train 3 GOOD!", 1), ("train 4 bad", 1), ("another", 0), ("", 0), ("train 3 good", 1)]


def leaky(**options: Any) -> TransferDataModule:
    train = [*some("train", 20), ("", 1)]
    return read({"en_src": english(train)}, {"en_tgt": MemoryDataModule("en_tgt", test=LEAKY)}, **options)


def test_the_audit_finds_what_source_and_target_share() -> None:
    data = leaky()
    found = overlap(data, "en_src", "en_tgt", "test")
    assert (found["rows"], found["shared"], found["other_label"]) == (6, 3, 1)
    assert overlap(data, "en_src", "en_src", "test")["shared"] == 0
    assert len(next(s for s in data.test_sets if s.name == "en_tgt").reviews) == 6, "nothing is removed unasked"
    assert (data.audit["dedup"], data.removed) == (False, {})


def test_dedup_removes_the_leaks_and_nothing_else() -> None:
    data = leaky(read_options=ReadOptions(dedup=True))
    target = next(s for s in data.test_sets if s.name == "en_tgt")
    assert target.reviews.ids == ["en_tgt-test-0", "en_tgt-test-3", "en_tgt-test-4"]
    assert target.reviews.labels.tolist() == [1, 0, 0]
    assert data.removed == {"en_src": 0, "en_tgt": 3} == data.audit["removed"]
    assert data.audit["splits"]["en_tgt"]["test"]["rows"] == 6, "the audit is of what was read"
    assert overlap(data, "en_src", "en_tgt", "test")["shared"] == 3
    assert len(data.train_sets[0].reviews) == 21, "training rows stay"


def test_dedup_that_would_leave_no_row_is_refused() -> None:
    target = MemoryDataModule("copy", test=some("train", 4))
    with pytest.raises(UserError, match=r"data\.dedup=true would remove all 4 test rows of copy"):
        read({"en_src": english()}, {"copy": target}, read_options=ReadOptions(dedup=True))


def test_the_test_rows_of_a_mixture_are_compared_with_all_of_it() -> None:
    source = {"en_src": english(), "ja_src": MemoryDataModule("ja_src", "ja", train=some("kotoba", 10))}
    target = MemoryDataModule("both", "id", test=[("train 1 good", 1), ("kotoba 2 bad", 0), ("baru", 1)])
    data = read(source, {"both": target}, read_options=ReadOptions(dedup=True))
    assert overlap(data, "en_src", "both", "test")["shared"] == 1
    assert overlap(data, "ja_src", "both", "test")["shared"] == 1
    assert data.removed["both"] == 2


def test_a_mixture_trains_on_every_row_of_every_source(tmp_path: Path) -> None:
    source = {"en_src": english(), "ja_src": MemoryDataModule("ja_src", "ja", train=some("kotoba", 10))}
    data = TransferDataModule(source, batch_size=8, tokenizer=learnt_tokenizer(), cache_dir=tmp_path)
    data.setup("fit")
    batches = list(data.train_dataloader())
    assert [len(batch["rows"]) for batch in batches] == [8, 8, 8, 6]
    assert sorted(row for batch in batches for row in batch["rows"].tolist()) == list(range(30))
    assert {row >= 20 for row in batches[0]["rows"].tolist()} == {True, False}, "shuffled across sources"
    labels = np.concatenate([s.reviews.labels for s in data.train_sets])
    for batch in batches:
        assert batch["labels"].tolist() == labels[batch["rows"]].tolist()
    assert data.protocol("ja_src") == "supervised"


def test_every_test_set_has_a_loader_in_order_and_in_full(tmp_path: Path) -> None:
    data = read({"en_src": english()}, {"ja": MemoryDataModule("ja", "ja", test=some("t", 9))}, cache_dir=tmp_path)
    data.tokenise(learnt_tokenizer())
    loaders = data.test_dataloader()
    assert len(loaders) == len(data.test_sets) == 2
    for test_set, loader in zip(data.test_sets, loaders, strict=True):
        batches = list(loader)
        rows = [row for batch in batches for row in batch["rows"].tolist()]
        assert sorted(rows) == list(range(len(test_set.reviews)))
        labels = [label for batch in batches for label in batch["labels"].tolist()]
        assert labels == test_set.reviews.labels[rows].tolist()
    assert len(data.val_dataloader()) == 1


def test_token_lengths_join_the_audit(tmp_path: Path) -> None:
    data = read({"en_src": english()}, max_length=4, cache_dir=tmp_path)
    data.tokenise(learnt_tokenizer())
    facts = data.audit["splits"]["en_src"]["train"]
    assert facts["truncated_fraction"] == 1.0
    assert facts["tokens_p50"] > 4
    assert max(len(data.train_sets[0].tokens[row]) for row in range(20)) == 4  # type: ignore[index]


def test_batches_without_a_tokenizer_are_refused() -> None:
    with pytest.raises(UserError, match="has no tokenizer"):
        TransferDataModule({"en_src": english()}).setup("fit")
