"""Work that may never end, such as asking a server or trying a regular expression, beside a caller that gives up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Background(Generic[T]):
    """``work()`` in a thread that ends with this process, if not before."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._values: list[T] = []
        self._errors: list[BaseException] = []

        def run() -> None:
            try:
                self._values.append(work())
            except BaseException as error:
                self._errors.append(error)

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    def is_done(self, seconds: float) -> bool:
        """Whether the work has ended, after waiting for it for at most ``seconds``."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def value(self) -> T:
        """Of work that is done; raises what the work raised."""
        if self._errors:
            raise self._errors[0]
        return self._values[0]
