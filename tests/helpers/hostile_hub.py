"""A hub that means harm: it does not answer, answers a little at a time, or names files outside the cache."""

from __future__ import annotations

import gzip
import re
import threading
import time
from typing import Any

from tests.helpers.hub_server import Handler, TinyHub

ESCAPE = "../../../../../escaped"


class HostileHandler(Handler):
    """Behaves as the hub's ``harm`` says, towards every request, or those whose path matches ``harm_on``."""

    hub: HostileHub

    def _answer(self) -> None:
        harm = self.hub.harm if re.search(self.hub.harm_on, self.path) else None
        act = getattr(self, f"_{harm}", None) if harm else None
        if act is None:
            super()._answer()
            return
        self.hub.requests.append(f"{self.command} {self.path}")
        act()

    def _begin(self, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def _hang(self) -> None:
        self.hub.pause(self.hub.patience)
        self.close_connection = True

    def _wait(self) -> None:
        self._begin(429, Retry_After="3600", Content_Length="0")

    def _unavailable(self) -> None:
        self._begin(503, Retry_After="3600", Content_Length="0")

    def _dribble(self) -> None:
        self._file_headers(Content_Length="1000000")
        self._slowly(b"{")

    def _dribble_headers(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        self._slowly(b"X-A: b\r\n", head=True)

    def _endless(self) -> None:
        self._file_headers(Connection="close")
        self.close_connection = True
        try:
            for _ in range(0 if self.command == "HEAD" else 10_000):
                self.wfile.write(b" " * 2**20)
        except OSError:
            return

    def _bomb(self) -> None:
        body = self.hub.bomb
        self._file_headers(Content_Encoding="gzip", Content_Length=str(len(body)))
        if self.command != "HEAD":
            self.wfile.write(body)

    def _tag(self) -> None:
        self._file_headers(ETag=f'"{ESCAPE}"', Content_Length="2")
        if self.command != "HEAD":
            self.wfile.write(b"{}")

    def _linked_tag(self) -> None:
        self._file_headers(X_Linked_ETag=f'"{ESCAPE}"', Content_Length="2")
        if self.command != "HEAD":
            self.wfile.write(b"{}")

    def _commit(self) -> None:
        self._file_headers(X_Repo_Commit=ESCAPE, Content_Length="2")

    def _absent(self) -> None:
        self._begin(404, X_Error_Code="EntryNotFound", X_Repo_Commit=ESCAPE, Content_Length="0")

    def _sha(self) -> None:
        self._json({"id": "owner/tiny", "sha": ESCAPE, "siblings": [], "private": False, "tags": []})

    def _file_headers(self, **headers: str) -> None:
        given = {"ETag": '"0123"', "X_Repo_Commit": "0123456789abcdef" * 2 + "01234567", "Accept_Ranges": "bytes"}
        self._begin(**(given | headers))

    def _slowly(self, piece: bytes, head: bool = False) -> None:
        ends = time.monotonic() + self.hub.patience
        try:
            while (head or self.command != "HEAD") and time.monotonic() < ends:
                self.wfile.write(piece)
                self.hub.pause(0.2)
        except OSError:
            return
        self.close_connection = True


class HostileHub(TinyHub):
    """A ``TinyHub`` with a ``harm``: the name of one of the handler's methods, or None for an honest hub."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.harm: str | None = None
        self.harm_on = ""
        self.patience = 30.0  # seconds that a slow answer goes on for
        self.bomb = gzip.compress(b" " * 2**28, compresslevel=1)

    @staticmethod
    def pause(seconds: float) -> None:
        threading.Event().wait(seconds)  # not time.sleep, which tests shorten for the client

    def handler(self) -> type[Handler]:
        return HostileHandler
