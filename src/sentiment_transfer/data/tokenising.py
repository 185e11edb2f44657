"""A tokenizer's work in bounded time: its rules come from a file, and hold regular expressions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.background import Background

SECONDS = 20.0  # for any batch, on a loaded machine as well
CHARACTERS = 100_000  # in each second more; XLM-R's rules take ten times as many

T = TypeVar("T")


def in_bounded_time(tokenise: Callable[[], T], texts: Sequence[str]) -> T:
    """The value of ``tokenise()``, which tokenises ``texts`` in Rust, without Python's lock.

    Raises UserError if it takes far longer than any tokenizer does, or if its regular expressions give up: a pattern
    such as ``(a+)+b`` tries all ways to divide a text. The work that takes too long cannot be stopped, but ends with
    this process.
    """
    work = Background(tokenise)
    limit = SECONDS + sum(map(len, texts)) / CHARACTERS
    if not work.is_done(limit):
        raise _refused(f"has not tokenised {len(texts):,} texts in {limit:.0f} seconds")
    try:
        return work.value()
    except BaseException as error:
        if is_panic(error):
            raise _refused(f"failed on a text ({str(error).splitlines()[0]})") from error
        raise


def is_panic(error: BaseException) -> bool:
    """Whether a library written in Rust gave up. Its class cannot be imported, and is no Exception."""
    return type(error).__name__ == "PanicException"


def _refused(what: str) -> UserError:
    return UserError(
        f"The tokenizer {what}: a rule in its tokenizer.json takes forever on some texts. Copy or download the model "
        "again, or name another tokenizer."
    )
