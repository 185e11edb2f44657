"""Find the runs under some folders: finished ones with the command behind each, unfinished and unreadable ones."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sentiment_transfer.commands import command
from sentiment_transfer.errors import UserError, without_credentials
from sentiment_transfer.formatting import ago, counted
from sentiment_transfer.report.analysis.datasets import told_apart
from sentiment_transfer.report.analysis.entries import folds_of
from sentiment_transfer.report.analysis.findings import Answer, Entry
from sentiment_transfer.results.checks import faults
from sentiment_transfer.results.record import RESULT_FILE, RunResult, read_result

STARTED = (".hydra", "checkpoints")  # folders that a run makes before it is finished
LOG = "train.log"


@dataclass
class Collection:
    """The runs that were found, each once."""

    results: list[RunResult] = field(default_factory=list)
    folders: dict[str, Path] = field(default_factory=dict)  # run id -> the folder of its record
    unfinished: list[Path] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)  # left out: damaged, foreign or edited; one sentence each
    copies: int = 0  # further records of the same run, left out; the newest is kept


def collect(paths: Iterable[Path]) -> Collection:
    """All runs under ``paths`` (folders at any depth, or ``result.json`` files), in order of path.

    A run found twice (same run id, same configuration) counts once. Datasets that share a name in different runs are
    told apart by it. Raises UserError where a path does not exist.
    """
    collection = Collection()
    newest: dict[str, RunResult] = {}
    for folder, finished in run_folders(paths):
        if not finished:
            collection.unfinished.append(folder)
            continue
        try:
            result = checked_result(folder)
        except UserError as error:
            collection.unreadable.append(str(error))
            continue
        known = newest.get(result["run_id"])
        collection.copies += known is not None
        if known is None or result["created"] > known["created"]:
            newest[result["run_id"]] = result
            collection.folders[result["run_id"]] = folder
    collection.results = told_apart(list(newest.values()))
    return collection


def checked_result(folder: Path) -> RunResult:
    """The record in a folder. Raises UserError where it is damaged, foreign or edited."""
    result = read_result(folder)
    if wrong := faults(result):
        raise UserError(
            f"{folder / RESULT_FILE} is not as a run wrote it and is left out: {'; '.join(wrong)}. Delete it and run "
            "the same command again."
        )
    return result


def run_folders(paths: Iterable[Path]) -> list[tuple[Path, bool]]:
    """Run folders under ``paths``, each once; True for the finished ones."""
    folders: dict[Path, bool] = {}
    for path in paths:
        if not path.exists():
            raise UserError(f"{path} does not exist. Name a folder that runs were written to, such as outputs.")
        if path.is_file():
            folders[path.parent] = True
            continue
        for name, subfolders, files in os.walk(path):
            subfolders.sort()
            if RESULT_FILE in files:
                folders[Path(name)] = True
            elif any(started in subfolders for started in STARTED):
                folders[Path(name)] = False
    return list(folders.items())


@dataclass(frozen=True)
class RunInfo:
    """One run with its folder, the command that reproduces it and its environment."""

    result: RunResult
    folder: Path | None
    command: str  # for a shell
    of_sweep: bool  # the command is the sweep's, the run's own is not known
    environment: int  # index into the list of environments


@dataclass(frozen=True)
class Environment:
    """Code, packages and machine: everything but the configuration that a number depends on."""

    revision: str
    packages: str
    device: str
    precision: str


def run_infos(
    results: Mapping[str, RunResult], folders: Mapping[str, Path]
) -> tuple[dict[str, RunInfo], list[Environment]]:
    """Every run by its id, and the environments that they ran in, each once."""
    environments: dict[Environment, int] = {}
    runs = {}
    for run_id, result in results.items():
        folder = folders.get(run_id)
        own = own_arguments(folder)
        arguments = result["command"] if own is None else own
        verb = "evaluate" if "evaluated" in result["config"] else "train"
        runs[run_id] = RunInfo(
            result=result,
            folder=folder,
            command=command_of(arguments, verb),
            of_sweep=own is None and "-m" in arguments,
            environment=environments.setdefault(environment_of(result), len(environments)),
        )
    return runs, list(environments)


def own_arguments(folder: Path | None) -> list[str] | None:
    """The overrides of this run, which Hydra writes into its folder; the record has the sweep's command line."""
    from omegaconf import OmegaConf

    try:
        overrides = OmegaConf.to_container(OmegaConf.load(folder / ".hydra" / "overrides.yaml")) if folder else None
    except Exception:  # missing or not YAML: OmegaConf and PyYAML raise a dozen classes
        return None
    return [str(item) for item in overrides] if isinstance(overrides, list) else None


def command_without_seed(folder: Path) -> str:
    """The command of a run and of its repetitions with other seeds; empty where it is not known."""
    own = own_arguments(folder)
    return "" if own is None else command_of([argument for argument in own if not argument.startswith("seed=")])


def command_of(arguments: list[str], verb: str = "train") -> str:
    kept = [without_credentials(str(argument)) for argument in arguments if str(argument) != f"{verb}.py"]
    return command(verb, *kept)


def environment_of(result: RunResult) -> Environment:
    git, device = result["git"], result["device"]
    revision = f"{git['revision']}{', with uncommitted changes' * git['dirty']}" if git else "not known"
    count = f"{device['count']} × " if device["count"] > 1 else ""
    threads = f", {counted(device['threads'], 'thread')}" if device["kind"] == "cpu" else ""
    return Environment(
        revision=revision,
        packages=", ".join(f"{name} {version}" for name, version in result["packages"].items()),
        device=f"{count}{device['name']} ({device['kind']}{threads})",
        precision=result["precision"],
    )


def one_fold(result: RunResult) -> str:
    """``fold 3`` where the run is of one IndoLEM fold; else empty."""
    folds = sorted(set(folds_of(result["config"])))
    return f"fold {', '.join(map(str, folds))}" if folds else ""


def missing_seeds(answer: Answer) -> Iterator[tuple[Entry, list[int]]]:
    """Entries that lack seeds which another entry of their source has."""
    for entry in answer.entries:
        expected = {seed for other in answer.entries if other.source == entry.source for seed in other.seeds}
        missing = sorted(expected - set(entry.seeds))
        if missing and not entry.averaged and not entry.deterministic:
            yield entry, missing


def last_sign(folder: Path, now: datetime) -> tuple[str, str]:
    """How long ago a run without a result last wrote anything, and the last line of its log."""
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
