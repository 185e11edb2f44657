from __future__ import annotations

from pathlib import Path

import pytest
from tests.helpers.runs import SMALL, trained


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run to predict with."""
    folder = tmp_path_factory.mktemp("to-predict-with") / "tiny"
    trained(folder, *SMALL, "trainer.max_epochs=1")
    return folder
