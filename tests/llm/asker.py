"""Asks the questions of a file, as an evaluation does: python asker.py URL CACHE COUNT CONCURRENCY"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from sentiment_transfer.config.llm_options import LlmConfig
from sentiment_transfer.llm.answers import AnswerStore, answer_key
from sentiment_transfer.llm.asking import Spending, ask_all
from sentiment_transfer.llm.server import Server


def questions(url: str, count: int) -> dict[str, dict[str, Any]]:
    bodies = [
        {
            "model": "stub-1",
            "messages": [{"role": "user", "content": f"review {number} " + "." * (number % 7)}],
            "temperature": 0,
        }
        for number in range(count)
    ]
    return {answer_key(url, body): body for body in bodies}


async def ask(url: str, cache: Path, count: int, concurrency: int) -> None:
    server, store = Server(LlmConfig(base_url=url, model="stub-1", concurrency=concurrency)), AnswerStore(cache)
    await ask_all(server, store, questions(url, count), Spending(None, None))
    await server.close()
    store.close()


if __name__ == "__main__":
    asyncio.run(ask(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
