"""What ULMFiT cannot be asked for, said before anything loads. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterator

from omegaconf import DictConfig

ULMFIT = "builtin:ulmfit"


def ulmfit_complaints(config: DictConfig) -> Iterator[str]:
    model = config.model
    if others := [name for name in config.targets if name not in config.source]:
        yield (
            f"model=ulmfit cannot be scored on {', '.join(others)}: it is fully supervised, and its words and its "
            "language model are learnt from the texts it is trained on. Type targets=none, or train on the target."
        )
    for key in ("freeze_embeddings", "gradient_checkpointing", "trim_vocabulary"):
        if model[key]:
            yield f"model.{key}=true cannot be with model=ulmfit: leave it out."
    if model.lora_rank is not None:
        yield f"model.lora_rank={model.lora_rank} cannot be with model=ulmfit: leave it out."
    if config.trainer.micro_batch_size not in (None, config.trainer.batch_size):
        yield (
            f"trainer.micro_batch_size={config.trainer.micro_batch_size} is invalid with model=ulmfit: its head "
            "normalises over a whole batch. Use a smaller trainer.batch_size."
        )
    if config.trainer.devices != 1:
        yield (
            f"trainer.devices={config.trainer.devices} cannot be with model=ulmfit: its language model is trained on "
            "one device. Leave it out."
        )
    for key, least in {"start_epochs": 1, "tune_epochs": 0, "embedding_size": 1, "hidden_size": 1}.items():
        if model[key] < least:
            yield f"model.{key}={model[key]} cannot be: give a whole number of at least {least}."
    for key in ("start_learning_rate", "tune_learning_rate"):
        if not 0 < model[key] < float("inf"):
            yield f"model.{key}={model[key]} cannot be: give a number above 0."
    if not 0 <= model.language_model_dropout <= 1:
        yield f"model.language_model_dropout={model.language_model_dropout} cannot be: give a share from 0 to 1."
    for name, dataset in model.corpora.items():
        if dataset.kind == "indolem" and dataset.fold is None:
            yield f"model.corpora.{name}.fold is not set: its training texts belong to a fold, e.g. 0."
