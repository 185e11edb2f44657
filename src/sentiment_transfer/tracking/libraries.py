"""Whether the libraries and classes of a run's loggers are there: asked before anything is read or trained.

Imports no logger: a library is looked for without importing it.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec

from sentiment_transfer.config.logger_options import SHIPPED, TARGET, LoggerConfig
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.hub_errors import first_line

LIBRARIES = {
    "wandb": ("wandb",),
    "tensorboard": ("tensorboard",),
    "mlflow": ("mlflow", "sqlalchemy", "alembic"),
    "trackio": ("trackio",),
}


def require_libraries(config: LoggerConfig) -> None:
    """Raise UserError for a logger whose library is not installed, or whose class does not exist."""
    for name in SHIPPED:
        if getattr(config, name) is None:
            continue
        if missing := [module for module in LIBRARIES.get(name, ()) if find_spec(module) is None]:
            raise UserError(
                f"logger={name} needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not "
                f"installed: pip install -c constraints.txt -e '.[{name}]'. Or choose another logger, e.g. logger=csv."
            )
    for name, options in config.own.items():
        _require_class(name, str(options[TARGET]))


def _require_class(name: str, target: str) -> None:
    module, _, attribute = target.rpartition(".")
    try:
        found = hasattr(importlib.import_module(module), attribute) if module else False
    except Exception as error:  # the user's own module: whatever it raises is theirs to mend
        raise UserError(
            f"logger.{name}.{TARGET}={target} cannot be imported ({type(error).__name__}: {first_line(error)}). "
            "Modules are looked for beside train.py and on PYTHONPATH."
        ) from error
    if not found:
        raise UserError(
            f"logger.{name}.{TARGET}={target} does not exist: write module.Class, e.g. my_loggers.MyLogger."
        )
