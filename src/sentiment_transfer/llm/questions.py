"""The requests of an evaluation, by the way in which probabilities are found: log-probabilities, samples, labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sentiment_transfer.config.llm_options import LlmConfig
from sentiment_transfer.errors import UserError
from sentiment_transfer.llm.answers import AnswerStore, answer_key
from sentiment_transfer.llm.asking import Question
from sentiment_transfer.llm.prompt import Prompt
from sentiment_transfer.llm.server import RejectedField, Server

ALTERNATIVES = (20, 5)  # per token: the most that servers usually list, and what stricter ones do


@dataclass(frozen=True)
class Method:
    """``logprobs`` with the number of ``alternatives`` per token, ``samples`` or ``labels``."""

    name: Literal["logprobs", "samples", "labels"]
    alternatives: int = 0


def make_questions(llm: LlmConfig, method: Method, prompt: Prompt, texts: Sequence[str]) -> list[list[Question]]:
    """For each text its requests: one, or as many as answers are sampled."""
    assert llm.base_url is not None
    asked = []
    for text in texts:
        fields: dict[str, Any] = {
            "model": llm.model,
            "messages": prompt.messages(text[: llm.max_characters]),
            "temperature": 1 if method.name == "samples" else 0,
            "max_tokens": llm.max_tokens,
        }
        if method.name == "logprobs":
            fields |= {"logprobs": True, "top_logprobs": method.alternatives}
        fields |= llm.extra
        seeds: list[dict[str, Any]] = [{}]
        if method.name == "samples":
            seeds = [{"seed": llm.seed * 1_000_003 + sample} for sample in range(llm.samples)]
        bodies = [{key: value for key, value in (fields | seed).items() if value is not None} for seed in seeds]
        asked.append([Question(answer_key(llm.base_url, body), body) for body in bodies])
    return asked


def planned_method(llm: LlmConfig) -> Method:
    """The one that an estimate assumes, before the server has said what it gives."""
    if llm.probabilities in ("auto", "logprobs"):
        return Method("logprobs", ALTERNATIVES[0])
    return Method("samples" if llm.probabilities == "samples" else "labels")


async def find_method(server: Server, store: AnswerStore, prompt: Prompt, text: str) -> Method:
    """Whether the server gives log-probabilities, by asking for one review, whose answer is kept. Raises UserError
    where they are required and not given."""
    llm = server.llm
    if llm.probabilities not in ("auto", "logprobs"):
        return planned_method(llm)
    for alternatives in ALTERNATIVES:
        method = Method("logprobs", alternatives)
        [[question]] = make_questions(llm, method, prompt, [text])
        reply = store.find([question.key]).get(question.key)
        if reply is None:
            try:
                reply = await server.ask(question.body)
            except RejectedField:
                continue
            store.add(question.key, reply)
        if reply.alternatives:
            return method
        break
    if llm.probabilities == "logprobs":
        raise UserError(
            f"{server.name} gives no log-probabilities for {llm.model}: leave llm.probabilities at auto, or use "
            "llm.probabilities=samples llm.samples=5 or llm.probabilities=labels."
        )
    return Method("samples" if llm.samples > 1 else "labels")
