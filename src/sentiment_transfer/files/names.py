"""Names that become parts of paths: of datasets, models and files, read from records, configurations and indexes."""

from __future__ import annotations

import difflib
import re
from contextlib import suppress
from pathlib import Path

from sentiment_transfer.errors import UserError

LONGEST = 200  # bytes; a file name has 255, with the endings that are added to it


def file_name(name: object, what: str) -> str:
    """``name``, which leads nowhere but to a file in the folder that it is put behind.

    ``what`` says whose it is: "the dataset", "a weights file of /path". Raises UserError for anything else than the
    name of one file: ``../x``, ``/x``, ``..``, an empty or an endless one, or no text.
    """
    text = name if isinstance(name, str) else ""
    separate = any(character in "/\\" or not character.isprintable() for character in text)
    if not text or separate or text in (".", "..") or len(text.encode(errors="replace")) > LONGEST:
        raise UserError(
            f"The name {str(name)[:LONGEST]!r} of {what} is refused: it becomes a part of paths. Use letters, digits, "
            "dots, dashes and underscores, and no slash."
        )
    return text


HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)
# Of files that people have a model in, whatever the case.
MODEL_FILE = re.compile(r"\.(ckpt|pt|pth|bin|safetensors|onnx|h5|pkl|json|zip|gz|tar|tgz)$", re.IGNORECASE)


def is_path(name: str, *, in_folder: bool = False) -> bool:
    """True if ``name``, which is no folder here, cannot be a repository of the hub: nobody is to be asked for it.

    A repository's name has at most one slash and no blank or backslash, starts with neither dot, slash nor tilde, and
    is not that of a file here, or of any that holds weights. ``in_folder``: its first part is no folder here, either.
    """
    if not HUB_NAME.fullmatch(name) or name.startswith(".") or MODEL_FILE.search(name):
        return True
    return Path(name).exists() or (in_folder and "/" in name and Path(name).parent.is_dir())


def no_such_path(what: str, name: str) -> str:
    """The sentence for a path that leads nowhere, with the names beside it that are near."""
    path = Path(name).expanduser()
    if path.is_file():
        return f"{what} is a file: name the folder that contains it."
    beside: list[str] = []
    with suppress(OSError):
        beside = [each.name for each in sorted(path.parent.iterdir()) if not each.name.startswith(".")]
    by_lower = {each.lower(): each for each in reversed(beside)}
    near = [by_lower[each] for each in difflib.get_close_matches(path.name.lower(), by_lower, n=3, cutoff=0.6)]
    written = [str(Path(name).parent / each) for each in near]
    if "\\" in name and Path(there := name.replace("\\", "/")).expanduser().exists():
        written = [there]
    meant = f" Did you mean {', '.join(written)}?" if written else ""
    where = "" if Path(name).is_absolute() or name.startswith("~") else f" Relative paths start at {Path.cwd()}."
    return f"{what} does not exist.{meant}{where}"
