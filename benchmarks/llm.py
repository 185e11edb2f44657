"""Overhead of asking a language model: python -m benchmarks.llm

1,000 requests, one after the other, to a scripted server in a process of its own, less the same exchange over a plain
connection: the client, the parsing of answers and keeping them.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import multiprocessing
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

from tests.helpers.llm_stub import served
from tests.llm.asker import ask, questions

COUNT = 1_000


def serve(pipe: Connection) -> None:
    with served() as stub:
        pipe.send(stub.url)
        pipe.recv()


def plain(url: str, count: int) -> float:
    """Seconds of ``count`` exchanges over one connection."""
    connection, begun = http.client.HTTPConnection(urlsplit(url).netloc), time.perf_counter()
    for body in questions(url, count).values():
        connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
        connection.getresponse().read()
    connection.close()
    return time.perf_counter() - begun


def asked(url: str, count: int, concurrency: int) -> float:
    with tempfile.TemporaryDirectory() as cache:
        begun = time.perf_counter()
        asyncio.run(ask(url, Path(cache), count, concurrency))
        return time.perf_counter() - begun


def main() -> None:
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,))
    server.start()
    url = here.recv()
    plain(url, 50), asked(url, 50, 1)  # warm up
    bare, one, eight = plain(url, COUNT), asked(url, COUNT, 1), asked(url, COUNT, 8)
    print(f"one after the other: {1000 * (one - bare) / COUNT:.2f} ms a request beyond {1000 * bare / COUNT:.2f} ms")
    print(f"eight at once: {COUNT / eight:,.0f} requests a second")
    here.send(None)
    server.join()


if __name__ == "__main__":
    main()
