"""Hydra's knowledge of the schema: dataclasses, dataset groups from the descriptors, and resolvers."""

from __future__ import annotations

from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from sentiment_transfer.commands import command
from sentiment_transfer.config.cost import run_cost
from sentiment_transfer.config.dataset import datasets
from sentiment_transfer.config.help_text import help_text
from sentiment_transfer.config.model_options import UlmfitConfig
from sentiment_transfer.config.objective_options import SHIPPED
from sentiment_transfer.config.own_files import register_own_files
from sentiment_transfer.config.program_options import EvaluateConfig, ExportConfig, PredictConfig
from sentiment_transfer.config.run_name import evaluation_name, run_name
from sentiment_transfer.config.schema import ComposedConfig

SCHEMAS = {
    "ulmfit": UlmfitConfig,
    "export": ExportConfig,
    "predict": PredictConfig,
    "evaluate": EvaluateConfig,
    **{name: schema for options in SHIPPED.values() for name, schema in options.items()},
}


def _itself(store: ConfigStore, memo: dict[int, Any]) -> ConfigStore:
    return store


# For every question, Hydra 1.3 copies its sources, and with them each node of this singleton: 130 times, 3 s, for one
# --help. Nothing is shared without the copies, since ConfigStore.load copies the node that it hands out.
ConfigStore.__deepcopy__ = _itself  # type: ignore[attr-defined]


def register() -> None:
    """Call once before ``hydra.main`` or ``compose``. Raises UserError if a module of SENTIMENT_DATASETS is missing.

    Each dataset becomes an option of the groups ``dataset``, ``source`` and ``targets``; groups of several, such as
    ``targets=paper``, are files in ``conf/``.
    """
    store = ConfigStore.instance()
    config = OmegaConf.structured(ComposedConfig)
    OmegaConf.set_struct(config.logger, False)  # it takes loggers of the user's own; checks.py looks at its keys
    store.store(group="schema", name="config", node=config)
    for name, schema in SCHEMAS.items():
        store.store(group="schema", name=name, node=schema)
    for dataset in datasets().values():
        for name, fixed in dataset.names.items():
            store.store(group="dataset", name=name, node=dataset.config(**fixed))
            for group, options in (("source", dataset.as_source), ("targets", dataset.as_target)):
                defaults: list[Any] = [{f"/dataset@{name}": name}, "_self_"]
                node = {"defaults": defaults} | ({name: dict(options)} if options else {})
                store.store(group=group, name=name, node=node)
    register_own_files()
    OmegaConf.register_new_resolver("run_name", lambda *, _root_: run_name(_root_), replace=True)
    OmegaConf.register_new_resolver("evaluation_name", lambda *, _root_: evaluation_name(_root_), replace=True)
    OmegaConf.register_new_resolver("command", command, replace=True)  # in the help texts
    OmegaConf.register_new_resolver("options_help", _escaped_help, replace=True)
    OmegaConf.register_new_resolver("times", lambda factor, rate: float(f"{factor * rate:.6g}"), replace=True)
    OmegaConf.register_new_resolver("run_cost", lambda *, _root_: run_cost(_root_), replace=True)


def _escaped_help(*, _root_: Any) -> str:
    return help_text(_root_).replace("$", "$$")  # Hydra puts it into a string.Template
