"""Energy counters as Linux shows them, made of files; no machine here has real ones."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from sentiment_transfer.runs.energy import EnergyMeter, metered


def zone(powercap: Path, name: str, microjoules: int, span: int = 1_000_000) -> Path:
    folder = powercap / name
    folder.mkdir(exist_ok=True)
    (folder / "max_energy_range_uj").write_text(f"{span}\n")
    (folder / "energy_uj").write_text(f"{microjoules}\n")
    return folder


def test_packages_are_added_and_their_parts_are_not(tmp_path: Path) -> None:
    for name in ("intel-rapl:0", "intel-rapl:1", "intel-rapl:0:0"):
        zone(tmp_path, name, 100_000)
    meter = EnergyMeter("cpu", tmp_path)
    for name in ("intel-rapl:0", "intel-rapl:1", "intel-rapl:0:0"):
        zone(tmp_path, name, 400_000)
    assert meter.joules == pytest.approx(0.6)


def test_a_counter_that_wrapped_goes_on(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", 900_000)
    meter = EnergyMeter("cpu", tmp_path)
    zone(tmp_path, "intel-rapl:0", 100_000)
    assert meter.joules == pytest.approx(0.2)
    zone(tmp_path, "intel-rapl:0", 50_000)
    assert meter.joules == pytest.approx(1.15)


def test_a_machine_without_counters_says_nothing(tmp_path: Path) -> None:
    assert EnergyMeter("cpu", tmp_path / "missing").joules is None


def test_a_counter_that_only_root_may_read_says_nothing(tmp_path: Path) -> None:
    (zone(tmp_path, "intel-rapl:0", 1) / "energy_uj").unlink()
    assert EnergyMeter("cpu", tmp_path).joules is None


def test_the_counter_is_read_while_the_block_runs(tmp_path: Path) -> None:
    import time

    zone(tmp_path, "intel-rapl:0", 900_000)
    with metered("cpu", every=0.01, powercap=tmp_path) as meter:
        for value in (100_000, 900_000, 100_000):  # two wraps: read at the end alone, they would look like one
            zone(tmp_path, "intel-rapl:0", value)
            time.sleep(0.2)
    assert meter.joules == pytest.approx(0.2 + 0.8 + 0.2)


def test_accelerators_are_those_that_torch_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NVML itself is not there in tests: this holds its calls to what nvidia-ml-py documents, no more."""
    used = {"GPU-a": 5_000, "GPU-b": 7_000}
    nvml = SimpleNamespace(
        NVMLError=RuntimeError,
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByUUID=lambda uuid: uuid,
        nvmlDeviceGetTotalEnergyConsumption=lambda handle: used[handle],
    )
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: SimpleNamespace(uuid="b"))
    meter = EnergyMeter("cuda", tmp_path)
    used["GPU-a"] += 1_000_000
    used["GPU-b"] += 2_500
    assert meter.joules == pytest.approx(2.5)
