"""A temporary file is new: whatever somebody put in its place beforehand is not written to."""

from __future__ import annotations

import os
from pathlib import Path

from sentiment_transfer.files.atomic import remove_leftovers, write_atomically
from sentiment_transfer.files.progress import ProgressFile


def test_a_link_under_the_temporary_name_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("nobody may write here")
    (tmp_path / f".result.json.{os.getpid()}.tmp").symlink_to(precious)
    names = []

    def write(temporary: Path) -> None:
        names.append(temporary.name)
        assert temporary.is_file() and not temporary.is_symlink() and temporary.stat().st_size == 0
        temporary.write_text("content")

    for _ in range(2):
        write_atomically(tmp_path / "result.json", write)
    assert (tmp_path / "result.json").read_text() == "content"
    assert precious.read_text() == "nobody may write here"
    assert len(set(names)) == 2, "the next name cannot be foreseen"
    (tmp_path / names[0]).write_text("of a process that was killed")
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["precious", "result.json"]


def test_a_report_of_progress_does_not_follow_a_link(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("nobody may write here")
    (tmp_path / f"progress.{os.getpid()}").symlink_to(precious)
    ProgressFile(tmp_path / "progress").report("loading")
    assert precious.read_text() == "nobody may write here"
    assert (tmp_path / "progress").read_text() == '{"done": 0.0, "text": "loading"}'
