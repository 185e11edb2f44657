"""The record of a language model's evaluation: how it answered, what that took, and what it was asked."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sentiment_transfer.config.llm_options import NOT_ANSWERS
from sentiment_transfer.config.prices import ModelPrice
from sentiment_transfer.config.program_options import EvaluateConfig
from sentiment_transfer.config.run_name import evaluation_name
from sentiment_transfer.config.typed import plain
from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.errors import without_credentials
from sentiment_transfer.llm.price import used
from sentiment_transfer.llm.probabilities import Answered
from sentiment_transfer.llm.questions import Method
from sentiment_transfer.llm.reply import Reply
from sentiment_transfer.llm.server import host_of
from sentiment_transfer.results.inputs import Inputs, file_facts
from sentiment_transfer.results.record import Llm, LlmAnswers, Model, Source
from sentiment_transfer.runs.evaluate import NOT_OURS
from sentiment_transfer.runs.inputs import reviews_digests
from sentiment_transfer.runs.llm_task import Task
from sentiment_transfer.runs.measure import size_caveats
from sentiment_transfer.runs.record import RunInfo

log = logging.getLogger(__name__)

PROMPTED = "prompted"  # the source of a model that was asked, and not trained


def warn_of_unanswered(name: str, answered: Answered) -> None:
    if answered.unparsable or answered.refused:
        such = f", such as {', '.join(map(repr, answered.shown))}" if answered.shown else ""
        log.warning(
            "%s: %d of %d answers name no class%s, and %d were refused: they count as errors.",
            name,
            answered.unparsable,
            len(answered.probabilities),
            such,
            answered.refused,
        )


def account(
    config: EvaluateConfig,
    method: Method,
    tasks: Sequence[Task],
    answers: Sequence[Answered],
    replies: Sequence[Sequence[Sequence[Reply]]],
    examples: list[str],
    price: ModelPrice | None,
) -> Llm:
    """How the model was asked, and for every task how it answered."""
    llm = config.llm
    return Llm(
        server=host_of(llm.base_url or ""),
        model=str(llm.model),
        probabilities=method.name,
        shots=llm.shots,
        source=list(config.source),
        examples=examples,
        samples=llm.samples if method.name == "samples" else 1,
        concurrency=llm.concurrency,
        price=None if price is None else {"input": price.input, "output": price.output},
        answers={
            task.split.name: llm_answers(task, answered, of_task, price)
            for task, answered, of_task in zip(tasks, answers, replies, strict=True)
        },
    )


def llm_answers(
    task: Task, answered: Answered, replies: Sequence[Sequence[Reply]], price: ModelPrice | None
) -> LlmAnswers:
    usage = used((reply for of_review in replies for reply in of_review), price)
    return LlmAnswers(
        prompt=task.prompt.name,
        prompt_digest=task.prompt.digest,
        words=list(task.prompt.words),
        unparsable=answered.unparsable,
        refused=answered.refused,
        label_mass=answered.label_mass,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cost=usage.cost,
    )


def llm_info(
    config: EvaluateConfig, data: TransferDataModule, tasks: Sequence[Task], taken: Llm, seconds: dict[str, float]
) -> RunInfo:
    """The record's facts. The network behind a server is not seen: its sizes are 0."""
    llm, name = config.llm, str(config.llm.model).rpartition("/")[2]
    options = {k: v for k, v in plain(llm).items() if k not in (*NOT_ANSWERS, "seed")}
    options["base_url"] = without_credentials(str(llm.base_url))
    prompts = {task.prompt.name: plain(task.prompt.template) for task in tasks}
    files = [file for module in (*data.source.values(), *data.targets.values()) for file in module.local_files()]
    return RunInfo(
        run_id=evaluation_name(config),
        config={
            "model": {"name": name, "encoder": str(llm.model)},
            "source": plain(config.source),
            "targets": plain(config.targets),
            "data": {"dedup": False},
            "llm": options,
            "prompts": prompts,
            "evaluated": {"checkpoint": config.checkpoint},
        },
        caveats=[NOT_OURS, *size_caveats(data.test_sets)],
        seed=llm.seed,
        model=Model(
            name=name,
            encoder=str(llm.model),
            parameters=0,
            trainable_parameters=0,
            layers=0,
            hidden_size=0,
            vocabulary=0,
            weights=f"behind {taken['server']}",
        ),
        source=Source(names=[PROMPTED], rows={"train": len(taken["examples"])}),
        selections={"last": {}},
        history=[],
        precision="unknown",
        device="cpu",
        batching=("requests", ""),
        seconds=seconds,
        inputs=Inputs(reviews=reviews_digests(data), files=file_facts(files)),
        protocol=data.protocol,
        label_budget=lambda name: None,
        llm=taken,
    )
