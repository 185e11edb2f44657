from __future__ import annotations

from pathlib import Path

import pytest

from sentiment_transfer.files.names import is_path, no_such_path


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outputs" / "xlmr-base").mkdir(parents=True)
    (tmp_path / "plain").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        *("./x", "../x", "/x", "~/x", r"a\b", r"C:\runs\a", "x/", "a/b/", "a/b/c", "a//b", "plain", "outputs"),
        *("m.CKPT", "owner/last.ckpt", "run 1/x", "größe/x", ".hidden", "https://huggingface.co/a/b", ""),
    ],
)
def test_it_is_a_path(name: str) -> None:
    assert is_path(name)


def test_a_name_of_the_hub_is_none() -> None:
    for name in ("bert-base-cased", "FacebookAI/xlm-roberta-base", "a_b/c.d-1.5B"):
        assert not is_path(name) and not is_path(name, in_folder=True)
    assert is_path("outputs/gone", in_folder=True) and not is_path("outputs/gone")


def test_the_sentence_names_what_is_near(here: Path) -> None:
    start = f" Relative paths start at {here}."
    assert no_such_path("X", "outputs/XLMR-Base/") == f"X does not exist. Did you mean outputs/xlmr-base?{start}"
    assert no_such_path("X", r"outputs\xlmr-base") == f"X does not exist. Did you mean outputs/xlmr-base?{start}"
    assert no_such_path("X", "gone/away/x") == f"X does not exist.{start}"
    assert no_such_path("X", "/gone") == "X does not exist."
    assert no_such_path("X", "plain") == "X is a file: name the folder that contains it."
