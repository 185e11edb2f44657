"""Links and folders that somebody put where predict.py keeps unfinished rows: nothing is written through them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.helpers.labelled_files import predicted, write_csv

from sentiment_transfer.errors import UserError

PRECIOUS = "nobody may write here"


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "rows").write_text(PRECIOUS)
    return tmp_path / "elsewhere" / "rows"


def refused(tmp_path: Path) -> str:
    with pytest.raises(UserError) as error:
        predicted(tmp_path / "no-model-is-opened", write_csv(tmp_path / "in.csv", 5), tmp_path / "out.csv")
    return str(error.value)


def test_a_link_in_place_of_the_folder_is_refused(precious: Path, tmp_path: Path) -> None:
    (tmp_path / ".out.csv.partial").symlink_to(precious.parent)
    assert f"{tmp_path}/.out.csv.partial is a link and is not followed. Remove it" in refused(tmp_path)
    assert precious.read_text() == PRECIOUS and len(list(precious.parent.iterdir())) == 1


def test_a_link_to_nowhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".out.csv.partial").symlink_to(tmp_path / "nowhere")
    assert "is a link and is not followed" in refused(tmp_path)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("name", ["rows", "journal.json", "complete", "joined", "lock"])
def test_a_link_inside_the_folder_is_refused(precious: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / ".out.csv.partial").mkdir()
    (tmp_path / ".out.csv.partial" / name).symlink_to(precious)
    assert f".out.csv.partial/{name} is a link or no file, and is not written to. Remove it" in refused(tmp_path)
    assert precious.read_text() == PRECIOUS


def test_a_folder_that_others_can_write_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".out.csv.partial").mkdir()
    (tmp_path / ".out.csv.partial").chmod(0o777)
    assert "can be written by other users (mode 777)" in refused(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".out.csv.partial").mkdir()
    os.chown(tmp_path / ".out.csv.partial", 12_345, -1)
    assert "belongs to the user" in refused(tmp_path)
