"""Where jobs may run: GPUs, groups and parts of them, or cores."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra.errors import HydraException

from hydra_plugins.slots_launcher import _slots
from hydra_plugins.slots_launcher._options import Options
from hydra_plugins.slots_launcher._slots import cores, make_slots, parse_nvidia_smi

# As nvidia-smi -L prints it for two GPUs, the second cut into instances (NVIDIA's MIG user guide).
LISTING = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-ae6d5e0f-1b2c-4b9e-9c53-6a9fd8d3b0c2)
  MIG 3g.20gb     Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)
  MIG 3g.20gb     Device  1: (UUID: MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb)
"""


def devices(options: Options, visible: str = "0,1,2,3") -> list[str]:
    return [slot.environment["CUDA_VISIBLE_DEVICES"] for slot in make_slots(options, {"CUDA_VISIBLE_DEVICES": visible})]


def test_a_gpu_that_is_cut_into_instances_counts_as_those() -> None:
    instances = ["MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f", "MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb"]
    assert parse_nvidia_smi(LISTING) == ["0", *instances]
    assert parse_nvidia_smi("No devices were found\n") == []


def test_every_visible_gpu_is_a_slot() -> None:
    assert devices(Options()) == ["0", "1", "2", "3"]
    assert devices(Options(), "GPU-5d5b, 3") == ["GPU-5d5b", "3"]


def test_every_gpu_has_a_job_before_any_has_two() -> None:
    assert devices(Options(jobs_per_gpu=2), "0,1") == ["0", "1", "0", "1"]


def test_groups_leave_a_remainder_out() -> None:
    assert devices(Options(gpus_per_job=2), "0,1,2,3,4") == ["0,1", "2,3"]


@pytest.mark.parametrize(
    ("gpus", "expected"),
    [(2, ["0", "1"]), ([3, "MIG-1"], ["3", "MIG-1"]), ("GPU-7", ["GPU-7"]), (None, ["0", "1", "2"])],
)
def test_gpus_can_be_chosen(gpus: object, expected: list[str]) -> None:
    assert devices(Options(gpus=gpus), "0,1,2") == expected


@pytest.mark.parametrize("visible", ["", "-1"])
def test_hidden_gpus_are_not_used(visible: str) -> None:
    slots = make_slots(Options(cpu_slots=2), {"CUDA_VISIBLE_DEVICES": visible})
    assert [slot.name for slot in slots] == ["cpu 0", "cpu 1"]


def test_no_gpu_wanted_means_cores() -> None:
    for gpus in (0, []):
        slots = make_slots(Options(gpus=gpus, cpu_slots=3), {"CUDA_VISIBLE_DEVICES": "0"})
        assert [slot.name for slot in slots] == ["cpu 0", "cpu 1", "cpu 2"]


def test_threads_are_divided_among_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_slots, "cores", lambda: 8)
    for slots, threads in [(1, "8"), (2, "4"), (3, "2"), (16, "1")]:
        made = make_slots(Options(cpu_slots=slots), {"CUDA_VISIBLE_DEVICES": ""})
        assert len(made) == slots
        for variable in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS"):
            assert {slot.environment[variable] for slot in made} == {threads}
    named = make_slots(Options(), {"CUDA_VISIBLE_DEVICES": "0,1", "OMP_NUM_THREADS": "3"})
    assert {slot.environment["OMP_NUM_THREADS"] for slot in named} == {"3"}


def test_cpu_slots_are_as_many_as_threads_and_memory_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    gibibytes = {"SC_PAGE_SIZE": 2**10, "SC_PHYS_PAGES": 35 * 2**20}  # 35 GiB
    monkeypatch.setattr("os.sysconf", gibibytes.__getitem__)
    monkeypatch.setattr(_slots, "cores", lambda: 16)
    hidden = {"CUDA_VISIBLE_DEVICES": ""}
    assert len(make_slots(Options(), hidden)) == 4
    assert len(make_slots(Options(threads=8), hidden)) == 2


def test_a_containers_quota_counts(tmp_path: Path) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text("100000 100000\n")
    assert cores(quota) == 1
    quota.write_text("max 100000\n")
    assert cores(quota) == cores(tmp_path / "none") >= 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (Options(gpus=3), "hydra.launcher.gpus=3, but 2 are visible"),
        (Options(gpus_per_job=3), r"hydra.launcher.gpus_per_job=3, but there are 2 GPUs \(0, 1\)"),
        (Options(jobs_per_gpu=0), "hydra.launcher.jobs_per_gpu=0 is invalid"),
        (Options(cpu_slots=-1), "hydra.launcher.cpu_slots=-1 is invalid"),
    ],
)
def test_impossible_wishes_are_refused_with_a_sentence(options: Options, sentence: str) -> None:
    with pytest.raises(HydraException, match=sentence):
        make_slots(options, {"CUDA_VISIBLE_DEVICES": "0,1"})
