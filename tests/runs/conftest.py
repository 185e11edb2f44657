from __future__ import annotations

from pathlib import Path

import pytest
from tests.helpers.encoders import pretrained_folder
from tests.helpers.runs import trained
from tests.helpers.stopping import ORACLE, RUN, Steps, Whole, undisturbed


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run, for tests that only read it."""
    folder = tmp_path_factory.mktemp("tiny-run")
    trained(folder, *ORACLE)
    return folder


@pytest.fixture(scope="session")
def tiny_xlm_r(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pretrained encoder in a folder; copy it before changing it."""
    return pretrained_folder(tmp_path_factory.mktemp("encoders") / "tiny-xlm-r")


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """The run that others are stopped on the way to."""
    return undisturbed(tmp_path_factory.mktemp("whole"), *RUN)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    return Steps(monkeypatch)
