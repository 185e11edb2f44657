"""The HTTP client of huggingface_hub, with limits: on waiting, on sizes, and on what a server may name.

A server that is slow, hung or hostile gives an error in half a minute; the library alone waits an hour if told so.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from functools import cache

import httpx2
import huggingface_hub

from sentiment_transfer.errors import without_credentials
from sentiment_transfer.files.background import Background

ANSWER = 12.0  # seconds until an answer begins, which the library allows 10 for; asked for twice
PAUSE = 10  # seconds that a server may ask to wait
SLOWEST = 1_000  # bytes per second, once a body has been coming for ANSWER seconds
UNANNOUNCED = 2**26  # bytes of a body whose length was not announced: lists of files
BROKEN = 8  # downloads in a row that broke off
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


class BoundedClient(httpx2.Client):
    broken = 0  # downloads in a row that broke off
    last_fault: tuple[float, HubFault] | None = None  # which the libraries ignore at times, and ask again

    def send(self, request: httpx2.Request, *, stream: bool = False, **options: object) -> httpx2.Response:
        """The answer, once it has begun. Raises HubFault where it does not begin, or must not be used."""
        if request.method in ("PUT", "PATCH") or "/commit/" in request.url.path:
            request.extensions["timeout"] = UPLOAD.as_dict()
            return super().send(request, stream=stream, **options)  # type: ignore[arg-type]
        if self.last_fault and time.monotonic() - self.last_fault[0] < PAUSE:
            raise HubFault(str(self.last_fault[1]), lasts=True)
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
        for last in (False, True):
            work = Background(lambda: super(BoundedClient, self).send(request, stream=True, **options))  # type: ignore[arg-type]
            try:
                if work.is_done(ANSWER):
                    return work.value()
            except httpx2.TimeoutException:
                pass
            if not last:
                log.warning("%s has not answered for %.0f seconds. Trying once more.", host, ANSWER)
        raise HubFault(f"{host} has not answered for {2 * ANSWER:.0f} seconds; try again later", lasts=True)


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
