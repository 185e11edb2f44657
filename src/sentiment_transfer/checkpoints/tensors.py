"""Tensors from safetensors files, and from nothing else; what is wrong with a file is said in a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from torch import Tensor

from sentiment_transfer.errors import UserError

# How files begin that pickle can be in: zip archives (torch since 1.6), pickle protocols 2 to 5.
PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
INDEX = "model.safetensors.index.json"


def read_tensors(path: Path, again: str) -> dict[str, Tensor]:
    """Every tensor of a file, mapped into memory: what is never used is never read.

    ``again`` says how to get a whole file. Raises UserError for one that is absent, cut short, damaged or a pickle.
    """
    from safetensors.torch import load_file

    refuse_pickle(path, again)
    try:
        return load_file(path)
    except Exception as error:  # SafetensorError, OSError and what else its Rust core raises over damaged headers
        raise UserError(_damaged(path, error, again)) from error


def read_tensor(paths: Iterable[Path], ending: str, again: str) -> Tensor | None:
    """The tensor whose name is ``ending`` or ends in a dot and ``ending``, from the first of the files that has one."""
    from safetensors import safe_open

    for path in paths:
        refuse_pickle(path, again)
        try:
            with safe_open(path, "pt") as file:
                for name in file.keys():  # noqa: SIM118  not a dict
                    if name == ending or name.endswith("." + ending):
                        return file.get_tensor(name)
        except Exception as error:
            raise UserError(_damaged(path, error, again)) from error
    return None


def shards(folder: Path) -> list[Path]:
    """The safetensors files of a saved model, in the order of its index where it has one."""
    index = folder / INDEX
    if not index.is_file():
        return sorted(folder.glob("*.safetensors"))
    try:
        names = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
        return [folder / Path(name).name for name in dict.fromkeys(names)]
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise UserError(f"{index} is damaged ({error}). Copy or download the folder again.") from error


def refuse_pickle(path: Path, again: str) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise UserError(f"The weights {path} cannot be opened: {error.strerror or error}. {again}") from error
    if start.startswith(PICKLES):
        raise UserError(
            f"{path} is a pickle or a zip archive under the name of a safetensors file. Pickles can run any code and "
            f"are never loaded. {again}"
        )


def _damaged(path: Path, error: Exception, again: str) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return f"The weights {path} are damaged or were cut short ({lines[0]}). {again}"
