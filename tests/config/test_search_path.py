"""``hydra.searchpath``: folders as a person types them, made absolute or refused with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from sentiment_transfer.composing import composed
from sentiment_transfer.config.overrides import adapted
from sentiment_transfer.config.search_path import folders_of
from sentiment_transfer.errors import UserError


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's with an experiment and an encoder, in the working directory and the home directory."""
    folder = tmp_path / "own files, 1"
    (folder / "experiment").mkdir(parents=True)
    (folder / "experiment" / "mine.yaml").write_text("# @package _global_\nseed: 9\n")
    (folder / "model").mkdir()
    (folder / "model" / "ours.yaml").write_text("name: ours\nencoder: builtin:scratch\nweights: random\n")
    (tmp_path / "own").symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return folder


@pytest.mark.parametrize(
    "typed", ["own", "[own]", "[~/own]", "~/own", "[file://own]", "[./own/]", "['own files, 1']", "[pkg://nobodys,own]"]
)
def test_a_folder_becomes_absolute(own: Path, typed: str) -> None:
    arguments = adapted([f"hydra.searchpath={typed}", "seed=1"])
    assert arguments[1:] == ["seed=1"]
    (folder,) = folders_of(arguments)
    assert folder.is_absolute()
    assert folder.samefile(own)
    assert adapted(arguments) == arguments  # a sweep's jobs get them so


def test_its_files_are_options(own: Path) -> None:
    config = composed("config", ["hydra.searchpath=[~/own]", "experiment=mine", "model=ours"])
    assert (config.seed, config.model.name) == (9, "ours")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("nowhere", r"nowhere does not exist\. Give a folder in which experiment/ or model/ lies\.$"),
        ("[own/experiment/mine.yaml]", r"mine\.yaml is a file\. Give a folder"),
        ("[own/experiment]", r"is itself the folder of the group experiment\. Give .*: 'hydra\.searchpath=\[own\]'\.$"),
        ("[.]", r"has no folder of a group, such as \./experiment"),
    ],
)
def test_a_folder_of_no_use_is_a_sentence(own: Path, typed: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        adapted([f"hydra.searchpath={typed}"])
