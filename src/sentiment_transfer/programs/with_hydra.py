"""Hydra's preparation before a verb starts: the user's own ``conf`` folder, and how a sweep starts its jobs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from hydra._internal.utils import get_args_parser
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin

from sentiment_transfer.config.folder import conf_folder
from sentiment_transfer.config.prices import FILE as PRICES
from sentiment_transfer.config.search_path import folders_of
from sentiment_transfer.experiments.checked import refuse_wrong_files

OWN = "conf"  # in the working directory


class OwnFolder(SearchPathPlugin):
    """Puts ``./conf`` on Hydra's search path, behind the program's own files.

    It is registered here and not found as a plugin: other programs in the same environment use Hydra as well.
    """

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        if (own := own_folder()) is not None:
            search_path.append(provider="working directory", path=f"file://{own}")


def prepared() -> None:
    """Call before ``hydra.main``'s function, in a process whose ``sys.argv`` holds what Hydra is to read.

    Raises UserError for a configuration file that it chooses and that cannot be read.
    """
    Plugins.instance().register(OwnFolder)
    sys.argv[1:] = with_absolute_path(sys.argv[1:])
    if (own := own_folder()) is not None:
        for path in unread(own):
            print(
                f"note: {path} is not read, since the program has a file of that name: rename yours.", file=sys.stderr
            )
    given = get_args_parser().parse_known_args(sys.argv[1:])[0]
    main = Path(given.config_path) if given.config_path else conf_folder()
    searched = [Path(given.config_dir)] if given.config_dir else []
    refuse_wrong_files(sys.argv[1:], [*searched, main, *([own] if own else []), *folders_of(sys.argv[1:])])


def own_folder() -> Path | None:
    """``./conf``, unless it is the program's own."""
    own = Path(OWN).absolute()
    return own if own.is_dir() and not own.samefile(conf_folder()) else None


def unread(own: Path) -> Iterator[str]:
    """Files of ``own``, from the working directory, in front of which others of the program are found."""
    for path in sorted(own.rglob("*.yaml")):
        first = conf_folder() / path.relative_to(own)
        if first.is_file() and first.read_bytes() != path.read_bytes() and path.name != PRICES:
            yield os.path.join(OWN, path.relative_to(own))


def with_absolute_path(arguments: Sequence[str]) -> list[str]:
    """``--config-path`` starts at the working directory: Hydra would start at the module of the verb."""
    found, names = [], ("--config-path", "-cp")
    for before, argument in zip(["", *arguments], arguments, strict=False):
        name, equals, value = argument.partition("=")
        if before in names and "://" not in argument:
            found.append(os.path.abspath(argument))
        elif name in names and equals and "://" not in value:
            found.append(f"{name}={os.path.abspath(value)}")
        else:
            found.append(argument)
    return found
