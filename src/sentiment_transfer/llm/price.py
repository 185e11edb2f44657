"""The cost of an evaluation: an estimate before anything is sent, and the tokens that were used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sentiment_transfer.config.prices import ModelPrice
from sentiment_transfer.llm.prompt import Message
from sentiment_transfer.llm.reply import Reply

# UTF-8 bytes per token, on the safe side: tokenizers of current models need 4 for English, 3 to 3.5 for Indonesian and
# 3 to 4 for Japanese (three bytes a character); small old ones need more tokens for Japanese.
BYTES_PER_TOKEN = 3
MESSAGE_TOKENS = 8  # of a message's frame
ANSWER_TOKENS = 4  # where an answer's length is not limited, or the limit is above


@dataclass(frozen=True)
class Usage:
    """Requests with the tokens that they take, and their price in US dollars; None where the price is not known."""

    requests: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None


def estimated(messages: Iterable[Sequence[Message]], price: ModelPrice | None, max_tokens: int | None) -> Usage:
    """Roughly, by the length of the texts: no tokenizer of the model is at hand."""
    requests = prompt = 0
    for each in messages:
        requests += 1
        prompt += sum(len(m["content"].encode("utf-8", "replace")) // BYTES_PER_TOKEN + MESSAGE_TOKENS for m in each)
    completion = requests * min(max_tokens or ANSWER_TOKENS, ANSWER_TOKENS)
    return Usage(requests, prompt, completion, cost_of(prompt, completion, price))


def used(replies: Iterable[Reply], price: ModelPrice | None) -> Usage:
    """As the server counted."""
    counted = [(reply.prompt_tokens, reply.completion_tokens) for reply in replies]
    prompt, completion = (sum(tokens) for tokens in zip(*counted, strict=True)) if counted else (0, 0)
    return Usage(len(counted), prompt, completion, cost_of(prompt, completion, price))


def cost_of(prompt_tokens: int, completion_tokens: int, price: ModelPrice | None) -> float | None:
    if price is None:
        return None
    return (prompt_tokens * price.input + completion_tokens * price.output) / 1e6
