"""The small hub of ``hub_server``, to which one can log in and upload: what ``HfApi.upload_folder`` asks of a hub."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import urlsplit

from tests.helpers.hub_server import COMMIT, Handler, TinyHub

TOKEN = "hf_tiny"
UPLOAD = re.compile(r"/api/models/(?P<repo>[^/]+/[^/]+)/(?P<verb>preupload|commit)/main")


class UploadHandler(Handler):
    def _answer(self) -> None:
        route = urlsplit(self.path).path
        upload = UPLOAD.fullmatch(route)
        if route not in ("/api/whoami-v2", "/api/repos/create", "/api/validate-yaml") and not upload:
            return super()._answer()
        body = self._body()
        self.hub.requests.append(f"{self.command} {route}")
        if route == "/api/validate-yaml":  # of the card's metadata
            return self._json({"errors": [], "warnings": []})
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._error(401, "")
        if self.hub.strikes("500", route):
            return self._error(500, "")
        if route == "/api/whoami-v2":
            return self._json({"type": "user", "name": "me", "orgs": [], "auth": {"accessToken": {"role": "write"}}})
        if upload is None:
            return self._create(json.loads(body))
        if upload["verb"] == "preupload":
            files = [file["path"] for file in json.loads(body)["files"]]
            return self._json({"files": [{"path": f, "uploadMode": "regular", "shouldIgnore": False} for f in files]})
        return self._commit(upload["repo"], [json.loads(line) for line in body.splitlines()])

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _create(self, asked: dict[str, Any]) -> None:
        repository = f"{asked.get('organization') or 'me'}/{asked['name']}"
        if (self.hub.root / "models" / repository).exists():
            return self._json({"error": "You already created this", "url": f"{self.hub.url}/{repository}"}, 409)
        (self.hub.root / "models" / repository).mkdir(parents=True)
        (self.hub.root / "visibility.json").write_text(json.dumps({repository: asked.get("visibility") == "private"}))
        self._json({"url": f"{self.hub.url}/{repository}"})

    def _commit(self, repository: str, lines: list[dict[str, Any]]) -> None:
        folder = self.hub.root / "models" / repository
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                (folder / value["path"]).parent.mkdir(parents=True, exist_ok=True)
                (folder / value["path"]).write_bytes(base64.b64decode(value["content"]))
            elif line["key"] == "deletedFile":
                (folder / value["path"]).unlink()
        self._json({"commitUrl": f"{self.hub.url}/{repository}/commit/{COMMIT}", "commitOid": COMMIT})


class PushHub(TinyHub):
    def handler(self) -> type[Handler]:
        return UploadHandler
