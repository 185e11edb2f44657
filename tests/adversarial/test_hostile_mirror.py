"""A mirror of the dataset files that hangs, floods or asks to wait: a sentence within seconds, and no file."""

from __future__ import annotations

import gc
import gzip
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sentiment_transfer.data import download
from sentiment_transfer.errors import UserError

BOMB = gzip.compress(b" " * 2**28, compresslevel=1)


class Handler(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        getattr(self, self.path.rsplit("/", 1)[-1].removesuffix(".csv"))()

    def hang(self) -> None:
        threading.Event().wait(5)

    def wait(self) -> None:
        self.send_response(503)
        self.send_header("Retry-After", "3600")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def bomb(self) -> None:
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(BOMB)))
        self.end_headers()
        self.wfile.write(BOMB)

    def flood(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            for _ in range(1_000):
                self.wfile.write(b" " * 2**20)
        except OSError:
            return

    def dribble(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        try:
            for _ in range(50):
                self.wfile.write(b"a")
                threading.Event().wait(0.1)
        except OSError:
            return

    def turn(self) -> None:  # to itself, for ever
        self.send_response(302)
        self.send_header("Location", self.path)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture(scope="module")
def mirror() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


# pooch leaves the response of a failed download to the garbage collector, hence the socket (pooch 1.9.0).
@pytest.mark.filterwarnings("ignore:.*socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(
    ("harm", "words"),
    [
        ("hang", "cannot be reached"),
        ("wait", "answered 503"),
        ("bomb", "larger than 16,777,216 bytes"),
        ("flood", "larger than 16,777,216 bytes"),
        ("dribble", "bytes in 1 seconds; try again later"),
        ("turn", "cannot be reached"),
    ],
)
def test_a_hostile_mirror_gives_a_sentence_soon(
    harm: str, words: str, mirror: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(download, "TIMEOUT", 2)
    monkeypatch.setattr(download, "STALLED", 1 if harm == "dribble" else 10)
    started = time.monotonic()
    with pytest.raises(UserError, match=words) as caught:
        download.fetch({f"{harm}.csv": "0" * 64}, f"{mirror}/{harm}.csv", tmp_path, "By hand.", "MIT")
    assert time.monotonic() - started < 10
    del caught
    gc.collect()
    assert [path.name for path in tmp_path.iterdir() if not path.name.endswith(".lock")] == []


def test_a_hung_mirror_is_waited_for_less_than_half_a_minute() -> None:
    assert max(download.TIMEOUT, download.STALLED) < 30
