"""The text to type instead of an option that does not exist, by the names that other programs have for it."""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any, get_args, get_type_hints

from sentiment_transfer.config.dataset import datasets
from sentiment_transfer.config.folder import conf_folder
from sentiment_transfer.config.logger_options import SHIPPED as LOGGERS
from sentiment_transfer.config.objective_options import SHIPPED
from sentiment_transfer.config.schema import Config
from sentiment_transfer.errors import UserError

# Names in the programs of transformers and Lightning, and short ones, by the option's; the first that a command has.
ALIASES: dict[str, str] = {
    "optimizer.learning_rate": "lr learning_rate peak_lr",
    "optimizer.weight_decay": "wd decay",
    "optimizer.warmup_ratio": "warmup warmup_steps num_warmup_steps warmup_proportion",
    "optimizer.max_grad_norm": "gradient_clip_val grad_clip clip clip_grad_norm gradient_clipping",
    "optimizer.eps": "adam_epsilon epsilon",
    "optimizer.beta1": "adam_beta1",
    "optimizer.beta2": "adam_beta2",
    "trainer.max_epochs": "epoch epochs num_epochs num_train_epochs n_epochs",
    "trainer.batch_size": "bs batch train_batch_size per_device_train_batch_size per_gpu_train_batch_size",
    "trainer.micro_batch_size": "gradient_accumulation_steps accumulate_grad_batches grad_accum",
    "data.score_batch_tokens": "eval_batch_size per_device_eval_batch_size",
    "batch_tokens": "bs batch_size eval_batch_size per_device_eval_batch_size",
    "trainer.devices": "gpus gpu n_gpu num_gpus num_devices",
    "trainer.accelerator": "device cuda use_cuda no_cuda",
    "accelerator": "device cuda use_cuda no_cuda gpu",
    "trainer.precision": "fp16 bf16 amp mixed_precision",
    "precision": "fp16 bf16 amp mixed_precision",
    "data.max_length": "max_len max_seq_length max_seq_len max_tokens seq_len maxlen",
    "data.limit": "max_samples max_train_samples limit n_samples subset",
    "data.num_workers": "workers dataloader_num_workers",
    "model": "model_name model_name_or_path pretrained_model",
    "checkpoint": "model model_name model_name_or_path run model_path ckpt",
    "model.layers": "num_layers n_layers depth num_hidden_layers",
    "model.dropout": "hidden_dropout_prob dropout_rate",
    "model.lora_rank": "lora_r rank lora",
    "model.freeze": "freeze_encoder",
    "source": "train dataset train_data train_file train_dataset",
    "targets": "target test test_data test_file languages lang",
    "seed": "seeds random_seed random_state",
    "protocol.shots": "shot k n_shots num_shots",
    "output": "out output_file output_dir outdir outfile",
    "paths.output_dir": "out outdir save_dir",
    "input": "file input_file infile texts",
    "paths.data_dir": "data_path data_root",
    "logger.wandb.project": "wandb_project project_name",
    "logger.wandb.entity": "wandb_entity team",
    "logger.log_every": "log_every_n_steps logging_steps",
}

# The value for a name whose own value means something else: the option's, or ... where it depends.
VALUES = {
    "fp16": "16-mixed",
    "amp": "16-mixed",
    "bf16": "bf16-mixed",
    "cuda": "gpu",
    "use_cuda": "gpu",
    "no_cuda": "cpu",
    "freeze_encoder": "encoder",
} | dict.fromkeys(
    ["warmup", "warmup_steps", "num_warmup_steps", "gradient_accumulation_steps", "accumulate_grad_batches"], "..."
)


CLOSED = ("trainer", "data", "paths", "protocol")  # groups whose options are the same whatever is chosen


def option_of(path: str, command: type[Any]) -> str | None:
    """The option of a command that a file or folder is meant for; None where there is no such file or option."""
    names = [field.name for field in dataclasses.fields(command)]
    wanted = ("checkpoint",) if os.path.isdir(path) else ("input", "targets") if os.path.exists(path) else ()
    return next((name for name in wanted if name in names), None)


def options_below(schema: type[Any], where: str = "") -> Iterator[str]:
    """Names of the options and groups of a command's schema, whatever is chosen in its groups."""
    hints = get_type_hints(schema)
    for field in dataclasses.fields(schema):
        name = f"{where}.{field.name}".removeprefix(".")
        yield name
        hint: Any = hints[field.name]
        groups: list[Any] = [each for each in (hint, *get_args(hint)) if dataclasses.is_dataclass(each)]
        for below in groups if where or name not in SHIPPED else SHIPPED[name].values():
            yield from options_below(below, name)


def _known(schema: type[Any]) -> tuple[str, ...]:
    names = dict.fromkeys(options_below(schema))
    return tuple(name for name in names if not name.endswith("._target_"))


def elsewhere(key: str, value: str = "...", schema: type[Any] = Config) -> str | None:
    """``" Type optimizer.learning_rate=1e-5."`` for ``lr``; None where no option of the command is meant."""
    leaf = key.rpartition(".")[2].lower().replace("-", "_")
    known = _known(schema)
    if key in LOGGERS and schema is Config:  # wandb=false
        return f" Type logger={'csv' if value.lower() in ('false', 'no', 'off', '0', 'null') else key}."
    for target, names in ALIASES.items():
        if target in known and target != key and leaf in names.split():
            return f" Type {target}={VALUES.get(leaf, value)}."
    same = [name for name in known if name.rpartition(".")[2] == leaf and name != key]
    if len(same) == 1:
        return f" Type {same[0]}={value}."
    return f" Did you mean {', '.join(same[:-1])} or {same[-1]}?" if same else None


def near(key: str, schema: type[Any] = Config) -> str | None:
    """``" Did you mean trainer.max_epochs?"`` by the spelling, among all options of the command."""
    leaves = {name.rpartition(".")[2]: name for name in _known(schema)}
    close = difflib.get_close_matches(key.rpartition(".")[2], list(leaves), n=1, cutoff=0.75)
    return f" Did you mean {leaves[close[0]]}?" if close else None


def choice_called(word: str) -> str | None:
    """``experiment=demo`` for ``demo``: the choice of a group that has this name."""
    for group in ("experiment", "model", "targets", "debug", "protocol"):
        if re.fullmatch(r"\w+", word) and (conf_folder() / group / f"{word}.yaml").is_file():
            return f"{group}={word}"
    return f"source={word}" if any(word in dataset.names for dataset in datasets().values()) else None


def model_called(value: str) -> str | None:
    """The choice of the group model with this encoder: ``large`` for ``xlmr-large``; None where there is none."""
    name = re.sub(r"^xlm-?r(?=[-_])", "xlm-roberta", value.rpartition("/")[2].lower()).replace("_", "-")
    for file in sorted((conf_folder() / "model").glob("*.yaml")):
        found = re.search(r"^ *encoder: *(\S+)", file.read_text(encoding="utf-8"), re.MULTILINE)
        if found and found[1].rpartition("/")[2].lower() == name:
            return file.stem
    return None


def unknown_as_well(arguments: Sequence[str], first: str, command: type[Any] = Config) -> Iterator[str]:
    """Sentences for the other keys among ``arguments`` that no option has: Hydra stops at the ``first``."""
    known, tops = set(_known(command)), {field.name for field in dataclasses.fields(command)}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        top, dot, _ = key.partition(".")
        if not equals or key == first or not re.fullmatch(r"\w[\w.-]*", key) or top == "hydra":
            continue
        nowhere = top not in tops and not (conf_folder() / top).is_dir()
        inside = dot and top in CLOSED and top in tops and key not in known and not key.startswith("trainer.extra.")
        if nowhere or inside:
            yield not_an_option(key, elsewhere(key, value, command) or near(key, command) or "")


def not_an_option(key: str, instead: str) -> str:
    return f"{key} is not an option of this configuration.{instead}"


def refuse_dashes(arguments: Sequence[str], flags: Sequence[str], command: type[Any] = Config) -> None:
    """Raise UserError for ``--lr 1e-5``, with all of them as Hydra has them; ``flags``: Hydra's."""
    answers = []
    for index, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if argument.startswith("-") and argument not in flags and (option := option_of(argument, command)):
            answers.append(f"{argument} is taken for a flag. For the file type {shlex.quote(f'{option}={argument}')}.")
            continue
        if not re.fullmatch(r"--[a-zA-Z][\w.-]*", name) or any(flag.startswith(name) for flag in flags):
            continue
        after = arguments[index + 1] if index + 1 < len(arguments) else "-"
        given = value if equals else after if "=" not in after and not after.startswith("-") else "true"
        key = name[2:].replace("-", "_")
        itself = f" Type {key}={given}." if key in _known(command) else None
        answer = itself or elsewhere(key, given, command) or near(key, command) or ""
        answers.append(f"{name} is not an option: options are typed name=value, without dashes.{answer}")
    if answers:
        raise UserError("\n".join(answers))
