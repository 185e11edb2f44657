"""A small Hugging Face hub on 127.0.0.1, so that tests load models and datasets as a user does, without a network.

It serves ``root/models/{owner}/{name}/...`` and ``root/datasets/{owner}/{name}/...`` on the routes that
huggingface_hub 2.x, transformers and datasets ask for, and can be told to answer 404, 500 or half a file::

    with TinyHub(root) as hub:
        environment = os.environ | hub.environment(tmp_path / "home")   # for a subprocess
        hub.fault, hub.fault_on = "half", "*.safetensors"
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

Fault = Literal["404", "500", "half"]
COMMIT = "0123456789abcdef0123456789abcdef01234567"

REPO = r"(?P<repo>[^/]+/[^/]+)"
API = re.compile(
    rf"/api/(?P<kind>models|datasets)/{REPO}(/(?P<verb>revision|tree|paths-info)/(?P<rev>[^/]+)(/(?P<path>.+))?)?"
)
RESOLVE = re.compile(rf"/((?P<kind>datasets)/)?{REPO}/resolve/(?P<rev>[^/]+)/(?P<path>.+)")


class TinyHub:
    """A hub over a folder.

    Attributes:
        fault: what to answer instead of the truth: ``"404"``, ``"500"``, or ``"half"`` (the body stops in the
            middle while the headers promise all of it); None for an honest hub.
        fault_on: pattern of the file paths inside a repository that the fault hits; with ``"*"`` a 404 or 500
            hits every other route as well.
        requests: ``"METHOD path"`` of everything that was asked, in order.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.fault: Fault | None = None
        self.fault_on = "*"
        self.requests: list[str] = []
        hub = self

        class BoundHandler(self.handler()):  # type: ignore[misc]
            pass

        BoundHandler.hub = hub
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), BoundHandler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def handler(self) -> type[Handler]:
        return Handler

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def environment(self, home: Path) -> dict[str, str]:
        """Variables that point a fresh process at this hub, with an empty cache under ``home``."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_OFFLINE": "0",
            "NO_PROXY": "127.0.0.1",
        }

    def __enter__(self) -> TinyHub:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def strikes(self, fault: Fault, path: str | None) -> bool:
        """Whether ``fault`` is on for this file, or (``path`` None) for a route that is not a file."""
        return self.fault == fault and (self.fault_on == "*" or (path is not None and fnmatch(path, self.fault_on)))


class Handler(BaseHTTPRequestHandler):
    hub: TinyHub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        route = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.hub.requests.append(f"{self.command} {route.path}")
        if api := API.fullmatch(route.path):
            self._api(api, parse_qs(route.query), body)
        elif file := RESOLVE.fullmatch(route.path):
            self._file(file)
        else:
            self._error(404, "")

    def _repo(self, match: re.Match[str]) -> Path | None:
        folder = self.hub.root / (match["kind"] or "models") / match["repo"]
        if folder.is_dir():
            return folder
        self._error(404, "RepoNotFound")
        return None

    def _api(self, match: re.Match[str], query: dict[str, list[str]], body: bytes) -> None:
        if self._struck(None):
            return
        folder = self._repo(match)
        if folder is None:
            return
        path = unquote(match["path"] or "")
        if match["verb"] == "tree":
            if not (folder / path).is_dir():
                return self._error(404, "EntryNotFound")
            recursive = query.get("recursive", ["false"])[0].lower() in ("true", "1")
            found = sorted((folder / path).rglob("*") if recursive else (folder / path).iterdir())
            self._json([entry(folder, item) for item in found])
        elif match["verb"] == "paths-info":
            asked = [folder / name for name in asked_paths(body)]
            self._json([entry(folder, item) for item in asked if item.exists()])
        else:
            files = [str(item.relative_to(folder)) for item in sorted(folder.rglob("*")) if item.is_file()]
            self._json(
                {
                    "_id": COMMIT[:24],
                    "id": match["repo"],
                    "sha": commit(match["rev"]),
                    "private": False,
                    "gated": False,
                    "disabled": False,
                    "tags": [],
                    "siblings": [{"rfilename": name} for name in files],
                }
            )

    def _file(self, match: re.Match[str]) -> None:
        path = unquote(match["path"])
        if self._struck(path):
            return
        folder = self._repo(match)
        if folder is None:
            return
        file = folder / path
        if not file.is_file():
            return self._error(404, "EntryNotFound", commit(match["rev"]))
        content = file.read_bytes()
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")[0])
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", commit(match["rev"]))
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.hub.strikes("half", path):
            content = content[: len(content) // 2]
            self.close_connection = True
        self.wfile.write(content[start:])

    def _struck(self, path: str | None) -> bool:
        if self.hub.strikes("404", path):
            self._error(404, "RepoNotFound" if self.hub.fault_on == "*" else "EntryNotFound", COMMIT)
            return True
        if self.hub.strikes("500", path):
            self._error(500, "")
            return True
        return False

    def _error(self, status: int, code: str, revision: str = "") -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        if revision:
            self.send_header("X-Repo-Commit", revision)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _json(self, value: Any, status: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def commit(revision: str | None) -> str:
    return revision if revision and re.fullmatch("[0-9a-f]{40}", revision) else COMMIT


def asked_paths(body: bytes) -> list[str]:
    if body.startswith(b"{"):
        return list(json.loads(body)["paths"])
    return parse_qs(body.decode()).get("paths", [])


def entry(folder: Path, item: Path) -> dict[str, Any]:
    path = str(item.relative_to(folder))
    if item.is_dir():
        return {"type": "directory", "oid": COMMIT, "size": 0, "path": path}
    oid = hashlib.sha1(item.read_bytes()).hexdigest()
    return {"type": "file", "oid": oid, "size": item.stat().st_size, "path": path}
