from __future__ import annotations

import os
from pathlib import Path

import pytest

from sentiment_transfer.model.packed.kernels import Kernels


@pytest.fixture(scope="session")
def cache() -> Path:
    """Where all tests keep compiled kernels: two seconds each time they are built."""
    return Path(os.environ["SENTIMENT_CACHE_DIR"])


@pytest.fixture(scope="session")
def kernels(cache: Path) -> Kernels:
    return Kernels(cache)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
