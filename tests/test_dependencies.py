"""Every package that the source imports is declared in pyproject.toml: none comes by way of another one alone."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
OURS = {"sentiment_transfer", "hydra_plugins"}
DEVELOPMENT = {"dev"}  # the extra that users do not install


distributions_of = cache(packages_distributions)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def declared(*, extras: bool) -> frozenset[str]:
    """The distributions that pyproject.toml requires, with those of its extras if asked for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = list(project["dependencies"])
    if extras:
        for name, more in project["optional-dependencies"].items():
            requirements += [] if name in DEVELOPMENT else more
    return frozenset(normal(re.split(r"[^\w.-]", requirement, maxsplit=1)[0]) for requirement in requirements)


def third_party(node: ast.AST) -> list[str]:
    """The top-level modules of other projects that an import statement names."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.level == 0:
        names = [node.module or ""]
    else:
        return []
    return [top for name in names if (top := name.split(".")[0]) not in {*sys.stdlib_module_names, *OURS}]


def imports(tree: ast.AST, optional: bool = False) -> Iterator[tuple[int, str, bool]]:
    """Line, top-level module, and whether the import is optional: in a function, or for type checkers only."""
    for node in ast.iter_child_nodes(tree):
        yield from ((getattr(node, "lineno", 0), module, optional) for module in third_party(node))
        for_types = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        yield from imports(node, optional or for_types or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def undeclared(tree: ast.AST) -> list[str]:
    installed = distributions_of()
    return [
        f"{line}: {module} ({', '.join(sorted(distributions))})"
        for line, module, optional in imports(tree)
        if not (distributions := {normal(name) for name in installed.get(module, [module])}) & declared(extras=optional)
    ]


def test_every_import_is_of_a_declared_dependency() -> None:
    missing = [
        f"{path.relative_to(ROOT)}:{each}"
        for path in sorted((ROOT / "src").rglob("*.py"))
        for each in undeclared(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("import torch\nimport yaml\nfrom hydra.core import utils", 0),
        ("import pytest", 1),  # of the development extra alone
        ("def f():\n    import pytest.mark", 1),
        ("import peft", 1),  # of an extra: inside a function only
        ("def f():\n    import peft", 0),
        ("if TYPE_CHECKING:\n    import wandb, onnxruntime", 0),
        ("class A:\n    from nowhere import x", 1),
    ],
)
def test_an_undeclared_import_is_found(source: str, count: int) -> None:
    assert len(undeclared(ast.parse(source))) == count


def test_the_lock_file_has_the_pins_and_no_other_index() -> None:
    locked: dict[str, set[str]] = {}
    text = (ROOT / "uv.lock").read_text(encoding="utf-8")
    for package in tomllib.loads(text)["package"]:
        locked.setdefault(normal(package["name"]), set()).add(package.get("version", ""))
    pins = re.findall(r"^(\w[\w.-]*)==(\S+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    different = [f"{name}=={version}" for name, version in pins if version not in locked.get(normal(name), ())]
    assert pins and not different, "run make lock"
    assert set(re.findall(r"https?://([^/\"]+)", text)) == {"pypi.org", "files.pythonhosted.org"}


def test_the_hosted_workflow_is_readable_and_needs_no_secrets() -> None:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    check = yaml.safe_load(text)["jobs"]["check"]
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    assert f">={check['strategy']['matrix']['python'][0]}" == oldest
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]) for step in check["steps"] if "uses" in step)
    commands = [step["run"] for step in check["steps"] if "run" in step]
    assert {"make lint", "make test"} <= set(commands) and "secrets." not in text
