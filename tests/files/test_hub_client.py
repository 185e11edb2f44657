"""A hub that is not there is asked once."""

from __future__ import annotations

import socket

import httpx2
import pytest

from sentiment_transfer.files.hub_client import BoundedClient, NoConnection
from sentiment_transfer.files.hub_errors import hub_reason


def test_a_host_that_was_not_reached_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def refuse(self: httpx2.Client, request: httpx2.Request, **options: object) -> httpx2.Response:
        asked.append(request.url.host)
        raise httpx2.ConnectError("[Errno -2] Name or service not known")

    monkeypatch.setattr(httpx2.Client, "send", refuse)
    client = BoundedClient()
    for address in ("https://hub.invalid/a", "https://hub.invalid/b", "https://other.invalid/a"):
        with pytest.raises(NoConnection) as raised:
            client.send(httpx2.Request("HEAD", address))
        assert "the hub cannot be reached; check the network" in hub_reason(raised.value)
    assert asked == ["hub.invalid", "other.invalid"]


def test_a_host_that_never_answers_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentiment_transfer.files.hub_client.FIRST", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(NoConnection, match="has not answered"):
        BoundedClient(trust_env=False).send(httpx2.Request("HEAD", f"http://127.0.0.1:{server.getsockname()[1]}/"))
