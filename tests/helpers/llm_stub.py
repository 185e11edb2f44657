"""A scripted OpenAI-compatible server on 127.0.0.1, with the faults that real ones have."""

from __future__ import annotations

import json
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "stub-1"
FAULTS = ("429", "500", "slow", "cut", "json", "shape")


def review_of(body: dict[str, Any]) -> str:
    """The text that the last message of a request holds."""
    return str(body["messages"][-1]["content"])


def by_length(body: dict[str, Any]) -> str:
    """An answer that depends on the review alone."""
    return "positive" if len(review_of(body)) % 2 else "negative"


@dataclass
class Stub:
    """``answer`` gives the text for a request's body, ``fault`` the fault of the n-th request (from 0), or none.

    ``seen`` counts the requests by body, ``answered`` those that were answered in full.
    """

    answer: Callable[[dict[str, Any]], str | None] = by_length
    fault: Callable[[int], str | None] = lambda number: None
    logprobs: bool = True
    models: tuple[str, ...] = (MODEL,)
    key: str | None = None  # the one that is accepted; None: any
    usage: bool = True
    retry_after: str = "0.05"
    reject: str = ""  # a field that is refused with 400
    seen: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    def choice(self, body: dict[str, Any]) -> dict[str, Any]:
        text = self.answer(body)
        choice: dict[str, Any] = {
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "finish_reason": "stop",
        }
        if self.logprobs and body.get("logprobs") and text:
            other = {"positive": "negative", "negative": "positive"}.get(text, "positive")
            top = [
                {"token": token, "bytes": list(token.encode()), "logprob": math.log(p)}
                for token, p in ((text, 0.75), (other, 0.2))
            ]
            choice["logprobs"] = {"content": [{**top[0], "top_logprobs": top}]}
        return choice

    def completion(self, body: dict[str, Any]) -> dict[str, Any]:
        usage = {"prompt_tokens": len(json.dumps(body["messages"])) // 4, "completion_tokens": 1}
        answer = {"id": "1", "object": "chat.completion", "model": MODEL, "choices": [self.choice(body)]}
        return answer | ({"usage": usage} if self.usage else {})


class Handler(BaseHTTPRequestHandler):
    stub: Stub
    lock: threading.Lock
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # an answer is written in two parts, between which it would wait for 40 ms

    def log_message(self, *_: object) -> None:
        pass

    def reply(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def error(self, status: int, message: str, **headers: str) -> None:
        self.reply(status, json.dumps({"error": {"message": message}}).encode(), **headers)

    def refused(self) -> bool:
        wanted = self.stub.key
        if wanted is None or self.headers.get("Authorization") == f"Bearer {wanted}":
            return False
        self.error(401, "Incorrect API key provided")
        return True

    def do_GET(self) -> None:
        if not self.refused():
            listed = [{"id": name, "object": "model", "created": 0, "owned_by": "tests"} for name in self.stub.models]
            self.reply(200, json.dumps({"object": "list", "data": listed}).encode())

    def do_POST(self) -> None:
        stub = self.stub
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        if self.refused():
            return
        body = json.loads(raw)
        name = json.dumps(body, sort_keys=True)
        with self.lock:
            number = stub.seen.total()
            stub.seen[name] += 1
            stub.headers.append({name.lower(): value for name, value in self.headers.items()})
            stub.bodies.append(body)
            fault = stub.fault(number)
            if fault:
                stub.faults[fault] += 1
        if stub.reject and stub.reject in body:
            return self.error(400, f"unsupported field: {stub.reject}")
        if not self.path.endswith("/chat/completions"):
            return self.error(404, "no such path")
        if body["model"] not in stub.models:
            return self.error(404, f"The model {body['model']} does not exist")
        content = json.dumps(stub.completion(body)).encode()
        if fault == "429":
            return self.error(429, "slow down", Retry_After=stub.retry_after)
        if fault == "500":
            return self.error(500, "internal", Retry_After="0.01")
        if fault == "slow":
            time.sleep(0.3)
        if fault == "json":
            return self.reply(200, b"<html>gateway</html>")
        if fault == "shape":
            return self.reply(200, b'{"choices": []}')
        if fault == "cut":
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
            return None
        self.reply(200, content)
        with self.lock:
            stub.answered[name] += 1
        return None


@contextmanager
def served(stub: Stub | None = None) -> Iterator[Stub]:
    """``stub`` (default: without faults) at its ``url``, until the block ends."""
    stub = stub or Stub()
    handler = type("OwnHandler", (Handler,), {"stub": stub, "lock": threading.Lock()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    stub.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
