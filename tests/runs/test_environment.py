"""Where a run was computed, without ever failing and without secrets."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.helpers.example_result import example_result

from sentiment_transfer.runs import environment
from sentiment_transfer.runs.environment import (
    describe_device,
    git_state,
    package_versions,
    peak_memory_bytes,
    processor_name,
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with one committed file."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    file = tmp_path / "tracked.py"
    file.write_text("1\n")
    author = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "tracked.py"], [*author, "commit", "-q", "-m", "one"]):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True, capture_output=True)
    return file


def test_revision_is_recorded_with_whether_files_were_changed(checkout: Path) -> None:
    clean = git_state(checkout)
    assert clean is not None and len(clean["revision"]) == 40 and not clean["dirty"]
    checkout.write_text("2\n")
    changed = git_state(checkout)
    assert changed == {"revision": clean["revision"], "dirty": True}


def test_outputs_do_not_make_a_checkout_dirty(checkout: Path) -> None:
    (checkout.parent / "outputs.txt").write_text("a result")
    state = git_state(checkout)
    assert state is not None and not state["dirty"]


def test_package_inside_somebody_elses_checkout_reports_no_revision(checkout: Path) -> None:
    stranger = checkout.with_name("installed.py")
    stranger.write_text("1\n")
    assert git_state(stranger) is None


def test_no_checkout_and_no_git_are_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert git_state(tmp_path / "file.py") is None
    monkeypatch.setenv("PATH", "")
    assert git_state() is None


def test_versions_name_python_and_torch_and_leave_out_what_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "PACKAGES", ("torch", "no-such-package"))
    assert list(package_versions()) == ["python", "torch"]


def test_processor_is_named_even_where_the_system_does_not_tell(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor : 0\nmodel name\t: Some CPU @ 2 GHz\n")
    assert processor_name(cpuinfo) == "Some CPU @ 2 GHz"
    assert processor_name(tmp_path / "absent")


def test_cpu_device_has_threads_and_memory() -> None:
    device = describe_device("cpu")
    assert device["kind"] == "cpu" and device["threads"] >= 1
    assert 10_000_000 < peak_memory_bytes("cpu") < 1_000_000_000_000


def test_cuda_device_is_named_and_its_memory_summed(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Some GPU")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda index: 100 + index)
    assert describe_device("cuda")["name"] == "Some GPU"
    assert peak_memory_bytes("cuda") == 201


def test_no_environment_variable_reaches_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "a-secret-key")
    result = example_result()
    result["packages"] = package_versions()
    result["device"] = describe_device("cpu")
    result["git"] = git_state()
    assert "a-secret-key" not in json.dumps(result)
