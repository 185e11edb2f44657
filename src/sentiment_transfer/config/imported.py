"""Import a ``_target_``, or say in a sentence why that fails."""

from __future__ import annotations

import importlib
import importlib.util
import os
from pathlib import Path
from typing import Any

from sentiment_transfer.config.checks import suggestion
from sentiment_transfer.config.own_code import importable
from sentiment_transfer.errors import UserError

# Packages that a shipped option needs and that come with an extra of ours -> the extra.
EXTRAS = {"lion_pytorch": "lion"}


def imported(where: str, target: str) -> Any:
    """The class or function that ``where``, e.g. ``optimizer._target_``, names as ``module.name``.

    Raises UserError where the module or the name is missing, or where the module cannot be imported.
    """
    importable()
    module, _, name = target.rpartition(".")
    if not module or not all(part.isidentifier() for part in target.split(".")):
        raise UserError(
            f"{where}={target} is invalid: it must be a module and a name in it, e.g. my_module.MyClass, for a class "
            "MyClass in my_module.py."
        )
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise _failed(where, target, module, error) from error  # one that the module imports
        raise UserError(f"{where}={target}: {_missing(module)}") from None
    except Exception as error:
        raise _failed(where, target, module, error) from error
    if not callable(getattr(found, name, None)):
        known = [key for key, value in vars(found).items() if callable(value) and not key.startswith("_")]
        near = suggestion(name, known[:12] if len(known) > 12 and not _close(name, known) else known) if known else ""
        raise UserError(f"{where}={target}: there is no class or function {name} in {module}.{near}")
    return getattr(found, name)


def source_file(target: str) -> Path | None:
    """The file of the module that ``target`` names, where it is the user's own: none of a package that is installed."""
    importable()
    spec = importlib.util.find_spec(target.partition(".")[0])
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    packages = {"site-packages", "dist-packages", "sentiment_transfer"}
    return None if packages & set(Path(spec.origin).parts) or _is_standard(spec.origin) else Path(spec.origin)


def _is_standard(origin: str) -> bool:
    return Path(os.__file__).parent in Path(origin).parents


def _close(name: str, known: list[str]) -> bool:
    return "Did you mean" in suggestion(name, known)


def _missing(module: str) -> str:
    top = module.partition(".")[0]
    if top in EXTRAS:
        return (
            f"the package {top.replace('_', '-')} is not installed. Type pip install "
            f"'sentiment-transfer[{EXTRAS[top]}]', or choose another option."
        )
    return (
        f"there is no module {module}. Put {module.replace('.', '/')}.py beside train.py or into the folder where you "
        "type the command, or install the package that has it."
    )


def _failed(where: str, target: str, module: str, error: BaseException) -> UserError:
    line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
    message = error.msg if isinstance(error, SyntaxError) else error
    return UserError(f"{where}={target}: {module} cannot be imported ({type(error).__name__}{line}: {message}).")
