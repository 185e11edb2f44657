"""The rooms of the package and which of them may import which: docs/architecture.md draws it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = "sentiment_transfer"
SOURCE = Path(__file__).parents[1] / "src" / PACKAGE

# Each room with the rooms it may import. All but statistics, which imports nothing of ours, may import errors.
BELOW: dict[str, set[str]] = {
    "errors": set(),
    "commands": set(),
    "escaping": set(),
    "formatting": set(),
    "startup": set(),
    "statistics": set(),
    "files": {"errors"},
    "config": {"errors", "commands"},
    "results": {"errors", "commands", "formatting", "files", "statistics", "config"},
    "data": {"errors", "formatting", "files", "config"},
    "model": {"errors", "formatting", "files", "config", "data"},
    "training": {"errors", "formatting", "files", "config", "data", "model", "results"},
    "tracking": {"errors", "commands", "formatting", "files", "config", "results"},
    "checkpoints": {"errors", "commands", "formatting", "files", "config", "data", "model", "results", "training"},
}
BELOW["prediction"] = {*BELOW["checkpoints"], "checkpoints", "startup"}
BELOW["llm"] = {"errors", "files", "config", "data"}
BELOW["runs"] = {*BELOW["prediction"], "prediction", "tracking", "statistics", "llm"}
BELOW["export"] = {*BELOW["checkpoints"], "checkpoints", "statistics", "escaping"}
BELOW["report"] = {
    "errors",
    "commands",
    "escaping",
    "formatting",
    "files",
    "statistics",
    "config",
    "results",
    "tracking",
}
BELOW["experiments"] = {"errors", "commands", "files", "config", "results"}
BELOW["sentences"] = {*BELOW["experiments"], "experiments"}
BELOW["cli"] = set(BELOW)
BELOW["composing"] = {"errors", "config", "experiments", "sentences"}
BELOW["api"] = {*BELOW["runs"], "runs", "report", "cli", "composing"}
BELOW["programs"] = set(BELOW)
BELOW["__main__"] = {"programs"}
BELOW[PACKAGE] = {"errors", "prediction", "api"}

HEAVY = (
    "torch",
    "pytorch_lightning",
    "transformers",
    "datasets",
    "wandb",
    "pydantic",
    "pandas",
    "pyarrow",
    "matplotlib",
)
LIGHT = (
    "programs.command",
    "programs.script",
    "config.schema",
    "config.checks",
    "config.registration",
    "errors",
    "formatting",
    "sentences",
    "startup",
    "cli",
)


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else PACKAGE


def modules() -> dict[str, Path]:
    found = {}
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and module of everything of this package that a file imports, inside functions as well."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == PACKAGE:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield node.lineno, inner if inner in MODULES else node.module
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names if alias.name.split(".")[0] == PACKAGE)


MODULES = modules()


def test_every_room_is_known() -> None:
    assert {room_of(module) for module in MODULES} == set(BELOW)


@pytest.mark.parametrize("room", sorted(BELOW))
def test_a_room_imports_only_what_lies_below_it(room: str) -> None:
    allowed = ", ".join(sorted(BELOW[room])) or "nothing"
    broken = [
        f"{path.relative_to(SOURCE)}:{line} imports {imported}, but {room} may import {allowed}"
        for module, path in MODULES.items()
        for line, imported in imports(path)
        if room_of(module) == room and room_of(imported) not in {room, *BELOW[room]}
    ]
    assert not broken, "\n".join(broken)


def test_the_page_of_the_architecture_shows_the_same_rules() -> None:
    page = (SOURCE.parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|$", page, re.MULTILINE)
    shown: dict[str, set[str]] = {}
    for room, text in rows:
        names = {name for name in re.findall(r"\w+", text) if name in BELOW}
        inherited = re.search(r"(\w+) and its imports", text)
        shown[room] = set(shown) if "everything" in text else names | (shown[inherited[1]] if inherited else set())
    assert shown == {room: below - {PACKAGE, room} for room, below in BELOW.items() if room != PACKAGE}


def test_no_two_rooms_may_import_each_other() -> None:
    assert not [(one, other) for one in BELOW for other in BELOW[one] if one in BELOW[other]]


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {module: {imported for _, imported in imports(path)} for module, path in MODULES.items()}
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " imports ".join([*way[way.index(module) :], module])
        if module not in done:
            for imported in sorted(graph.get(module, ())):
                if imported != PACKAGE:  # the version
                    visit(imported, (*way, module))
            done.add(module)

    for module in sorted(graph):
        visit(module, ())


@pytest.mark.parametrize("module", LIGHT)
def test_what_help_needs_is_light(module: str) -> None:
    """``train.py --help`` imports these: a heavy one costs every command a second or more."""
    program = f"import sys, {PACKAGE}.{module}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert not set(done.stdout.split()) & set(HEAVY)
