"""The process that a slot's jobs are forked from: it has imported what all of them need. Run as a script.

On standard input it reads one line of JSON per job, on the descriptor that its argument names it says what became of
it. It has no job's environment and no open files: a job's process differs from one that was started afresh by the
modules that are imported already.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import signal
import sys
from typing import Any


def say(descriptor: int, **what: object) -> None:
    os.write(descriptor, (json.dumps(what) + "\n").encode())


def serve(answers: int) -> dict[str, Any]:
    """Comes back in a child, with its job; ends the process when there are no more jobs."""
    requests = open(0, "rb", buffering=0, closefd=False)  # noqa: SIM115  unbuffered: the children share it
    first = json.loads(requests.readline())
    sys.path[:] = first["path"]
    from hydra_plugins.slots_launcher._processes import die_with, kill_group

    gc.disable()  # what is imported stays
    module, _, function = first["preload"].partition(":")
    getattr(importlib.import_module(module), function)(first["arguments"])
    gc.freeze()
    die_with_server = die_with(os.getpid())
    assert die_with_server is not None  # on Linux
    while line := requests.readline():
        pid = os.fork()
        if not pid:
            die_with_server()
            return dict(json.loads(line))
        say(answers, pid=pid)
        os.kill(first["launcher"], signal.SIGCHLD)  # which it waits for: the claim of the job names its process
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # until its status is taken, its id is nobody else's
        kill_group(pid)  # what it had started
        say(answers, code=os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        os.kill(first["launcher"], signal.SIGCHLD)
    os._exit(0)


def become(job: dict[str, Any]) -> None:
    """Have the session, streams, environment and arguments of the job's own process."""
    os.setsid()
    log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, stream in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(descriptor, stream)
    os.close(nothing)
    os.close(log)
    os.environ.clear()
    os.environ.update(job["environment"])
    gc.enable()
    sys.argv[:] = job["command"][1:]


def main() -> None:
    answers = int(sys.argv[1])
    job = serve(answers)
    os.close(answers)
    become(job)
    if sys.argv[0] == "-m":
        del sys.argv[0]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
