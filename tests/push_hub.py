"""The small hub of ``hub_server``, which knows one user by a token."""

from __future__ import annotations

from urllib.parse import urlsplit

from hub_server import Handler, TinyHub

TOKEN = "hf_tiny"


class LoginHandler(Handler):
    def _answer(self) -> None:
        if urlsplit(self.path).path != "/api/whoami-v2":
            return super()._answer()
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._error(401, "")
        self._json({"type": "user", "name": "me", "orgs": [], "auth": {"accessToken": {"role": "write"}}})


class PushHub(TinyHub):
    def handler(self) -> type[Handler]:
        return LoginHandler
