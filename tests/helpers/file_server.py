"""A server of one file on this machine, that may fail like others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FileServer:
    """Answers every path with ``content``, or as the last part of the path says: 404, 500, half.

    ``status`` is of the other paths; ``asked`` lists all.
    """

    def __init__(self, content: bytes) -> None:
        self.content, self.status = content, 200
        self.asked: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:
                pass

            def do_GET(self) -> None:
                server.asked.append(self.path)
                name = self.path.partition("?")[0].rsplit("/", 1)[-1]
                self.send_response(int(name) if name.isdigit() else server.status)
                self.send_header("Content-Length", str(len(server.content)))
                self.end_headers()
                self.wfile.write(server.content[: len(server.content) // 2] if name == "half" else server.content)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.block_on_close = False
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@contextmanager
def serving(content: bytes) -> Iterator[FileServer]:
    web = FileServer(content)
    thread = threading.Thread(target=web.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield web
    finally:
        web.server.shutdown()
        web.server.server_close()
        thread.join()
