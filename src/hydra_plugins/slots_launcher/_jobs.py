"""From overrides to jobs: each job's directory and cost, composed once and remembered beside the sweep.

Composing takes Hydra a tenth of a second per job, which for a sweep of a thousand is minutes. What it gave is kept in
``<sweep>/.slots/jobs.json`` under a fingerprint of everything that it came from, so that the same command need not
compose again. Nothing of a configuration is kept in memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import re
import sys
import sysconfig
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import hydra as hydra_package
import omegaconf
from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict

from hydra_plugins.slots_launcher._claims import FOLDER

INDEX = "jobs.json"
LAUNCHING = re.compile(r"[+~]*hydra[./](launcher|sweeper|mode\b)")  # says how jobs are run, not what they are


@dataclass
class Job:
    """One directory to be filled. Several lists of overrides may lead to the same one; the first counts."""

    number: int  # as Hydra counts: the place in the sweep
    overrides: tuple[str, ...]
    folder: Path
    cost: float = 0.0
    configured_size: int | None = None  # what out_of_memory_halves found in the configuration; None: nothing to halve
    size: int | None = None  # the same after running out of memory
    twins: list[int] = field(default_factory=list)  # numbers of further jobs with the same directory
    name: str = ""  # the directory as the sweep names it: below the sweep's own, with / where it lies deeper

    def smaller(self, keys: Sequence[str]) -> str:
        """The override with which the job is tried again after running out of memory; empty where it did not."""
        return f"{keys[0]}={self.size}" if self.size != self.configured_size else ""


def find_jobs(
    loader: ConfigLoader,
    config: DictConfig,
    overrides: Sequence[Sequence[str]],
    first: int = 0,
    say: Callable[[str], object] = print,
) -> list[Job]:
    """The jobs of a sweep in its order. Raises what Hydra raises where a job's configuration cannot be composed."""
    sweep = Path(str(config.hydra.sweep.dir)).absolute()
    index = Index(sweep / FOLDER / INDEX, fingerprint(config))
    missing = sum(index.get(job) is None for job in overrides)
    if missing >= 100:
        say(f"Composing {missing} configurations (once; about {max(1, round(missing * 0.15 / 60))} min)")
    jobs: dict[Path, Job] = {}
    for number, own in enumerate(overrides, first):
        entry = index.get(own)
        if entry is None:
            entry = compose(loader, config, own, number)
            index.put(own, entry)
        name, cost, size = entry
        folder = sweep / name
        if folder in jobs:
            jobs[folder].twins.append(number)
        else:
            jobs[folder] = Job(number, tuple(own), folder, cost, size, size, name=name)
    index.save()
    return list(jobs.values())


Entry = tuple[str, float, int | None]  # of the index: subdirectory, cost, the number that is halved


def compose(loader: ConfigLoader, config: DictConfig, overrides: Sequence[str], number: int) -> Entry:
    """The index's entry for one job, out of its own configuration."""
    job = loader.load_sweep_config(config, list(overrides))
    with open_dict(job):
        job.hydra.job.id = str(number)
        job.hydra.job.num = number
    before = HydraConfig.instance().cfg
    HydraConfig.instance().set_config(job)  # ${hydra:...} asks it
    try:
        subfolder = os.path.normpath(str(job.hydra.sweep.subdir or "."))
        cost = float(job.hydra.launcher.cost)
        sizes = [OmegaConf.select(job, key) for key in job.hydra.launcher.out_of_memory_halves]
    finally:
        HydraConfig.instance().cfg = before
    if subfolder in (".", ".."):
        raise HydraException("hydra.sweep.subdir is empty: every job needs a directory of its own.")
    return subfolder, cost, next((int(size) for size in sizes if size is not None), None)


class Index:
    """Overrides -> entry, as a file; a damaged or outdated one counts as empty."""

    def __init__(self, path: Path, mark: str) -> None:
        self.path, self.mark, self.changed = path, mark, False
        self.jobs: dict[str, Entry] = {}
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            kept = json.loads(path.read_text(encoding="utf-8"))
            if kept["fingerprint"] == mark:
                self.jobs = {
                    str(key): (str(name), float(cost), size) for key, (name, cost, size) in kept["jobs"].items()
                }

    def get(self, overrides: Sequence[str]) -> Entry | None:
        return self.jobs.get("\n".join(overrides))

    def put(self, overrides: Sequence[str], entry: Entry) -> None:
        self.jobs["\n".join(overrides)] = entry
        self.changed = True

    def save(self) -> None:
        if not self.changed:
            return
        temporary = self.path.with_name(f"{self.path.name}.{uuid.uuid4().hex}")
        # It only saves time: where nothing can be written, the jobs themselves will say so.
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps({"fingerprint": self.mark, "jobs": self.jobs}), encoding="utf-8")
            os.replace(temporary, self.path)
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def fingerprint(config: DictConfig) -> str:
    """A hash of all that a composition depends on: configuration files, the program's own code, versions, the
    environment variables that the configuration names, and Hydra's own overrides."""
    digest = hashlib.sha256()

    def add(*values: object) -> None:
        digest.update(("\n".join(map(str, values)) + "\0").encode(errors="backslashreplace"))

    add(sys.version, hydra_package.__version__, omegaconf.__version__, config.hydra.job.config_name)
    add(*(override for override in config.hydra.overrides.hydra if not LAUNCHING.match(override)))
    named = set(re.findall(r"oc\.env:\s*(\w+)", OmegaConf.to_yaml(config)))
    for path in sorted(config_files(config)):
        content = path.read_text(encoding="utf-8", errors="replace")
        named |= set(re.findall(r"oc\.env:\s*(\w+)", content))
        add(path, content)
    add(*(f"{name}={os.environ.get(name)}" for name in sorted(named)))
    for path in sorted(own_code()):
        add(path, path.stat().st_size, path.stat().st_mtime_ns)
    return digest.hexdigest()


def config_files(config: DictConfig) -> Iterator[Path]:
    for source in config.hydra.runtime.config_sources:
        folder = source_folder(source.schema, source.path)
        if folder is not None and source.provider != "hydra":
            for ending in ("*.yaml", "*.yml"):
                yield from folder.rglob(ending)


def source_folder(schema: str, path: str) -> Path | None:
    if schema == "file":
        return Path(path)
    if schema == "pkg" and path:
        spec = importlib.util.find_spec(path.replace("/", "."))
        if spec is not None and spec.submodule_search_locations:
            return Path(next(iter(spec.submodule_search_locations)))
    return None


def own_code() -> set[Path]:
    """Files of the modules that belong to no installed package: schemas and resolvers are among them."""
    installed = tuple(sysconfig.get_paths()[key] for key in ("stdlib", "platstdlib", "purelib", "platlib"))
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    return {Path(f) for f in files if f and os.path.isabs(f) and not f.startswith(installed) and os.path.isfile(f)}
