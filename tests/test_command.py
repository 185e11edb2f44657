"""The command ``sentiment-transfer``: its verbs, its sentences, and the wheel that it is installed from."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from tests.helpers.runs import ROOT

from sentiment_transfer import commands
from sentiment_transfer.programs import command as programs
from sentiment_transfer.programs.command import VERBS, unknown

COMMAND = [sys.executable, "-m", "sentiment_transfer"]


def said(*arguments: str, cwd: Path, **environment: str) -> tuple[int, str]:
    done = subprocess.run([*COMMAND, *arguments], cwd=cwd, env=os.environ | environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_help_lists_the_verbs(tmp_path: Path) -> None:
    code, text = said(cwd=tmp_path)
    assert code == 0 and all(f"\n  {verb} " in text for verb in VERBS)


def test_a_wrong_verb_is_a_sentence() -> None:
    assert unknown("trian").endswith("Did you mean sentiment-transfer train?")
    assert "sentiment-transfer train seed=1" in unknown("seed=1")


def test_the_shell_is_offered_the_models(tmp_path: Path) -> None:
    code, text = said("-sc", "query=bash", cwd=tmp_path, COMP_LINE="sentiment-transfer train model=")
    assert code == 0 and {"model=base", "model=large"} <= set(text.split())


@pytest.mark.parametrize(
    ("program", "hint"), [("__main__.py", "python report.py"), ("bin/x", "sentiment-transfer report")]
)
def test_hints_name_what_was_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], program: str, hint: str
) -> None:
    monkeypatch.setattr(commands, "_as_command", [])
    monkeypatch.setattr(programs, "run", lambda verb: print(commands.command("report")))
    monkeypatch.setattr(sys, "argv", [program, "status"])
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert programs.main() == 0 and capsys.readouterr().out == f"{hint}\n"


def test_own_configuration_files_are_found(tmp_path: Path) -> None:
    own = tmp_path / "conf" / "experiment" / "mine.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("# @package _global_\nseed: 7\n")
    code, text = said("train", "experiment=mine", "--cfg", "job", cwd=tmp_path)
    assert code == 0 and "seed: 7\n" in text


@pytest.mark.parametrize("script", ["train", "report"])
def test_a_python_without_the_packages_is_told_what_to_type(tmp_path: Path, script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-E", str(ROOT / f"{script}.py")], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1 and "has no package hydra" in done.stderr and "Traceback" not in done.stderr


def test_the_wheel_holds_the_configuration_and_the_command(tmp_path: Path) -> None:
    pytest.importorskip("setuptools", "77")
    source = tmp_path / "source"
    for name in ("src", "conf"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "MANIFEST.in", "constraints.txt"):
        shutil.copy(ROOT / name, source)
    build = f"from setuptools.build_meta import build_wheel; build_wheel({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    installed = tmp_path / "installed" / "sentiment_transfer" / "conf"
    assert {p.relative_to(ROOT / "conf") for p in (ROOT / "conf").rglob("*.yaml")} == {
        p.relative_to(installed) for p in installed.rglob("*.yaml")
    }
    [entry] = (tmp_path / "installed").glob("*.dist-info/entry_points.txt")
    assert "sentiment-transfer = sentiment_transfer.programs.command:main" in entry.read_text()
    with initialize_config_dir(version_base="1.3", config_dir=str(installed)):
        assert compose("config", overrides=["experiment=tiny"]).seed == 0
