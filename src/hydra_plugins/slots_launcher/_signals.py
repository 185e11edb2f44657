"""Waiting without polling: for the end of a job, for a signal to stop, or until something is due."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """``stops`` are the signals that asked to stop, in order; ``wait`` returns at any signal, SIGCHLD included."""

    def __init__(self, descriptor: int) -> None:
        self.stops: list[int] = []
        self._descriptor = descriptor

    def handle(self, signum: int, frame: FrameType | None) -> None:
        # A terminal that is closed may say so twice: SIGHUP is the first signal to stop, never the second.
        if signum != signal.SIGCHLD and not (signum == signal.SIGHUP and self.stops):
            self.stops.append(signum)

    def wait(self, seconds: float) -> None:
        if select.select([self._descriptor], [], [], max(0.0, seconds))[0]:
            os.read(self._descriptor, 4096)


@contextmanager
def listening() -> Iterator[Signals]:
    """Take the signals over, on the main thread; the earlier handlers are back at the end.

    An ignored SIGHUP stays so: nohup is there to let a sweep go on.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signals = Signals(reader)
    heard = [*STOPPING, signal.SIGCHLD]
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        heard.remove(signal.SIGHUP)
    earlier = {signum: signal.signal(signum, signals.handle) for signum in heard}
    descriptor = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield signals
    finally:
        signal.set_wakeup_fd(descriptor)
        for signum, handler in earlier.items():
            signal.signal(signum, handler)
        os.close(reader)
        os.close(writer)
