"""The environment of a run: code revision, packages, device. Never the environment variables: they hold secrets."""

from __future__ import annotations

import platform
import resource
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from sentiment_transfer.results.record import Device, Git

PACKAGES = (  # those that can change a number
    "sentiment-transfer",
    "torch",
    "pytorch-lightning",
    "transformers",
    "tokenizers",
    "sentencepiece",
    "torchmetrics",
    "datasets",
    "hydra-core",
    "numpy",
    "pyarrow",
)
HERE = Path(__file__).resolve()


def git_state(file: Path = HERE) -> Git | None:
    """The revision of the checkout that holds ``file``, and whether its tracked files are changed.

    None without git, a checkout or a commit, or if the checkout does not track ``file`` (a package that is installed
    inside another repository must not report that repository).
    """
    try:
        git(file.parent, "ls-files", "--error-unmatch", file.name)
        revision = git(file.parent, "rev-parse", "HEAD")
        changes = git(file.parent, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return Git(revision=revision, dirty=bool(changes))


def git(folder: Path, *arguments: str) -> str:
    # Without optional locks, so that many runs starting at once do not fight over the index.
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    return answer.stdout.strip()


def package_versions() -> dict[str, str]:
    """Python's version and those of the packages that can change a number; absent ones are left out."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def describe_device(kind: str) -> Device:
    """The device torch computes on; ``kind`` is ``cpu`` or ``cuda``."""
    import torch

    cuda = kind == "cuda"
    return Device(
        kind=kind,
        name=torch.cuda.get_device_name() if cuda else processor_name(),
        count=torch.cuda.device_count() if cuda else 1,
        threads=torch.get_num_threads(),
    )


def processor_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's model name, or its architecture on systems without one (macOS, some ARM)."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names and names[0] else platform.processor() or platform.machine()


def peak_memory_bytes(kind: str) -> int:
    """Peak memory in bytes: allocated on all accelerators for ``cuda``, resident in the process for ``cpu``."""
    if kind == "cuda":
        import torch

        return sum(torch.cuda.max_memory_allocated(index) for index in range(torch.cuda.device_count()))
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
