from __future__ import annotations

from pathlib import Path

import pytest
from tests.helpers.tiny import random, tiny_folder


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A folder with a tiny XLM-R's weights and a head for two classes."""
    random(tiny_folder(tmp_path / "config")).save_pretrained(tmp_path / "saved")
    return tmp_path / "saved"
