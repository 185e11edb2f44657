"""The HTTP client of huggingface_hub, with limits: on waiting, on sizes, and on what a server may name.

A server that is slow, hung or hostile gives an error in half a minute; the library alone waits an hour if told so. One
that cannot be reached is asked once: the library alone asks six times for every file.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx2
import huggingface_hub
from huggingface_hub.errors import OfflineModeIsEnabled

from sentiment_transfer.errors import without_credentials
from sentiment_transfer.files.background import Background

ANSWER = 12.0  # seconds until an answer begins, which the library allows 10 for; asked for twice
FIRST = 10.0  # seconds until the first answer of a host, asked for once
UNREACHABLE = 60.0  # seconds for which a host that was not reached is not asked again
PAUSE = 10  # seconds that a server may ask to wait
SLOWEST = 1_000  # bytes per second, once a body has been coming for ANSWER seconds
UNANNOUNCED = 2**26  # bytes of a body whose length was not announced: lists of files
BROKEN = 8  # downloads in a row that broke off
PROXIES = ("HTTPS_PROXY", "ALL_PROXY", "HTTP_PROXY")
UPLOAD = httpx2.Timeout(ANSWER, read=120.0, write=120.0)  # the answer begins when all has been sent
# Of a file, as the cache uses them for its own file names.
TAG, COMMIT = re.compile(r"[\w.+=:-]*"), re.compile(r"[0-9a-f]{40}")
TAGS = ("ETag", "X-Linked-ETag")
OF_FILES = "X-Repo-Commit"

log = logging.getLogger(__name__)


class HubFault(httpx2.TransportError):
    """A server behaves as no hub does. The message is a clause about it. As for any error of the network but those that
    may pass, the libraries then look into the cache, and do not ask again."""

    def __init__(self, clause: str, *, lasts: bool = False) -> None:
        super().__init__(clause)
        self.lasts = lasts  # so that asking it again would only wait again


class NoConnection(HubFault, OfflineModeIsEnabled):
    """A server was not reached, or has never answered. As when offline mode is set, the libraries then take what is in
    the cache, and do not ask again."""


class BoundedClient(httpx2.Client):
    broken = 0  # downloads in a row that broke off
    last_fault: tuple[float, HubFault] | None = None  # which the libraries ignore at times, and ask again

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.answered: set[str] = set()  # hosts
        self.unreachable: dict[str, tuple[float, str]] = {}  # host -> when it was last asked, and what came of it

    def send(self, request: httpx2.Request, *, stream: bool = False, **options: object) -> httpx2.Response:
        """The answer, once it has begun. Raises HubFault where it does not begin, or must not be used."""
        if request.method in ("PUT", "PATCH") or "/commit/" in request.url.path:
            request.extensions["timeout"] = UPLOAD.as_dict()
            return super().send(request, stream=stream, **options)  # type: ignore[arg-type]
        if self.last_fault and time.monotonic() - self.last_fault[0] < PAUSE:
            raise HubFault(str(self.last_fault[1]), lasts=True)
        asked, clause = self.unreachable.get(request.url.host, (-UNREACHABLE, ""))
        if clause and time.monotonic() - asked < UNREACHABLE:
            raise NoConnection(clause)
        try:
            return self._checked(request, stream, options)
        except HubFault as fault:
            self.remember(fault)
            raise

    def remember(self, fault: HubFault) -> None:
        if fault.lasts:
            self.last_fault = (time.monotonic(), fault)

    def _checked(self, request: httpx2.Request, stream: bool, options: dict[str, object]) -> httpx2.Response:
        response = self._answer(request, options)
        try:
            for each in (*response.history, response):
                refuse(each)
            response.stream = Watched(response, self)
            if not stream:
                response.read()
        except BaseException:
            response.close()
            raise
        return response

    def _answer(self, request: httpx2.Request, options: dict[str, object]) -> httpx2.Response:
        host = without_credentials(f"{request.url.scheme}://{request.url.netloc.decode()}")
        known = request.url.host in self.answered
        patience = (ANSWER, ANSWER) if known else (min(FIRST, ANSWER),)
        for left, seconds in zip(reversed(range(len(patience))), patience, strict=True):
            work = Background(lambda: super(BoundedClient, self).send(request, stream=True, **options))  # type: ignore[arg-type]
            try:
                if work.is_done(seconds):
                    response = work.value()
                    self.answered.add(request.url.host)
                    return response
            except httpx2.TimeoutException:
                pass
            except (httpx2.ConnectError, httpx2.ProxyError) as error:
                if known:  # and lost for a moment: the library tries again
                    raise
                raise self._unreached(request, _unreachable(error)) from error
            if left:
                log.warning("%s has not answered for %.0f seconds. Trying once more.", host, seconds)
        clause = f"{host} has not answered for {sum(patience):.0f} seconds; try again later"
        raise HubFault(clause, lasts=True) if known else self._unreached(request, clause)

    def _unreached(self, request: httpx2.Request, clause: str) -> NoConnection:
        self.unreachable[request.url.host] = (time.monotonic(), clause)
        return NoConnection(clause)


def _unreachable(error: httpx2.TransportError) -> str:
    where = "it is not in the local Hugging Face cache and the hub cannot be reached"
    proxy = next((name for name in PROXIES if os.environ.get(name) or os.environ.get(name.lower())), None)
    if isinstance(error, httpx2.ProxyError):
        return f"{where}: the proxy refuses ({without_credentials(str(error))}); check {proxy or 'its settings'}"
    return f"{where}; check the network{f', and the proxy in {proxy}' if proxy else ''}"


class Watched(httpx2.SyncByteStream):
    """The body of a response, raw."""

    def __init__(self, response: httpx2.Response, client: BoundedClient) -> None:
        self.body, self.client = response.stream, client
        self.announced = "Content-Length" in response.headers

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._chunks()
        except HubFault as fault:
            self.client.remember(fault)
            raise

    def _chunks(self) -> Iterator[bytes]:
        started, size = time.monotonic(), 0
        try:
            for chunk in self.body:  # type: ignore[union-attr]
                size += len(chunk)
                self._refuse(size, time.monotonic() - started)
                yield chunk
            self.client.broken = 0
        except HubFault:
            raise
        except httpx2.TransportError as error:
            if isinstance(error, httpx2.TimeoutException):
                self._refuse(size, max(ANSWER, time.monotonic() - started))
            self.client.broken += 1
            if self.client.broken > BROKEN:
                raise HubFault(
                    f"the download broke off {self.client.broken} times in a row; try again later"
                ) from error
            raise

    def _refuse(self, size: int, seconds: float) -> None:
        if seconds >= ANSWER and size < SLOWEST * seconds:
            raise HubFault(f"the server has sent {size:,} bytes in {seconds:.0f} seconds; try again later", lasts=True)
        if not self.announced and size > UNANNOUNCED:
            raise HubFault(f"the server has sent {size:,} bytes without announcing any: no hub does that")

    def close(self) -> None:
        self.body.close()  # type: ignore[union-attr]


def refuse(response: httpx2.Response) -> None:
    """Raises HubFault for an answer that asks to wait for long, is compressed, or names a file outside the cache."""
    headers = response.headers
    wanted = headers.get("Retry-After", "") if response.status_code >= 400 else ""
    limits = re.search(r"\bt=(\d+)", headers.get("ratelimit", "")) if response.status_code == 429 else None
    seconds = max([int(text) for text in (wanted, limits[1] if limits else "") if text.isdigit()], default=0)
    if seconds > PAUSE:
        raise HubFault(f"the server answers {response.status_code} and asks to wait {seconds:,} seconds", lasts=True)
    if (coding := headers.get("Content-Encoding", "identity")) != "identity":
        raise HubFault(f"the server sends content compressed with {coding[:20]}, which was not asked for")
    if OF_FILES not in headers:
        return
    if not COMMIT.fullmatch(headers[OF_FILES]):
        raise HubFault(f"the server names {headers[OF_FILES][:60]!r} as a commit, which is none")
    for name in TAGS:
        tag = headers.get(name, "").removeprefix("W/").strip('"')
        if not TAG.fullmatch(tag) or tag.startswith(".") or len(tag) > 200:
            raise HubFault(f"the server names {tag[:60]!r} as the tag of a file, which would lead out of the cache")


@cache
def limit_the_hub() -> None:
    """Have huggingface_hub, and what is built on it, use this client in this process."""
    from huggingface_hub import constants
    from huggingface_hub.utils.logging import disable_propagation

    disable_propagation()  # it prints its warnings itself: with the run's log they would stand there twice
    huggingface_hub.set_client_factory(_client)
    if not constants.HUGGINGFACE_CO_URL_HOME.startswith(constants.ENDPOINT):
        # Xet's client, in Rust, has no limits, and goes to whichever server a mirror names. The files come by HTTP too.
        constants.HF_HUB_DISABLE_XET = True


def _client() -> BoundedClient:
    from huggingface_hub.utils import _http

    return BoundedClient(
        event_hooks={"request": [_http.hf_request_event_hook]},
        follow_redirects=True,
        timeout=ANSWER,
        headers={"Accept-Encoding": "identity"},  # a few bytes may unpack to any size
    )
