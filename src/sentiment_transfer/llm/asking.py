"""Ask a server everything that is not answered yet: some requests at once, each answer kept as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from tqdm import tqdm

from sentiment_transfer.config.prices import ModelPrice
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.progress import report_stage
from sentiment_transfer.llm.answers import AnswerStore
from sentiment_transfer.llm.price import cost_of
from sentiment_transfer.llm.reply import Reply
from sentiment_transfer.llm.server import RejectedField, Server


class Question(NamedTuple):
    """A request, and the key of its answer in the store."""

    key: str
    body: dict[str, Any]


class Spending:
    """The cost of this attempt's answers so far. ``limit`` in US dollars."""

    def __init__(self, price: ModelPrice | None, limit: float | None) -> None:
        self.price, self.limit, self.spent = price, limit, 0.0

    def add(self, reply: Reply) -> None:
        """Raises UserError where the limit is passed."""
        self.spent += cost_of(reply.prompt_tokens, reply.completion_tokens, self.price) or 0.0
        if self.limit is not None and self.spent > self.limit:
            raise UserError(
                f"${self.spent:.2f} are spent, more than llm.max_cost={self.limit:g}: nothing more is sent. The "
                "answers so far are kept; the same command with a higher limit asks the rest."
            )


async def ask_all(
    server: Server, store: AnswerStore, questions: Mapping[str, dict[str, Any]], spending: Spending
) -> dict[str, Reply]:
    """The replies to all ``questions`` (key -> body): kept ones from the store, the others from the server.

    Raises UserError at the first request that fails for good; what was answered until then is kept.
    """
    replies = store.find(questions)
    left = iter([Question(key, body) for key, body in questions.items() if key not in replies])
    shown = tqdm(
        total=len(questions), initial=len(replies), unit="review", desc=f"asking {server.name}", mininterval=0.5
    )

    failures: list[UserError] = []

    async def worker() -> None:
        for key, body in left:
            try:
                replies[key] = reply = await server.ask(body)
                store.add(key, reply)
                spending.add(reply)
            except UserError as error:
                failures.append(error)
            except RejectedField as error:
                failures.append(
                    UserError(f"{server.name} refuses what it took before ({error}): run the command again.")
                )
            if failures:  # those under way come to their end, and are kept
                return
            shown.update()
            if spending.price is not None:
                shown.set_postfix_str(f"${spending.spent:.2f}", refresh=False)
            report_stage(f"asked {len(replies)} of {len(questions)}", within=True)

    with shown:
        await asyncio.gather(*(worker() for _ in range(min(server.llm.concurrency, len(questions) - len(replies)))))
    if failures:
        raise failures[0]
    return replies
