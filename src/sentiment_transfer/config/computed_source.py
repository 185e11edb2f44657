"""Hydra's sources that compute the options of a group in place of reading files."""

from __future__ import annotations

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigSource
from hydra.plugins.search_path_plugin import SearchPathPlugin

SCHEMES: dict[str, None] = {}  # of those that are registered, in the order in which Hydra asks them


class ComputedSource(ConfigSource):
    """A subclass has a ``scheme``, and answers ``is_config`` and ``load_config``."""

    def available(self) -> bool:
        return True

    def is_group(self, config_path: str) -> bool:
        return False

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        return []


class ComputedOnSearchPath(SearchPathPlugin):
    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        for scheme in SCHEMES:
            search_path.append(provider=scheme, path=f"{scheme}://")


def register_source(source: type[ComputedSource]) -> None:
    """Let Hydra ask ``source``, after its files and those that were registered before; again changes nothing."""
    SCHEMES[source.scheme()] = None
    for plugin in (source, ComputedOnSearchPath):
        Plugins.instance().register(plugin)
