"""A changed bit in weights or a checkpoint is noticed, wherever it is, before the file is used."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from sentiment_transfer.files.checksums import verify_checkpoint, verify_weights
from sentiment_transfer.training.weights import save_checkpoint, write_state

STATE = {"b": torch.arange(7, dtype=torch.int64), "a": torch.linspace(-1, 1, 12).view(3, 4)}
FACTS = {"seconds": "12.5", "perplexity": "80.1 60.2"}


def changed(path: Path, place: int, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(bytes(content))


def refused(path: Path) -> bool:
    try:
        verify_weights(path)
    except ValueError:
        return True
    return False


def test_no_bit_of_weights_can_change_unnoticed(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    write_state(STATE, path, FACTS)
    verify_weights(path)
    content = path.read_bytes()
    for place in range(len(content)):
        for bit in (0, 5, 7):
            changed(path, place, bit)
            if not refused(path):  # a bit of the checksum's own entry: nothing else can have changed
                assert place < content.index(b"}")
                try:
                    state = load_file(path)
                except SafetensorError:
                    state = STATE
                assert all(torch.equal(state[name], tensor) for name, tensor in STATE.items())
            path.write_bytes(content)


def test_truncated_and_empty_weights_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    for length in (0, 4, 8, 50, 200):
        write_state(STATE, path, FACTS)
        path.write_bytes(path.read_bytes()[:length])
        assert refused(path)


def test_equal_weights_are_equal_files(tmp_path: Path) -> None:
    for number in range(4):  # safetensors alone writes its metadata in random order
        write_state(STATE, tmp_path / str(number), FACTS)
    assert len({(tmp_path / str(number)).read_bytes() for number in range(4)}) == 1
    read = load_file(tmp_path / "0")
    assert all(torch.equal(read[name], tensor) for name, tensor in STATE.items())


def test_weights_of_another_program_have_no_checksum_and_are_read(tmp_path: Path) -> None:
    save_file(STATE, tmp_path / "theirs.safetensors", metadata={"format": "pt"})
    verify_weights(tmp_path / "theirs.safetensors")


def test_no_bit_of_a_checkpoint_changes_its_tensors_unnoticed(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    save_checkpoint({"state": STATE, "epoch": 3}, path)
    verify_checkpoint(path)
    content = path.read_bytes()
    for place in range(0, len(content), 3):
        changed(path, place, place % 8)
        try:
            verify_checkpoint(path)
            read = torch.load(path, weights_only=True)
        except Exception:  # what torch raises over a damaged file is of a dozen classes
            read = None
        if read is not None:
            assert read["epoch"] == 3
            assert all(torch.equal(read["state"][name], tensor) for name, tensor in STATE.items())
        path.write_bytes(content)


@pytest.mark.parametrize("content", [b"", b"This is no checkpoint.", b"PK\x03\x04"])
def test_what_is_no_checkpoint_is_noticed(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "last.ckpt").write_bytes(content)
    with pytest.raises(ValueError, match="not a complete archive"):
        verify_checkpoint(tmp_path / "last.ckpt")
