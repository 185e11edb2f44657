from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from tests.helpers.encoders import pretrained_folder
from tests.helpers.runs import ROOT, SMALL, trained

Export = Callable[..., None]


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    trained(folder, *SMALL)
    return folder


@pytest.fixture(scope="session")
def scratch_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an encoder from random weights, with a tokenizer that was trained on the source's texts."""
    folder = tmp_path_factory.mktemp("runs") / "scratch"
    trained(folder, *SMALL, "model=scratch", "data.max_length=16")
    return folder


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pretrained_folder(tmp_path_factory.mktemp("encoders") / "tiny")


@pytest.fixture(scope="session")
def lora_run(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    pytest.importorskip("peft", reason="the extra is not installed: pip install 'sentiment-transfer[lora]'")
    folder = tmp_path_factory.mktemp("runs") / "lora"
    trained(folder, *SMALL, "model=local", f"model.encoder={tiny_encoder}", "model.lora_rank=4")
    return folder


@pytest.fixture(scope="session")
def export() -> Export:
    """``python export.py checkpoint=... output=... overrides...`` in this process."""
    from sentiment_transfer.export.command import export as run_export

    def call(checkpoint: object, output: object, *overrides: str) -> None:
        with initialize_config_dir(version_base="1.3", config_dir=str(ROOT / "conf")):
            config = compose("export", overrides=[f"checkpoint={checkpoint}", f"output={output}", *overrides])
        run_export(config)

    return call
