"""Before anything is sent: where texts go, how many requests there are, and what they would cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sentiment_transfer.config.llm_options import LlmConfig
from sentiment_transfer.config.prices import FILE as PRICES
from sentiment_transfer.config.prices import ModelPrice, read_prices
from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.errors import UserError
from sentiment_transfer.formatting import counted
from sentiment_transfer.llm.price import Usage, estimated
from sentiment_transfer.llm.reply import Reply
from sentiment_transfer.llm.server import host_of, is_loopback
from sentiment_transfer.runs.llm_task import Task


def model_price(llm: LlmConfig) -> ModelPrice | None:
    """Raises UserError where ``llm.max_cost`` is set and no price is known."""
    price = read_prices().models.get(str(llm.model))
    if price is None and llm.max_cost is not None:
        raise UserError(
            f"llm.max_cost={llm.max_cost:g} needs the price of {llm.model}: add it to conf/{PRICES}, or use "
            "llm.max_requests=."
        )
    return price


def ask_for_consent(llm: LlmConfig, data: TransferDataModule, tasks: Sequence[Task]) -> None:
    """Say which texts leave this machine. Raises UserError unless that is confirmed."""
    assert llm.base_url is not None
    if is_loopback(llm.base_url):
        return
    modules = {**data.targets, **data.source}
    licences = "; ".join(
        f"{name}: {modules[name].licence}" for name in sorted({*data.source, *(t.split.name for t in tasks)})
    )
    said = f"The texts of these datasets leave this machine and are sent to {host_of(llm.base_url)}: {licences}."
    if not llm.confirm:
        raise UserError(f"{said} If their licences and your agreements allow it, add llm.confirm=true.")
    print(said)


def pending(
    llm: LlmConfig, questions: dict[str, dict[str, Any]], known: dict[str, Reply], price: ModelPrice | None
) -> Usage:
    left = [body["messages"] for key, body in questions.items() if key not in known]
    return estimated(left, price, llm.max_tokens)


def account_of(usage: Usage, kept: int, price: ModelPrice | None) -> str:
    cost = f"${usage.cost:.2f}" if usage.cost is not None else f"no price is known (conf/{PRICES})"
    return (
        f"{counted(usage.requests, 'request')} to send, about {usage.prompt_tokens:,} tokens in and "
        f"{usage.completion_tokens:,} out: {cost}. {counted(kept, 'answer')} known already."
    )


def refuse_too_much(llm: LlmConfig, usage: Usage) -> None:
    """Raise UserError where more would be sent, or spent, than ``llm`` allows."""
    if llm.max_requests is not None and usage.requests > llm.max_requests:
        raise UserError(
            f"{usage.requests:,} requests would be sent, more than llm.max_requests={llm.max_requests:,}: raise it, or "
            "score fewer reviews, e.g. targets.<dataset>.limit=200."
        )
    if llm.max_cost is not None and usage.cost is not None and usage.cost > llm.max_cost:
        raise UserError(
            f"The estimate is ${usage.cost:.2f}, more than llm.max_cost={llm.max_cost:g}: raise it, or score fewer "
            "reviews, e.g. targets.<dataset>.limit=200."
        )
