"""The kernels on CPUs that are not at hand: compiled for them, and run here or under qemu."""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from sentiment_transfer.model.packed.kernels import FLAGS

SOURCE = Path(__file__).with_name("portable.c")
NATIVE = [flag for flag in FLAGS if flag not in ("-shared", "-fPIC")]
PLAIN = [flag for flag in NATIVE if not flag.startswith("-m")]
ARM_COMPILER, QEMU = "aarch64-linux-gnu-gcc", "qemu-aarch64"

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")


def computed(tmp_path: Path, compiler: str, flags: list[str], *runner: str) -> dict[str, np.ndarray]:
    program = tmp_path / "portable"
    subprocess.run([compiler, *flags, str(SOURCE), "-o", str(program), "-lm"], check=True)
    output = subprocess.run([*runner, str(program)], check=True, capture_output=True, text=True).stdout
    lines = (line.split() for line in output.splitlines())
    return {name: np.array(numbers, dtype=np.float64) for name, *numbers in lines}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """What this CPU computes, which test_kernels.py compares with torch."""
    return computed(tmp_path_factory.mktemp("native"), "gcc", NATIVE)


def assert_same(found: dict[str, np.ndarray], here: dict[str, np.ndarray]) -> None:
    assert found.keys() == here.keys() and len(here) == 18
    for name, numbers in here.items():
        # bf16 keeps 8 bits: where a sum is rounded the other way, the last of them differs.
        np.testing.assert_allclose(found[name], numbers, rtol=2**-6, atol=2e-3, err_msg=name)
    np.testing.assert_array_equal(found["mask"], here["mask"])


@pytest.mark.skipif(platform.machine() != "x86_64", reason="these are levels of x86-64")
@pytest.mark.parametrize("level", ["x86-64", "x86-64-v2", "x86-64-v3"])
def test_cpus_without_avx_512_compute_the_same(level: str, tmp_path: Path, here: dict[str, np.ndarray]) -> None:
    assert_same(computed(tmp_path, "gcc", [*PLAIN, f"-march={level}"]), here)


@pytest.mark.skipif(
    shutil.which(ARM_COMPILER) is None or shutil.which(QEMU) is None,
    reason=f"{ARM_COMPILER} and {QEMU} are not installed (Debian: gcc-aarch64-linux-gnu, qemu-user)",
)
@pytest.mark.parametrize(
    ("cpu", "march"),
    [("cortex-a57", "armv8-a"), ("max", "armv8.2-a+sve"), ("max", "armv8.6-a+sve+bf16")],
)
def test_arm_computes_the_same(cpu: str, march: str, tmp_path: Path, here: dict[str, np.ndarray]) -> None:
    flags = [*PLAIN, f"-march={march}", "-static"]
    assert_same(computed(tmp_path, ARM_COMPILER, flags, QEMU, "-cpu", cpu), here)
