"""Options of ``evaluate.py checkpoint=llm``: a language model behind a server, and its prompts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import permutations
from typing import Annotated, Any

from annotated_types import Ge, Gt

from sentiment_transfer.config.bounds import POSITIVE, SEED
from sentiment_transfer.config.dataset import OneOf

LLM = "llm"  # the value of checkpoint= that stands for a server
OF_THE_TARGET = "target"  # the value of llm.prompt that stands for the prompt in each target's language
# What changes no answer: how requests are sent, what they may cost, and what is confirmed.
NOT_ANSWERS = ("key_variable", "concurrency", "timeout", "retries", "max_requests", "max_cost", "dry_run", "confirm")


@dataclass
class PromptConfig:
    """One prompt. ``{text}`` is the review, ``{labels}`` the label words, ``{language}`` the review's language."""

    system: str = ""  # the instruction; empty: none is sent
    question: str = "{text}"  # once per example, with its label as the answer, and for the review
    labels: dict[str, str] = field(default_factory=dict)  # class -> its word: negative, positive, neutral

    def problems(self, where: str) -> Iterator[str]:
        if "{text}" not in self.question:
            yield f"{where}.question has no {{text}}, where the review is put: {self.question!r}."
        for name in ("negative", "positive"):
            if name not in self.labels:
                yield f"{where}.labels has no word for {name}: add {where}.labels.{name}=..."
        words = {name: str(word).strip().casefold() for name, word in self.labels.items()}
        if empty := [name for name, word in words.items() if not word]:
            yield f"{where}.labels.{empty[0]} is empty: it must be a word that the model can answer."
        for first, second in permutations(sorted(words), 2):
            if (
                words[first]
                and words[second].startswith(words[first])
                and (words[first] != words[second] or first < second)
            ):
                yield (
                    f"{where}.labels: the word for {second} ({self.labels[second]}) begins with that for {first} "
                    f"({self.labels[first]}), so that answers could not be told apart: use other words."
                )


@dataclass
class LlmConfig:
    """The server, the question, and the limits of what is sent. Its key comes from the environment alone."""

    base_url: str | None = None  # of an OpenAI-compatible server, e.g. http://127.0.0.1:8000/v1
    model: str | None = None  # as the server names it
    key_variable: str = "OPENAI_API_KEY"  # the environment variable with the key; a server on this machine needs none
    prompt: str = "en"  # a name in prompts: the instruction's language; target: that of each target
    shots: Annotated[int, Ge(0)] = 0  # examples per class from source=, put before the review
    seed: Annotated[int, SEED] = 0  # of the sample of examples, and of answers that are sampled
    # logprobs: of the label words; samples: the share of repeated answers; labels: one answer, no probability.
    # auto: logprobs where the server gives them, else labels (samples where llm.samples is above 1).
    probabilities: Annotated[str, OneOf(("auto", "logprobs", "samples", "labels"))] = "auto"
    samples: Annotated[int, Ge(1)] = 1  # answers per review where they are sampled, at temperature 1
    max_tokens: Annotated[int | None, Ge(1)] = 8  # of an answer; null: not sent (reasoning models: see extra)
    max_characters: Annotated[int, Ge(1)] = 4000  # of a review; longer ones are cut
    extra: dict[str, Any] = field(default_factory=dict)  # further fields of every request, e.g. reasoning_effort

    concurrency: Annotated[int, Ge(1)] = 8  # requests under way at once
    timeout: Annotated[float, POSITIVE] = 60.0  # seconds for one answer
    retries: Annotated[int, Ge(0)] = 8  # of a request that fails for the moment (429, 5xx, a lost connection)
    max_requests: Annotated[int | None, Ge(1)] = None  # refuse to send more than these
    max_cost: Annotated[float | None, Gt(0)] = None  # US dollars: refuse what is estimated above, stop when spent
    dry_run: bool = False  # estimate requests, tokens and price, and send nothing
    confirm: bool = False  # texts may leave this machine: needed for hosts other than this one

    def problems(self, where: str) -> Iterator[str]:
        if self.probabilities == "samples" and self.samples < 2:
            yield f"{where}.probabilities=samples needs {where}.samples of at least 2, e.g. {where}.samples=5."
        if self.base_url is not None and not self.base_url.startswith(("http://", "https://")):
            yield f"{where}.base_url={self.base_url} is not an address: it must begin with http:// or https://."
        if taken := sorted({"messages", "model", "stream", "n"} & set(self.extra)):
            yield f"{where}.extra.{taken[0]} is set by this program: leave it out."


def llm_problems(llm: LlmConfig, prompts: dict[str, PromptConfig], source: dict[str, Any]) -> Iterator[str]:
    """Sentences about an evaluation with ``checkpoint=llm``."""
    for name, example in (("base_url", "http://127.0.0.1:8000/v1"), ("model", "the name that the server lists")):
        if getattr(llm, name) is None:
            yield f"checkpoint=llm needs llm.{name}, e.g. llm.{name}={example}."
    if llm.prompt != OF_THE_TARGET and llm.prompt not in prompts:
        known = ", ".join([*sorted(prompts), OF_THE_TARGET])
        yield f"llm.prompt={llm.prompt} is unknown: it is one of {known}. docs/llm.md says how to add one."
    if llm.shots and len(source) != 1:
        asked = "names none" if not source else f"has {len(source)}"
        yield f"llm.shots={llm.shots} draws examples from one dataset, and source= {asked}: e.g. source=written_en."
    if source and not llm.shots:
        yield "source= is the dataset that examples are drawn from: add llm.shots=2, or leave it out."
