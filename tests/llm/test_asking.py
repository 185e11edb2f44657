"""Asking a server: faults are retried, answers are kept whatever happens to the process, and errors are sentences."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.helpers.llm_stub import FAULTS, MODEL, Stub, served
from tests.helpers.runs import ROOT
from tests.llm.asker import ask, questions

from sentiment_transfer.config.llm_options import LlmConfig
from sentiment_transfer.config.prices import ModelPrice
from sentiment_transfer.errors import UserError
from sentiment_transfer.llm.answers import FILE, AnswerStore, answer_key
from sentiment_transfer.llm.asking import Spending, ask_all
from sentiment_transfer.llm.reply import Reply
from sentiment_transfer.llm.server import MALFORMED_TRIES, Server, host_of, is_loopback

pytest.importorskip("openai", reason="openai is not installed: pip install 'sentiment-transfer[llm]'")


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def kept(cache: Path) -> AnswerStore:
    return AnswerStore(cache)


def asked(stub: Stub, cache: Path, count: int = 20, **options: object) -> dict[str, Reply]:
    async def run() -> dict[str, Reply]:
        server = Server(LlmConfig(**{"base_url": stub.url, "model": MODEL} | options))  # type: ignore[arg-type]
        store = AnswerStore(cache)
        try:
            await server.check()
            return await ask_all(server, store, questions(stub.url, count), Spending(None, None))
        finally:
            store.close()
            await server.close()

    return asyncio.run(run())


def test_every_question_is_asked_once_and_no_more_the_next_time(tmp_path: Path) -> None:
    with served() as stub:
        replies = asked(stub, tmp_path)
        assert len(replies) == 20 and set(stub.seen.values()) == {1}
        assert asked(stub, tmp_path) == replies
        assert stub.seen.total() == 20
        more = asked(stub, tmp_path, count=25)
        assert stub.seen.total() == 25 and more.items() >= replies.items()


@pytest.mark.parametrize("fault", FAULTS)
def test_what_fails_for_the_moment_is_asked_again(fault: str, tmp_path: Path) -> None:
    stub = Stub(fault=lambda number: fault if number % 4 == 0 and number < 12 else None)
    with served(stub):
        replies = asked(stub, tmp_path, concurrency=1)
    assert len(replies) == 20 and stub.faults[fault] == 3
    assert all(reply.text in ("positive", "negative") for reply in replies.values())


def test_the_pause_that_a_server_asks_for_is_kept(tmp_path: Path) -> None:
    stub = Stub(fault=lambda number: "429" if number == 0 else None, retry_after="1.2")
    with served(stub):
        began = time.monotonic()
        asked(stub, tmp_path, count=1)
    assert 1.2 <= time.monotonic() - began < 5


def test_one_thousand_requests_with_faults_and_five_kills_are_answered_once(tmp_path: Path) -> None:
    chance = random.Random(0)
    stub = Stub(fault=lambda number: chance.choice(FAULTS) if chance.random() < 0.2 else None)
    count, concurrency, kills = 1_000, 8, 5
    before: list[set[str]] = []
    with served(stub):
        command = [sys.executable, "-m", "tests.llm.asker", stub.url, str(tmp_path), str(count), str(concurrency)]
        environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
        sent: list[int] = []
        for attempt in range(kills + 1):
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
            if attempt == kills:
                _, errors = process.communicate(timeout=120)
                assert process.returncode == 0, errors
                break
            goal = stub.answered.total() + 120
            while stub.answered.total() < goal:
                assert process.poll() is None, process.communicate()[1]
                time.sleep(0.005)
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            time.sleep(0.5)  # until what was under way has reached the stub
            store = AnswerStore(tmp_path)
            before.append(
                {
                    json.dumps(body, sort_keys=True)
                    for key, body in questions(stub.url, count).items()
                    if store.find([key])
                }
            )
            store.close()
            sent.append(len(stub.bodies))
    store = AnswerStore(tmp_path)
    assert len(store.find(questions(stub.url, count))) == count
    assert len(before[-1]) > 400  # the kills came while it was at work
    for known, position in zip(before, sent, strict=True):
        later = {json.dumps(body, sort_keys=True) for body in stub.bodies[position:]}
        assert not later & known  # nothing that was kept is asked again
    again = sum(times - 1 for times in stub.answered.values())
    assert again <= kills * concurrency  # those under way when the process was killed
    assert stub.faults.total() > 100 and len(stub.faults) == len(FAULTS)


def test_a_damaged_store_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.parent.mkdir()
    path.write_bytes(b"no database" * 100)
    with pytest.raises(UserError, match="move it away"):
        AnswerStore(tmp_path)


def test_the_store_is_the_user_s_alone_and_holds_no_text(tmp_path: Path) -> None:
    with served() as stub:
        asked(stub, tmp_path)
    assert (tmp_path / FILE).parent.stat().st_mode & 0o077 == 0
    assert b"review 1" not in (tmp_path / FILE).read_bytes()


def test_a_key_depends_on_server_request_and_sample() -> None:
    body = {"model": "m", "messages": []}
    keys = {answer_key("http://a/v1", body), answer_key("http://b/v1", body), answer_key("http://a/v1", body, 1)}
    assert len(keys | {answer_key("http://a/v1", body | {"temperature": 0})}) == 4
    assert answer_key("http://a/v1/", {"messages": [], "model": "m"}) in keys


def test_the_spending_stops_at_its_limit_and_keeps_what_was_answered(tmp_path: Path) -> None:
    async def run(stub: Stub) -> None:
        server, store = Server(LlmConfig(base_url=stub.url, model=MODEL, concurrency=2)), kept(tmp_path)
        try:
            await ask_all(server, store, questions(stub.url, 200), Spending(ModelPrice(1000.0, 1000.0), 0.2))
        finally:
            await server.close()

    with served() as stub:
        with pytest.raises(UserError, match=r"more than llm.max_cost=0.2: nothing more is sent"):
            asyncio.run(run(stub))
        assert 2 < stub.seen.total() < 30
        assert len(kept(tmp_path).find(questions(stub.url, 200))) == stub.answered.total()


@pytest.mark.parametrize(
    ("stub", "options", "said"),
    [
        (Stub(key="right"), {}, "refuses the key in OPENAI_API_KEY"),
        (Stub(), {"model": "other"}, "has no model other. It lists stub-1"),
        (Stub(models=()), {"model": "other"}, "has no model other, or no chat completions"),
        (Stub(fault=lambda _: "500"), {"retries": 1}, "answered with an error (500: internal)"),
        (Stub(fault=lambda _: "429"), {"retries": 1}, "still asks to slow down after 1 retries"),
        (Stub(fault=lambda _: "json"), {}, f"answered {MALFORMED_TRIES} times with what is no chat completion"),
        (Stub(fault=lambda _: "slow"), {"timeout": 0.05, "retries": 1}, "did not answer within 0.05 s, 2 times"),
    ],
)
def test_what_does_not_go_away_is_a_sentence(stub: Stub, options: dict[str, object], said: str, tmp_path: Path) -> None:
    with served(stub), pytest.raises(UserError) as caught:
        asked(stub, tmp_path, **options)
    assert said in str(caught.value)


def test_a_wrong_host_is_a_sentence_within_seconds(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(UserError, match=r"127.0.0.1:9 cannot be reached .* llm.base_url= right"):
        asked(Stub(url="http://127.0.0.1:9/v1"), tmp_path)
    assert time.monotonic() - began < 10


def test_a_server_elsewhere_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"export OPENAI_API_KEY=\.\.\."):
        Server(LlmConfig(base_url="https://user:secret@llm.example.org/v1", model="m"))
    monkeypatch.setenv("MY_KEY", "k")
    assert (
        Server(LlmConfig(base_url="https://llm.example.org/v1", model="m", key_variable="MY_KEY")).name
        == "llm.example.org"
    )


def test_loopback_is_this_machine_alone() -> None:
    assert all(
        map(is_loopback, ["http://127.0.0.1:1/v1", "http://localhost/v1", "http://[::1]:8000/v1", "http://127.1.2.3/"])
    )
    assert not any(
        map(is_loopback, ["http://10.0.0.1/v1", "https://api.example.org/v1", "http://127.0.0.1.example.org/"])
    )
    assert host_of("https://user:secret@llm.example.org:8443/v1") == "llm.example.org:8443"


def test_without_the_client_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(UserError, match=r"pip install 'sentiment-transfer\[llm\]'"):
        Server(LlmConfig(base_url="http://127.0.0.1:1/v1", model="m"))


def test_the_small_program_of_these_tests_asks_everything(tmp_path: Path) -> None:
    with served() as stub:
        asyncio.run(ask(stub.url, tmp_path, 5, 2))
        assert stub.answered.total() == 5
