from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.helpers.learnt import learnt_tokenizer
from tests.helpers.stores import TEXTS, folder_of, never, reviews, same

import sentiment_transfer.data.tokens as tokens
from sentiment_transfer.data.tokens import ARRAYS, TokenStore, token_store
from sentiment_transfer.errors import UserError


def damage(folder: Path, how: str) -> None:
    array = folder / "tokens.npy"
    content = array.read_bytes()
    if how == "flipped byte":
        array.write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])
    elif how == "truncated":
        array.write_bytes(content[:-40])
    elif how == "empty array":
        array.write_bytes(b"")
    elif how == "missing array":
        (folder / "offsets.npy").unlink()
    elif how == "missing facts":
        (folder / "store.json").unlink()
    elif how == "another array":
        shutil.copy(folder / "full_lengths.npy", array)
    else:
        (folder / "store.json").write_text({"empty facts": "", "no facts": "{}", "null": "null", "list": "[1]"}[how])


@pytest.mark.parametrize(
    "how",
    [
        "flipped byte",
        "truncated",
        "empty array",
        "missing array",
        "missing facts",
        "another array",
        "empty facts",
        "no facts",
        "null",
        "list",
    ],
)
def test_a_damaged_store_is_noticed_said_and_built_again(
    how: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = token_store(reviews(TEXTS), learnt_tokenizer(), 32, tmp_path)
    whole = TokenStore(*(np.array(getattr(whole, name)) for name in ARRAYS))
    damage(folder_of(tmp_path), how)
    with caplog.at_level(logging.WARNING):
        assert same(token_store(reviews(TEXTS), learnt_tokenizer(), 32, tmp_path), whole)
    assert "is damaged" in caplog.text and "is rebuilt" in caplog.text
    monkeypatch.setattr(tokens, "_tokenise", never)
    assert same(token_store(reviews(TEXTS), learnt_tokenizer(), 32, tmp_path), whole)


def test_no_byte_of_an_array_file_can_change_unnoticed(tmp_path: Path) -> None:
    split, tokenizer = reviews(["good", "bad food"]), learnt_tokenizer()
    whole = token_store(split, tokenizer, 32, tmp_path)
    whole = TokenStore(*(np.array(getattr(whole, name)) for name in ARRAYS))
    folder = folder_of(tmp_path)
    content = (folder / "tokens.npy").read_bytes()
    for place in range(len(content)):
        for mask in (0x01, 0x02, 0x20):  # 0x02 turns little endian into big, 0x20 a space of the header into NUL
            damaged = bytes([content[place] ^ mask])
            (folder / "tokens.npy").write_bytes(content[:place] + damaged + content[place + 1 :])
            opened = tokens._open(folder)
            assert opened is None or same(opened, whole), f"byte {place} ^ {mask}"


def test_what_a_killed_writer_left_behind_is_no_store(tmp_path: Path) -> None:
    token_store(reviews(TEXTS), learnt_tokenizer(), 32, tmp_path)
    folder = folder_of(tmp_path)
    half = folder.with_name(f"{folder.name}.{os.getpid()}.tmp")
    folder.rename(half)
    (half / "store.json").unlink()
    store = token_store(reviews(TEXTS), learnt_tokenizer(), 32, tmp_path)
    assert len(store) == len(TEXTS)
    assert sorted(path.name for path in folder.iterdir()) == sorted([*(f"{name}.npy" for name in ARRAYS), "store.json"])
    assert not half.exists(), "the same process number takes the place over"


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(UserError, match=r"cannot be written \(No space left on device\).*paths\.cache_dir="):
        token_store(reviews(TEXTS), learnt_tokenizer(), 32, tmp_path)
    assert [path.suffix for path in (tmp_path / "tokens").iterdir()] in ([], [".lock"])


def test_a_cache_that_cannot_be_a_folder_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot be written .*paths\.cache_dir=/path/to/folder"):
        token_store(reviews(TEXTS), learnt_tokenizer(), 32, tmp_path / "file")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("name", ["", "store.json", "tokens.npy", ".."])
def test_a_store_of_another_user_is_refused(name: str, tmp_path: Path) -> None:
    token_store(reviews(TEXTS), learnt_tokenizer(), 32, tmp_path)
    os.chown(folder_of(tmp_path) / name, 12_345, -1)
    with pytest.raises(UserError, match=r"belongs to the user.*paths\.cache_dir=/path/to/folder"):
        token_store(reviews(TEXTS), learnt_tokenizer(), 32, tmp_path)


@pytest.mark.parametrize("name", ["", "store.json", "offsets.npy", ".."])
def test_a_store_that_others_can_write_is_refused(name: str, tmp_path: Path) -> None:
    token_store(reviews(TEXTS), learnt_tokenizer(), 32, tmp_path)
    path = (folder_of(tmp_path) / name).resolve()
    path.chmod(path.stat().st_mode | 0o020)
    with pytest.raises(UserError, match=f"can be written by other users.*chmod go-w {path}"):
        token_store(reviews(TEXTS), learnt_tokenizer(), 32, tmp_path)


def test_no_store_is_written_where_others_can_write(tmp_path: Path) -> None:
    (tmp_path / "tokens").mkdir()
    (tmp_path / "tokens").chmod(0o777)
    with pytest.raises(UserError, match="can be written by other users"):
        token_store(reviews(TEXTS), learnt_tokenizer(), 32, tmp_path)
    assert not list((tmp_path / "tokens").iterdir())


def test_a_store_written_under_a_generous_umask_is_the_users_alone(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        token_store(reviews(TEXTS), learnt_tokenizer(), 32, tmp_path)
    finally:
        os.umask(mask)
    assert len(token_store(reviews(TEXTS), learnt_tokenizer(), 32, tmp_path)) == len(TEXTS)
