"""Ctrl-C, SIGTERM and SIGHUP: the first asks training to save and stop, the second stops at once.

SIGHUP, of a terminal or a connection that is closed, may follow another or itself without anybody being impatient: it
never is the second. Where it is ignored, as under nohup, it stays so.

On SLURM, submitit has SIGUSR2 sent before the time limit or at a pre-emption, and requeues the job when it comes. Where
its handler is in place, that signal too lets training save first; ``cli.train`` then hands it on.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
REQUEUE = signal.SIGUSR2
TOLD = signal.SIGUSR1  # of several processes that share a run, only their watcher listens to the others, and tells them


class Interrupted(BaseException):
    """A signal asked the run to stop. ``saved`` says how far its state reaches; empty where nothing was to save.

    Not an Exception, so that no library's ``except Exception`` takes it for its own; not a KeyboardInterrupt,
    which Lightning answers with an exit of its own.
    """

    def __init__(self, signum: int, saved: str = "") -> None:
        super().__init__(saved)
        self.signum, self.saved = signum, saved


class StopRequest:
    """Whether a signal asked to stop, and whether there is a loop that will look.

    While ``patient`` a first signal is only noted, for the training loop to act on after the current step; at any
    other time, and the second time, it raises Interrupted where the program is.
    """

    def __init__(
        self, heard: Sequence[signal.Signals] = (*SIGNALS, REQUEUE), ignored: Sequence[signal.Signals] = ()
    ) -> None:
        self.heard, self.ignored = heard, ignored
        self.signum: int | None = None
        self.patient = False

    def handle(self, signum: int, frame: FrameType | None) -> None:
        if signum == signal.SIGHUP and self.signum is not None:
            return
        if self.patient and self.signum is None:
            self.signum = signum
            return
        self.signum = signum
        raise Interrupted(signum)

    def listen(self) -> None:
        """Take the signals over (again): Lightning puts its own SIGTERM handler in place when a fit begins."""
        if threading.current_thread() is threading.main_thread():
            for signum in self.heard:
                if signum == REQUEUE and not callable(signal.getsignal(REQUEUE)):  # nobody requeues
                    continue
                if signum == signal.SIGHUP and signal.getsignal(signum) == signal.SIG_IGN:
                    continue
                signal.signal(signum, self.handle)
            for signum in self.ignored:
                signal.signal(signum, signal.SIG_IGN)


@contextmanager
def stop_request(*, told: bool = False) -> Iterator[StopRequest]:
    """Listen for SIGNALS, or, where others are to be ``told``, for their watcher alone. The earlier handlers
    are back at the end. Off the main thread, does nothing."""
    request = StopRequest((TOLD,), (*SIGNALS, REQUEUE)) if told else StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    earlier = {signum: signal.getsignal(signum) for signum in (*request.heard, *request.ignored)}
    request.listen()
    try:
        yield request
    finally:
        for signum, handler in earlier.items():
            signal.signal(signum, handler)
