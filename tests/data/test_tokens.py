from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.helpers.learnt import learnt_tokenizer
from tests.helpers.stores import TEXTS, folder_of, never, reviews, same
from transformers import AutoTokenizer, PreTrainedTokenizerBase

import sentiment_transfer.data.tokens as tokens
from sentiment_transfer.data.reviews import Reviews
from sentiment_transfer.data.tokens import ARRAYS, token_store, tokenizer_digest
from sentiment_transfer.model.tokenizer import train_tokenizer


@pytest.fixture(scope="session")
def tokenizers() -> dict[str, PreTrainedTokenizerBase]:
    return {"learnt": learnt_tokenizer(), "small": train_tokenizer(TEXTS * 3, vocabulary=300)}


def assert_equals_the_tokenizers_own_cut(tokenizer: PreTrainedTokenizerBase, cache: Path) -> None:
    split = reviews(TEXTS)
    texts = split.table["text"].to_pylist()
    for max_length in (4, 16, 256):
        store = token_store(split, tokenizer, max_length, cache)
        expected = tokenizer(texts, truncation=True, max_length=max_length)["input_ids"]
        assert [row.tolist() for row in (store[i] for i in range(len(store)))] == expected
        assert store.full_lengths.tolist() == [len(ids) for ids in tokenizer(texts, verbose=False)["input_ids"]]
        assert store.lengths.tolist() == np.minimum(store.full_lengths, max_length).tolist()
        assert {int(store[i][-1]) for i in range(len(store))} == {tokenizer.sep_token_id}


@pytest.mark.parametrize("name", ["learnt", "small"])
def test_the_store_equals_the_tokenizers_own_cut(
    name: str, tokenizers: dict[str, PreTrainedTokenizerBase], tmp_path: Path
) -> None:
    assert_equals_the_tokenizers_own_cut(tokenizers[name], tmp_path)


@pytest.mark.real_data
def test_the_store_equals_the_cut_of_the_real_xlm_r_tokenizer(real_models: Path, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(real_models / "xlm-roberta-base")
    assert_equals_the_tokenizers_own_cut(tokenizer, tmp_path)


def test_a_store_is_built_once_and_then_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = token_store(reviews(TEXTS), learnt_tokenizer(), 32, tmp_path)
    monkeypatch.setattr(tokens, "_tokenise", never)
    opened = token_store(reviews(TEXTS), learnt_tokenizer(), 32, tmp_path)
    assert same(built, opened)
    for name, kind in ARRAYS.items():
        array = getattr(opened, name)
        assert isinstance(array, np.memmap) and array.dtype == kind
        assert not array.flags.writeable


def test_labels_and_ids_are_no_part_of_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token_store(reviews(["good", "bad"]), learnt_tokenizer(), 32, tmp_path)
    monkeypatch.setattr(tokens, "_tokenise", never)
    other = Reviews.from_columns(["x", "y"], ["good", "bad"], [1, 1], language="id", domain="other")
    assert len(token_store(other, learnt_tokenizer(), 32, tmp_path)) == 2


def test_content_tokenizer_and_length_each_make_another_store(
    tokenizers: dict[str, PreTrainedTokenizerBase], tmp_path: Path
) -> None:
    learnt, small = tokenizers["learnt"], tokenizers["small"]
    token_store(reviews(["good", "bad"]), learnt, 32, tmp_path)
    token_store(reviews(["bad", "good"]), learnt, 32, tmp_path)
    token_store(reviews(["good", "bad"]), small, 32, tmp_path)
    token_store(reviews(["good", "bad"]), learnt, 33, tmp_path)
    assert len([path for path in (tmp_path / "tokens").iterdir() if path.is_dir()]) == 4


def test_a_tokenizer_with_other_rules_has_another_digest() -> None:
    from tokenizers import normalizers

    tokenizer = learnt_tokenizer()
    before = tokenizer_digest(tokenizer)
    assert before == tokenizer_digest(learnt_tokenizer())
    tokenizer.backend_tokenizer.normalizer = normalizers.NFC()
    assert tokenizer_digest(tokenizer) != before


ONE_OF_MANY = """
import sys, time
from pathlib import Path
from sentiment_transfer.data.reviews import Reviews
from sentiment_transfer.data.tokens import token_store

class Letters:  # a tokenizer that needs no heavy import and is slow enough for the others to come
    used = False

    def get_vocab(self):
        return {"a": 1}

    def __call__(self, texts, verbose):
        self.used = True
        time.sleep(0.05)
        return {"input_ids": [[0, *map(ord, text), 2] for text in texts]}

cache = Path(sys.argv[1])
texts = [f"the room number {number} was clean" for number in range(6_000)]
split = Reviews.from_columns([str(i) for i in range(6_000)], texts, [0] * 6_000, language="en", domain="x")
print("ready", flush=True)
while not (cache / "go").exists():
    time.sleep(0.001)
letters = Letters()
store = token_store(split, letters, 16, cache)
print(len(store), int(store.tokens.sum()), int(store.full_lengths.sum()), letters.used)
"""


def test_processes_that_start_together_get_one_whole_store(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ONE_OF_MANY, str(tmp_path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    assert [process.stdout.readline() for process in processes if process.stdout] == ["ready\n"] * 4
    (tmp_path / "go").touch()
    said = [process.communicate(timeout=60) for process in processes]
    texts = [f"the room number {number} was clean" for number in range(6_000)]
    tokens_kept = sum(2 + sum(map(ord, text[:14])) for text in texts)
    expected = f"6000 {tokens_kept} {sum(len(text) + 2 for text in texts)}"
    assert sorted(said) == [(f"{expected} False\n", "")] * 3 + [(f"{expected} True\n", "")], "one of them tokenises"
    (store,) = [path for path in (tmp_path / "tokens").iterdir() if path.suffix != ".lock"]
    assert sorted(path.name for path in store.iterdir()) == sorted([*(f"{name}.npy" for name in ARRAYS), "store.json"])


def test_a_review_of_two_megabytes_is_cut_and_its_length_reported(
    tokenizers: dict[str, PreTrainedTokenizerBase], tmp_path: Path
) -> None:
    words = 400_000
    store = token_store(reviews(["word " * words, "word"]), tokenizers["small"], 256, tmp_path)
    assert (store.full_lengths[0], store.lengths[0]) == (words + 3, 256)  # <s>, the words, a last space, </s>
    report = store.length_report(256)
    assert (report["tokens_p100"], report["truncated_fraction"]) == (words + 3, 0.5)


def test_lengths_are_those_before_the_cut(tmp_path: Path) -> None:
    texts = ["good" + " good" * count for count in range(100)]
    report = token_store(reviews(texts), train_tokenizer(["good"] * 9), 52, tmp_path).length_report(52)
    assert report == {
        "tokens_p50": 52.5,
        "tokens_p90": pytest.approx(92.1),
        "tokens_p99": pytest.approx(101.01),
        "tokens_p100": 102.0,
        "truncated_fraction": 0.5,
    }


def test_the_facts_are_plain_json(tmp_path: Path) -> None:
    store = token_store(reviews(TEXTS), learnt_tokenizer(), 32, tmp_path)
    facts = json.loads((folder_of(tmp_path) / "store.json").read_text())
    assert facts["tokens"]["size"] == store.offsets[-1] == len(store.tokens)
