"""The inputs of a run as its record keeps them, and whether the files that it read are still the same.

Imports nothing heavy: a finished run is looked at without torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NotRequired

from typing_extensions import TypedDict

from sentiment_transfer.files.checksums import digest


class FileFacts(TypedDict):
    """A file as it was when it was read."""

    size: int  # bytes
    modified: int  # nanoseconds since 1970
    digest: str  # XXH3 of the contents, 128 bits in hex


class Inputs(TypedDict):
    """Hashes are XXH3, 128 bits in hex. An evaluation and a mean of runs have ``reviews`` and ``files`` alone."""

    reviews: dict[str, str]  # "<dataset> <split>" -> hash of texts, labels and folds in their order
    files: dict[str, FileFacts]  # local files of the user that were read, by absolute path
    encoder: NotRequired[str]  # hash of the architecture and the weights that training started from
    embedding: NotRequired[str]  # hash of its token embedding: a trimmed run is completed from it
    adapted: NotRequired[str]  # with LoRA: hash of the weights under the adapters, which the run is completed from
    tokenizer: NotRequired[str]  # hash of its rules and vocabulary
    vocabulary: NotRequired[str]  # hash of the token ids of a trimmed vocabulary
    start: NotRequired[str]  # hash of the weights of the source run, where training went on from one
    device: NotRequired[str]  # cpu | cuda | mps
    precision: NotRequired[str]  # as resolved: 32-true, bf16-mixed, ...
    batching: NotRequired[str]  # as planned: packed | packed, fused kernels | padded
    threads: NotRequired[int]  # of torch on a CPU
    model: NotRequired[dict[str, str]]  # files of the run's model/ as they were written: name -> hash
    computed_on: NotRequired[list[str]]  # device and torch version of every attempt, each once
    code: NotRequired[dict[str, str]]  # the user's own optimiser, loss, callbacks ...: module.name -> hash of its file
    trained_in: NotRequired[str]  # run id, where another run with the same inputs had trained the weights


def file_facts(paths: Iterable[Path]) -> dict[str, FileFacts]:
    """The facts of every file in ``paths`` that exists, by absolute path; a folder stands for the files in it."""
    facts = {}
    for path in paths:
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            if file.is_file():
                found = file.stat()
                facts[str(file.absolute())] = FileFacts(
                    size=found.st_size, modified=found.st_mtime_ns, digest=_digest(file)
                )
    return facts


def changed_files(inputs: Mapping[str, object]) -> list[str]:
    """The files of a record that have other contents now. Unless size or date differ, none is read."""
    files: Mapping[str, FileFacts] = inputs.get("files") or {}  # type: ignore[assignment]
    return [path for path, facts in files.items() if _changed(Path(path), facts)]


def model_files(folder: Path) -> dict[str, str]:
    """The hashes of a run's architecture and tokenizer, by file name; weights have checksums of their own."""
    files = [path for path in sorted((folder / "model").glob("*")) if path.is_file()]
    return {path.name: _digest(path) for path in files if path.suffix != ".safetensors"}


def stale(folder: Path, inputs: Mapping[str, object]) -> str | None:
    """The sentence for a finished run in ``folder`` if a file that it was computed from has changed since."""
    changed = changed_files(inputs)
    if not changed:
        return None
    listed = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
    return (
        f"The run in {folder} is finished, but was computed from other contents of {listed}: "
        f"{'it has' if len(changed) == 1 else 'they have'} changed since. Its scores are those of the former contents. "
        "Delete the folder to run again with the present ones, or put the former ones back."
    )


def _changed(path: Path, facts: FileFacts) -> bool:
    try:
        found = path.stat()
        if (found.st_size, found.st_mtime_ns) == (facts["size"], facts["modified"]):
            return False
        return found.st_size != facts["size"] or _digest(path) != facts["digest"]
    except OSError:  # gone: nothing else can be read in its place
        return False


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return digest(file)
