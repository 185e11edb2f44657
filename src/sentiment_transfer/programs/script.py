"""Start a verb, if this Python can: what is missing is a sentence. Without syntax that is newer than Python 3.6."""

import importlib
import importlib.util
import os
import sys

OLDEST = (3, 11)
NEEDED = ("hydra", "omegaconf", "rich", "torch", "pytorch_lightning", "transformers")  # without them nothing starts
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def run(verb: str) -> None:
    """Run a verb with the arguments of this process, and end it with the verb's exit code."""
    problem = unfit(verb + ".py")
    if problem:
        print("error: " + problem, file=sys.stderr)
        sys.exit(1)
    importlib.import_module("sentiment_transfer.programs." + verb).run()


def unfit(script: str = "") -> str:
    """Why this Python cannot run the program, and what to type; empty where it can.

    ``script``: the file that was started, at the root of a checkout; none for the installed command.
    """
    if sys.version_info[:2] < OLDEST:
        found, oldest = ".".join(map(str, sys.version_info[:3])), ".".join(map(str, OLDEST))
        return f"{sys.executable} is Python {found}, but {oldest} or newer is needed. {remedy(script)}"
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        return f"{sys.executable} has no package {missing[0]}. {remedy(script)}"
    return ""


def remedy(script: str) -> str:
    if not script:
        return f"Type {sys.executable} -m pip install sentiment-transfer: it adds what is missing."
    root = os.path.dirname(os.path.dirname(PACKAGE))
    python = os.path.join(root, ".venv", "bin", "python")
    started = f"{shown(python)} {shown(os.path.join(root, script))} ..."
    if os.path.exists(os.path.join(root, ".venv", ".installed")) and os.path.realpath(python) != sys.executable:
        return "The program's packages are in .venv: type " + started
    newer = " PYTHON=python3.12" if sys.version_info[:2] < OLDEST else ""
    return f"Type make setup{newer} once, which installs the program's packages into .venv, then {started}"


def shown(path: str) -> str:
    """``path`` from the working directory, where that is shorter."""
    relative = os.path.relpath(path)
    return min(relative, path, key=len)
