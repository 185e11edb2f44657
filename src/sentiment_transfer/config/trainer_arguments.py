"""Which arguments of Lightning's Trainer ``trainer.extra`` passes on, and why the others are refused.

Names are written out here: the configuration is checked without importing Lightning.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

PROFILERS = ("simple", "advanced")  # their tables are written into the run's directory
SWITCHES = ("detect_anomaly", "benchmark", "enable_model_summary", "inference_mode", "sync_batchnorm")
LIMIT = "limit_train_batches"  # batches of trainer.batch_size, however they are cut
MAX_STEPS, MAX_TIME, CLIPPING, SANITY = "max_steps", "max_time", "gradient_clip_algorithm", "num_sanity_val_steps"
CLIPPINGS = ("norm", "value")
LEAST = {MAX_STEPS: 1, "min_epochs": 1, "min_steps": 1, SANITY: -1}  # argument -> its smallest number
ALLOWED = (*SWITCHES, "profiler", LIMIT, *LEAST, MAX_TIME, CLIPPING)
DURATION = re.compile(r"\d+:\d\d:\d\d:\d\d")

_SHORTER = (
    "development sets are scored whole, to select by, at every epoch's end. For a shorter run type data.limit=100"
)
_OURS = "the program sets it by itself, so that a run can be resumed and scored"
# Argument -> the reason, with what to type instead.
REFUSED = {
    **{name: f"it is an option. Type trainer.{name}" for name in ("accelerator", "devices", "strategy", "precision")},
    **{name: f"it is an option. Type trainer.{name}" for name in ("max_epochs", "deterministic")},
    "accumulate_grad_batches": "a batch is cut by trainer.micro_batch_size. Type that",
    "gradient_clip_val": "it is an option. Type optimizer.max_grad_norm",
    "logger": "loggers are a group. Type logger=csv",
    "log_every_n_steps": "it is an option. Type logger.log_every",
    "enable_progress_bar": "it is an option. Type logger.progress_bar",
    "default_root_dir": "it is an option. Type paths.output_dir",
    "fast_dev_run": "it would score one batch of each test set. Type debug=fast",
    "overfit_batches": "it replaces the order of the batches. Type debug=overfit",
    **dict.fromkeys(("limit_val_batches", "val_check_interval", "check_val_every_n_epoch"), _SHORTER),
    **dict.fromkeys(("limit_test_batches", "limit_predict_batches"), "test sets are scored whole. Type data.limit=100"),
    "num_nodes": "a run is on one machine. Type trainer.devices",
    **dict.fromkeys(
        (
            "callbacks",
            "enable_checkpointing",
            "use_distributed_sampler",
            "plugins",
            "barebones",
            "reload_dataloaders_every_n_epochs",
            "enable_autolog_hparams",
            "model_registry",
        ),
        _OURS,
    ),
}


def argument_problems(extra: Mapping[str, Any]) -> Iterator[str]:
    """Sentences about arguments in ``trainer.extra`` that are unknown, refused, or of another type."""
    for name, value in extra.items():
        where = f"trainer.extra.{name}"
        if name in REFUSED:
            yield f"{where} is not passed on: {REFUSED[name]}."
        elif name not in ALLOWED:
            close = difflib.get_close_matches(name, [*ALLOWED, *REFUSED], n=1, cutoff=0.6)
            known = f" Did you mean {close[0]}?" if close else f" There are: {', '.join(ALLOWED)}."
            yield f"{where} is not an argument of Lightning's Trainer.{known}"
        elif name == "profiler" and value not in (None, *PROFILERS):
            yield f"{where}={value} is invalid: it must be one of {', '.join(PROFILERS)}."
        elif name == LIMIT and not _is_limit(value):
            yield (
                f"{where}={value} is invalid: it must be an integer >= 1, the optimiser steps of an epoch, or a number "
                "with a point up to 1.0, their share."
            )
        elif name in LEAST and (type(value) is not int or value < LEAST[name]):
            yield f"{where}={value} is invalid: it must be an integer >= {LEAST[name]}."
        elif name == CLIPPING and value not in CLIPPINGS:
            yield f"{where}={value} is invalid: it must be one of {', '.join(CLIPPINGS)}."
        elif name == MAX_TIME and not _is_duration(value):
            yield (
                f"{where}={value} is invalid: it must be days, hours, minutes and seconds, 00:00:30:00 for half an "
                f"hour, or one such as '{where}={{minutes: 30}}'."
            )
        elif name in SWITCHES and not isinstance(value, bool):
            yield f"{where}={value} is invalid: it must be true or false."
    if MAX_STEPS in extra and "min_epochs" in extra:
        yield (
            "trainer.extra.min_epochs is invalid with trainer.extra.max_steps, which may end in the middle of an "
            "epoch. Type trainer.extra.min_steps."
        )


def _is_duration(value: Any) -> bool:
    if isinstance(value, str):
        return DURATION.fullmatch(value) is not None and value.strip("0:") != ""
    try:
        return isinstance(value, Mapping) and timedelta(**value) > timedelta(0)
    except (TypeError, OverflowError):
        return False


def _is_limit(value: Any) -> bool:
    return value >= 1 if type(value) is int else type(value) is float and 0 < value <= 1
