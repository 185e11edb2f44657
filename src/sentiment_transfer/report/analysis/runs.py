"""What is known of each run beside its scores: where it lies, the command that makes it, how it stands."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sentiment_transfer.formatting import ago, counted
from sentiment_transfer.report.analysis.findings import Answer, Entry
from sentiment_transfer.results.record import RunResult

LOG = "train.log"


@dataclass(frozen=True)
class Made:
    """How one run was made."""

    result: RunResult
    folder: Path | None
    command: str  # for a shell, from the checkout's root
    of_sweep: bool  # the command is the sweep's, the run's own is not known
    environment: int  # place in the list of environments


@dataclass(frozen=True)
class Environment:
    """Code, packages and machine: what a number depends on beside its configuration."""

    revision: str
    packages: str
    device: str
    precision: str


def made(results: Mapping[str, RunResult], folders: Mapping[str, Path]) -> tuple[dict[str, Made], list[Environment]]:
    """Every run by its id, and the environments that they were made in, each once."""
    environments: dict[Environment, int] = {}
    runs = {}
    for run_id, result in results.items():
        folder = folders.get(run_id)
        own = own_arguments(folder)
        arguments = result["command"] if own is None else own
        script = "evaluate.py" if "evaluated" in result["config"] else "train.py"
        place = environments.setdefault(environment_of(result), len(environments))
        runs[run_id] = Made(
            result,
            folder,
            command_of(arguments, script),
            own is None and "-m" in arguments,
            place,
        )
    return runs, list(environments)


def own_arguments(folder: Path | None) -> list[str] | None:
    """The overrides of this very run, which Hydra leaves in its folder; the record has the sweep's command line."""
    from omegaconf import OmegaConf

    try:
        overrides = OmegaConf.to_container(OmegaConf.load(folder / ".hydra" / "overrides.yaml")) if folder else None
    except Exception:  # a file that is not there or not YAML: of a dozen classes
        return None
    return [str(item) for item in overrides] if isinstance(overrides, list) else None


def command_of(arguments: list[str], script: str = "train.py") -> str:
    kept = [str(argument) for argument in arguments if str(argument) != script]
    return shlex.join(["python", script, *kept])


def environment_of(result: RunResult) -> Environment:
    git, device = result["git"], result["device"]
    revision = f"{git['revision']}{', with changes that were not committed' * git['dirty']}" if git else "not known"
    many = f"{device['count']} × " if device["count"] > 1 else ""
    threads = f", {counted(device['threads'], 'thread')}" if device["kind"] == "cpu" else ""
    return Environment(
        revision=revision,
        packages=", ".join(f"{name} {version}" for name, version in result["packages"].items()),
        device=f"{many}{device['name']} ({device['kind']}{threads})",
        precision=result["precision"],
    )


def one_fold(result: RunResult) -> str:
    """``fold 3`` where the run is of one IndoLEM fold."""
    folds = {
        dataset["fold"]
        for group in ("source", "targets")
        for dataset in (result["config"].get(group) or {}).values()
        if isinstance(dataset, dict) and dataset.get("fold") is not None
    }
    return f"fold {', '.join(map(str, sorted(folds)))}" if folds else ""


def missing_seeds(answer: Answer) -> Iterator[tuple[Entry, list[int]]]:
    """Entries that lack seeds which another entry of their source has."""
    for entry in answer.entries:
        expected = {seed for other in answer.entries if other.source == entry.source for seed in other.seeds}
        if entry.averaged:
            continue
        if lacking := sorted(expected - set(entry.seeds)):
            yield entry, lacking


def last_sign(folder: Path, now: datetime) -> tuple[str, str]:
    """Of a run without a result: how long ago it last wrote anything, and the last line of its log."""
    try:
        files = [path for path in (folder, *folder.rglob("*")) if not path.is_symlink()]
        latest = max(path.stat().st_mtime for path in files)
        line = last_line(folder / LOG)
    except OSError:
        return "not known", ""
    return ago((now - datetime.fromtimestamp(latest, UTC)).total_seconds()), line


def last_line(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - 4_000, 0))
        lines = file.read().decode("utf-8", errors="replace").splitlines()
    return next((line for line in reversed(lines) if line.strip()), "")


def settings_of(result: RunResult) -> str:
    """The resolved configuration as one line of JSON."""
    return json.dumps(result["config"], ensure_ascii=False, default=str)
