"""Whether the libraries and classes of a run's loggers are there: asked before anything is read or trained.

Imports no logger: a library is looked for without importing it.
"""

from __future__ import annotations

import inspect
from importlib.util import find_spec
from typing import Any

from sentiment_transfer.commands import installing
from sentiment_transfer.config.called import TARGET
from sentiment_transfer.config.imported import imported
from sentiment_transfer.config.logger_options import SHIPPED, LoggerConfig
from sentiment_transfer.errors import UserError

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
            how = installing(name) if name != "wandb" else "pip install wandb"
            raise UserError(
                f"logger={name} needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not "
                f"installed: {how}. Or choose another logger, e.g. logger=csv."
            )
    for name, options in config.own.items():
        arguments = {key: value for key, value in options.items() if not key.startswith("_")}
        _require_logger(name, imported(f"logger.{name}.{TARGET}", str(options[TARGET])), arguments)


def _require_logger(name: str, target: Any, arguments: dict[str, Any]) -> None:
    from pytorch_lightning.loggers import Logger

    if isinstance(target, type) and not issubclass(target, Logger):
        raise UserError(
            f"logger.{name}.{TARGET}={target.__module__}.{target.__qualname__} is no logger: it must extend "
            "pytorch_lightning.loggers.Logger."
        )
    try:
        inspect.signature(target).bind(**arguments)
    except TypeError as error:
        raise UserError(f"logger.{name}: {target.__qualname__} does not take these arguments: {error}.") from None
