"""Where jobs can run: a slot is a name and the environment that a job in it is started with."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hydra.errors import HydraException

from hydra_plugins.slots_launcher._options import Options

# Rayon is what Hugging Face's tokenizers count by: left alone, every job tokenises on all cores.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
MEMORY_PER_CPU_SLOT = 8 * 2**30  # of the machine's: a base-size model with AdamW in fp32 takes 5 to 7 GiB


@dataclass(frozen=True)
class Slot:
    name: str  # gpu 0 | gpus 0,1 | gpu MIG-.../2 | cpu 3
    environment: Mapping[str, str]


def make_slots(options: Options, environ: Mapping[str, str] = os.environ) -> list[Slot]:
    """All slots of this machine under ``options``. Raises HydraException if they ask for GPUs that do not exist."""
    for key in ("gpus_per_job", "jobs_per_gpu", "cpu_slots", "threads"):
        if (value := getattr(options, key)) is not None and value < 1:
            raise HydraException(f"hydra.launcher.{key}={value} is invalid: it must be an integer >= 1.")
    devices = choose_gpus(options.gpus, visible_gpus(environ))
    if devices:
        places = gpu_places(devices, options.gpus_per_job, options.jobs_per_gpu)
    else:
        places = [(f"cpu {i}", {}) for i in range(cpu_slots(options, environ))]
    threads = threads_of(options, environ) or max(1, cores() // len(places))
    common = dict.fromkeys(THREAD_VARIABLES, str(threads)) | {str(k): str(v) for k, v in options.env.items()}
    return [Slot(name, common | own) for name, own in places]


def gpu_places(devices: list[str], gpus_per_job: int, jobs_per_gpu: int) -> list[tuple[str, dict[str, str]]]:
    if gpus_per_job > len(devices):
        raise HydraException(
            f"hydra.launcher.gpus_per_job={gpus_per_job}, but there are {len(devices)} GPUs ({', '.join(devices)})."
        )
    groups = [devices[i : i + gpus_per_job] for i in range(0, len(devices) - len(devices) % gpus_per_job, gpus_per_job)]
    order = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}  # so that an index is the same GPU for CUDA as for nvidia-smi
    return [
        (
            ("gpu " if gpus_per_job == 1 else "gpus ") + ",".join(group) + (f"/{n}" if jobs_per_gpu > 1 else ""),
            order | {"CUDA_VISIBLE_DEVICES": ",".join(group)},
        )
        for n in range(jobs_per_gpu)  # every GPU once before any twice
        for group in groups
    ]


def choose_gpus(wanted: object, there: list[str]) -> list[str]:
    if wanted is None:
        return there
    if isinstance(wanted, int):
        if not 0 <= wanted <= len(there):
            raise HydraException(f"hydra.launcher.gpus={wanted}, but {len(there)} are visible.")
        return there[:wanted]
    if isinstance(wanted, str):
        return [wanted]
    return [str(device) for device in wanted]  # type: ignore[attr-defined]


def visible_gpus(environ: Mapping[str, str]) -> list[str]:
    """Indices or UUIDs, as CUDA_VISIBLE_DEVICES takes them: its own where it is set, else all that nvidia-smi lists."""
    if (visible := environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        devices = [device.strip() for device in visible.split(",") if device.strip()]
        return devices[: devices.index("-1")] if "-1" in devices else devices
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return parse_nvidia_smi(listed.stdout) if listed.returncode == 0 else []


def parse_nvidia_smi(listing: str) -> list[str]:
    """Devices of ``nvidia-smi -L``: a GPU that is cut into MIG instances counts as those, by UUID."""
    devices: list[str] = []
    instances: list[str] = []
    for line in listing.splitlines():
        if gpu := re.match(r"GPU (\d+):", line):
            devices += instances
            instances = []
            devices.append(gpu[1])
        elif mig := re.search(r"\(UUID: (MIG-[^)]+)\)", line):
            if not instances:
                devices.pop()  # CUDA cannot use the whole GPU any more
            instances.append(mig[1])
    return devices + instances


def threads_of(options: Options, environ: Mapping[str, str]) -> int | None:
    named = environ.get("OMP_NUM_THREADS", "")
    return options.threads or (int(named) if named.isdigit() and int(named) else None)


def cpu_slots(options: Options, environ: Mapping[str, str]) -> int:
    """As many as there are cores for their threads, but no more than fit into the machine's memory."""
    if options.cpu_slots:
        return options.cpu_slots
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    # Not what is free: the same machine must give the same threads, and so the same sums, every time.
    return max(1, min(cores() // (threads_of(options, environ) or 1), total // MEMORY_PER_CPU_SLOT))


def cores(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Cores that this process may use: by its affinity, and by its container's quota where there is one."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        limit, period = quota.read_text().split()
        return max(1, min(affinity, int(limit) // int(period)))
    except (OSError, ValueError):  # no cgroup, or "max 100000"
        return affinity
