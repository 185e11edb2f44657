"""The contestants: this project's packed and padded paths, and ``transformers.Trainer`` with defaults and tuned.

Each runs in a separate process and does one step (or scores one part) when ``speed.py`` requests it, so that all see
the same machine load, minute by minute. Run by ``speed.py``: ``python -m benchmarks.contestants NAME TASK ENCODER``.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import SequentialSampler

from benchmarks.workload import BATCH, Workload, workload
from sentiment_transfer.data.batches import TokenBatches, scoring_loader, training_loader
from sentiment_transfer.data.tokens import TokenStore
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.model.vocabulary import kept_token_ids, trim_vocabulary
from sentiment_transfer.runs.classifier import make_classifier
from sentiment_transfer.training.trainer import choose_precision, quiet_lightning

PART = 192  # reviews scored at a time


def say(**what: object) -> None:
    print(json.dumps(what), flush=True)


def report(seconds: float, reviews: int, tokens: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    peak = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else used
    say(seconds=seconds, reviews=reviews, tokens=tokens, peak=peak)


def asked() -> bool:
    """Wait for the next request of ``speed.py``; returns False when there are no more."""
    return sys.stdin.readline().strip() == "go"


def clock() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


# --- this project -------------------------------------------------------------------------------------------------


def store_of(reviews: list[tuple[np.ndarray, int]]) -> tuple[TokenStore, np.ndarray]:
    lengths = np.array([len(ids) for ids, _ in reviews])
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    tokens = np.concatenate([ids for ids, _ in reviews]).astype(np.int32)
    return TokenStore(tokens, offsets, lengths.astype(np.int32)), np.array([label for _, label in reviews])


def ours(work: Workload) -> tuple[pl.Trainer, SentimentClassifier]:
    quiet_lightning()
    assert work.data.tokenizer is not None
    module = make_classifier(work.config, work.data, work.data.tokenizer)
    if work.config.model.trim_vocabulary:
        trim_vocabulary(module.network, kept_token_ids(work.data.stores, work.data.tokenizer))
    accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    trainer = pl.Trainer(
        accelerator=accelerator,
        precision=choose_precision(work.config.trainer.precision, accelerator),  # type: ignore[arg-type]
        max_epochs=1,
        gradient_clip_val=1.0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        limit_val_batches=0,
        callbacks=[Turns()],
    )
    return trainer, module


class Turns(pl.Callback):
    """One training step per turn; the time includes building the batch."""

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        say(ready=True)
        trainer.should_stop = not asked()
        self.begun = clock()

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, _: Any, batch: Any, i: int) -> None:
        ids = batch["input_ids"]
        tokens = int(batch["attention_mask"].sum()) if "attention_mask" in batch else len(ids)
        report(clock() - self.begun, len(batch["labels"]), tokens)
        if not asked():
            trainer.should_stop = True
        self.begun = clock()


class InOrder(SequentialSampler):
    """Yields the batches of ``work.train`` in order."""

    micro_batches = world_size = 1

    def __iter__(self) -> Any:
        for begin in range(0, len(self.data_source), BATCH):  # type: ignore[arg-type]
            rows = list(range(begin, min(begin + BATCH, len(self.data_source))))  # type: ignore[arg-type]
            yield rows, len(rows)

    def __len__(self) -> int:
        return -(-len(self.data_source) // BATCH)  # type: ignore[arg-type]


def train_ours(work: Workload) -> None:
    trainer, module = ours(work)
    store, labels = store_of(work.train)
    batches = TokenBatches([store], labels, work.pad_id, packed=module.packed is not None)
    trainer.fit(module, training_loader(batches, InOrder(batches)))  # type: ignore[arg-type]


def score_ours(work: Workload) -> None:
    trainer, module = ours(work)
    say(ready=True)
    for part in parts(work):
        store, labels = store_of(part)
        batches = TokenBatches([store], labels, work.pad_id, packed=module.packed is not None)
        begun = clock()
        trainer.predict(module, scoring_loader(batches, work.config.data.score_batch_tokens))
        report(clock() - begun, len(part), sum(len(ids) for ids, _ in part))


def parts(work: Workload) -> Any:
    number = 0
    while asked():
        begin = number * PART % max(1, len(work.score) - PART)
        yield work.score[begin : begin + PART]
        number += 1


# --- transformers.Trainer -----------------------------------------------------------------------------------------


def hugging_face(work: Workload, *, tuned: bool, compiled: bool, train: list[tuple[np.ndarray, int]]) -> Any:
    from transformers import (
        AutoConfig,
        AutoModelForSequenceClassification,
        DataCollatorWithPadding,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    class Waits(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            say(ready=True)
            control.should_training_stop = not asked()
            self.begun = clock()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            report(clock() - self.begun, BATCH, seen.pop())
            control.should_training_stop = not asked()
            self.begun = clock()

    class Ordered(Trainer):
        def _get_train_sampler(self, train_dataset: Any = None) -> Any:
            return super()._get_train_sampler(train_dataset) if tuned else SequentialSampler(train_dataset)

    torch.manual_seed(0)
    config = AutoConfig.from_pretrained(work.config.model.encoder, num_labels=2)
    model = AutoModelForSequenceClassification.from_config(config)
    seen: list[int] = []
    padding = DataCollatorWithPadding(work.data.tokenizer)

    def collate(rows: list[dict[str, Any]]) -> dict[str, Tensor]:
        batch = padding(rows)
        seen.append(int(batch["attention_mask"].sum()))
        return batch

    expert = {"bf16": True, "train_sampling_strategy": "group_by_length", "torch_compile": compiled} if tuned else {}
    arguments = TrainingArguments(
        output_dir=tempfile.mkdtemp(),
        use_cpu=not torch.cuda.is_available(),
        per_device_train_batch_size=BATCH,
        **({"bf16_full_eval": True, "per_device_eval_batch_size": 64} if tuned else {}),
        num_train_epochs=1,
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        **expert,
    )
    return Ordered(
        model=model, args=arguments, train_dataset=rows_of(train), data_collator=collate, callbacks=[Waits()]
    )


def rows_of(reviews: list[tuple[np.ndarray, int]]) -> Any:
    from datasets import Dataset

    ids = [review.tolist() for review, _ in reviews]
    masks = [[1] * len(review) for review in ids]
    return Dataset.from_dict({"input_ids": ids, "attention_mask": masks, "labels": [label for _, label in reviews]})


def train_theirs(work: Workload, tuned: bool, compiled: bool = False) -> None:
    hugging_face(work, tuned=tuned, compiled=compiled, train=work.train).train()


def score_theirs(work: Workload, tuned: bool) -> None:
    trainer = hugging_face(work, tuned=tuned, compiled=False, train=work.train[:BATCH])
    say(ready=True)
    for part in parts(work):
        rows = rows_of(sorted(part, key=lambda review: -len(review[0])) if tuned else part)
        begun = clock()
        trainer.predict(rows)
        report(clock() - begun, len(part), sum(len(ids) for ids, _ in part))


def padded(encoder: str) -> Workload:
    return workload(encoder, "trainer.packed=false", "model.trim_vocabulary=false")


TASKS: dict[str, dict[str, Callable[[str], None]]] = {
    "train": {
        "packed": lambda encoder: train_ours(workload(encoder)),
        "padded": lambda encoder: train_ours(padded(encoder)),
        "trainer": lambda encoder: train_theirs(workload(encoder), tuned=False),
        "tuned": lambda encoder: train_theirs(workload(encoder), tuned=True),
        "compiled": lambda encoder: train_theirs(workload(encoder), tuned=True, compiled=True),
    },
    "score": {
        "packed": lambda encoder: score_ours(workload(encoder)),
        "padded": lambda encoder: score_ours(padded(encoder)),
        "trainer": lambda encoder: score_theirs(workload(encoder), tuned=False),
        "tuned": lambda encoder: score_theirs(workload(encoder), tuned=True),
    },
}

if __name__ == "__main__":
    name, task, encoder = sys.argv[1:]
    TASKS[task][name](encoder)
