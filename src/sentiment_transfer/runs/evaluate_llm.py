"""``python evaluate.py checkpoint=llm``: score a large language model behind a server, and record it as a run."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console

from sentiment_transfer.config.llm_options import LlmConfig
from sentiment_transfer.config.prices import ModelPrice
from sentiment_transfer.config.program_options import EvaluateConfig
from sentiment_transfer.formatting import counted
from sentiment_transfer.llm.answers import AnswerStore
from sentiment_transfer.llm.asking import Question, Spending, ask_all
from sentiment_transfer.llm.probabilities import probabilities_of
from sentiment_transfer.llm.questions import Method, find_method, make_questions, planned_method
from sentiment_transfer.llm.reply import Reply
from sentiment_transfer.llm.server import Server
from sentiment_transfer.results.tables import audit_table
from sentiment_transfer.runs.directory import run_directory
from sentiment_transfer.runs.llm_limits import account_of, ask_for_consent, model_price, pending, refuse_too_much
from sentiment_transfer.runs.llm_record import account, llm_info, warn_of_unanswered
from sentiment_transfer.runs.llm_task import Task, prepare
from sentiment_transfer.runs.record import finish
from sentiment_transfer.runs.score import Scored
from sentiment_transfer.training.selection import at_epoch

log = logging.getLogger(__name__)
T = TypeVar("T")


def evaluate_llm(config: EvaluateConfig, folder: Path) -> None:
    """Ask the model of a validated ``config`` about every test review; write predictions and record into ``folder``.

    Raises UserError if the server does not answer, if the texts may not be sent to it, or if it would cost too much.
    """
    with run_directory(folder):
        started = time.monotonic()
        llm = config.llm
        server, price = Server(llm), model_price(llm)
        data, tasks, examples = prepare(config)
        ask_for_consent(llm, data, tasks)
        store = AnswerStore(Path(config.paths.cache_dir))
        try:
            method, replies = to_the_end(asked(server, store, tasks, price))
        finally:
            store.close()
        answers = [
            probabilities_of(r, t.prompt.words, t.split.reviews.labels, logprobs=method.name == "logprobs")
            for t, r in zip(tasks, replies, strict=True)
        ]
        for task, answered in zip(tasks, answers, strict=True):
            warn_of_unanswered(task.split.name, answered)
        latency = sum(r.seconds for of_task in replies for of_review in of_task for r in of_review) / llm.concurrency
        seconds = {"score": latency, "total": max(time.monotonic() - started, latency)}
        Console().print(audit_table(data.audit))
        taken = account(config, method, tasks, answers, replies, examples, price)
        scored = [
            Scored(task.split, {"last": at_epoch(0)}, {"last": answered.probabilities})
            for task, answered in zip(tasks, answers, strict=True)
        ]
        finish(folder, llm_info(config, data, tasks, taken, seconds), data, scored)


def to_the_end(coroutine: Coroutine[Any, Any, T]) -> T:
    """Its result. In a notebook, whose own event loop is running, another thread runs it."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def estimate(config: EvaluateConfig) -> str:
    """Requests, tokens and price beyond the answers that are kept, as a sentence; nothing is sent. Raises UserError."""
    price = model_price(config.llm)
    _, tasks, _ = prepare(config)
    store = AnswerStore(Path(config.paths.cache_dir))
    try:
        questions = all_questions(config.llm, planned_method(config.llm), tasks)
        known = store.find(questions)
    finally:
        store.close()
    return account_of(pending(config.llm, questions, known, price), len(known), price)


def all_questions(llm: LlmConfig, method: Method, tasks: Sequence[Task]) -> dict[str, dict[str, Any]]:
    return {q.key: q.body for task in tasks for of_review in questions_of(llm, method, task) for q in of_review}


def questions_of(llm: LlmConfig, method: Method, task: Task) -> list[list[Question]]:
    return make_questions(llm, method, task.prompt, task.texts)


async def asked(
    server: Server, store: AnswerStore, tasks: Sequence[Task], price: ModelPrice | None
) -> tuple[Method, list[list[list[Reply]]]]:
    """The replies to every review of every task. Raises UserError; what was answered until then is kept."""
    llm = server.llm
    try:
        questions = all_questions(llm, planned_method(llm), tasks)
        known = store.find(questions)
        if len(known) < len(questions):
            await server.check()
            refuse_too_much(llm, pending(llm, questions, known, price))
        method = await find_method(server, store, tasks[0].prompt, tasks[0].texts[0])
        if method != planned_method(llm):
            questions = all_questions(llm, method, tasks)
            refuse_too_much(llm, pending(llm, questions, store.find(questions), price))
        print(account_of(pending(llm, questions, known := store.find(questions), price), len(known), price))
        replies = await ask_all(server, store, questions, Spending(price, llm.max_cost))
    finally:
        await server.close()
    if server.retried:
        log.info(
            "%s were asked again, since their answers were no chat completions.", counted(server.retried, "request")
        )
    return method, [
        [[replies[q.key] for q in of_review] for of_review in questions_of(llm, method, task)] for task in tasks
    ]
