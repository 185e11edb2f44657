"""Configurations composed in a program: as on the command line, and nothing of Hydra's is left behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from tests.helpers.runs import composed as as_on_the_command_line

from sentiment_transfer.composing import composed
from sentiment_transfer.config.checks import validate
from sentiment_transfer.config.run_name import run_name
from sentiment_transfer.errors import UserError

# A program with a configuration of its own, which composes one of ours within its job.
PROGRAM = """
import hydra, sys
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.version import getbase
from omegaconf import OmegaConf

@hydra.main(version_base="1.2", config_path="theirs", config_name="theirs")
def main(cfg):
    from sentiment_transfer.composing import composed

    for seed in range(2):
        ours = composed("config", ["experiment=tiny", f"seed={seed}"])
        print(ours.model.name, ours.seed, OmegaConf.select(ours, "mine"))
    print(cfg.mine, HydraConfig.get().job.name, getbase(), GlobalHydra.instance().hydra is not None)

main()
"""


def test_the_configuration_is_that_of_the_command() -> None:
    overrides = ["experiment=tiny", "seed=3", "targets={shop: {path: shop.csv, language: ja}}"]
    from_python = composed("config", overrides)
    assert run_name(from_python) == run_name(composed("config", overrides))
    typed = as_on_the_command_line("experiment=tiny", "seed=3", 'targets="{shop: {path: shop.csv, language: ja}}"')
    assert run_name(from_python) == run_name(typed)
    assert validate(from_python).seed == 3
    assert not GlobalHydra.instance().is_initialized()


def test_other_commands_are_composed_too() -> None:
    config = composed("evaluate", ["checkpoint=somewhere", "targets=indonesian"])
    assert list(config.targets) == ["indolem_id", "smsa_id"]


def test_a_mistake_is_a_sentence() -> None:
    with pytest.raises(UserError, match=r"sed is not an option of this configuration. Did you mean seed\?"):
        composed("config", ["sed=1"])
    with pytest.raises(UserError, match=r"^experiment=demoo does not exist. Did you mean demo\?$"):
        composed("config", ["experiment=demoo"])
    with pytest.raises(UserError, match=r"^model=qqq does not exist. There are: .*base, .*scratch"):
        composed("config", ["model=qqq"])
    with pytest.raises(UserError, match="cannot be null"):
        composed("config", ["model=null"])
    assert composed("config", ["seed=1"]).seed == 1


def test_hydra_of_the_program_stays(tmp_path: Path) -> None:
    with initialize_config_dir(str(tmp_path), version_base="1.3"):
        before = GlobalHydra.instance().hydra
        composed("config", ["seed=1"])
        assert GlobalHydra.instance().hydra is before


def test_within_another_programs_job(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "theirs.yaml").write_text("mine: 7\n")
    (tmp_path / "program.py").write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.splitlines() == ["scratch 0 None", "scratch 1 None", "7 program 1.2 True"], done.stderr
