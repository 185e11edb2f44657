"""The language model of a ULMFiT run, which is trained on texts without labels before the classifier.

No published language model is used: the starting one is trained here, on the training texts of the run and of
``model.corpora``, and the record says so. It is cached under a hash of all that it depends on; seeds share it.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeGuard, cast

import numpy as np
import torch
import xxhash
from filelock import FileLock, Timeout
from transformers import PreTrainedTokenizerBase

from sentiment_transfer.config.model_options import ModelConfig, Weights
from sentiment_transfer.config.model_options import UlmfitConfig as UlmfitSettings
from sentiment_transfer.config.schema import Config
from sentiment_transfer.config.shortened import limited
from sentiment_transfer.data.audit import keys_across, leaked_rows
from sentiment_transfer.data.catalog import make_datasets
from sentiment_transfer.data.reviews import Reviews
from sentiment_transfer.data.tokens import TokenStore, token_store, tokenizer_digest
from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.files.progress import report_stage
from sentiment_transfer.files.trust import FOLDER_MODE, OWN_CACHE, trusted_folder
from sentiment_transfer.model.ulmfit.classifier import FACTOR, UlmfitClassifier
from sentiment_transfer.model.ulmfit.language_model import LanguageModel
from sentiment_transfer.model.ulmfit.network import UlmfitConfig, awd_lstm
from sentiment_transfer.training.interruption import StopRequest
from sentiment_transfer.training.language_model import (
    LanguageModelSettings,
    LanguageModelTraining,
    perplexity,
    read_language_model,
)
from sentiment_transfer.training.trainer import choose_accelerator, choose_precision

log = logging.getLogger(__name__)

FORMAT = 1  # of the cached language models; increased when their training changes
START_SEED = 0  # of the starting language model, whatever the run's seed


def is_ulmfit(model: ModelConfig) -> TypeGuard[UlmfitSettings]:
    return isinstance(model, UlmfitSettings)


def sizes(model: ModelConfig, tokenizer: PreTrainedTokenizerBase) -> dict[str, int] | None:
    """The network's sizes, as entries of its UlmfitConfig; None where it is another encoder."""
    if not is_ulmfit(model):
        return None
    pad = cast(int, tokenizer.pad_token_id)
    return {"embedding_size": model.embedding_size, "hidden_size": model.hidden_size, "pad_token_id": pad}


def corpora(config: Config, data: TransferDataModule) -> list[Reviews]:
    """The training texts of ``model.corpora`` without those that the run is scored on; none for other encoders.

    ``data`` must be read. No label of a corpus is used, but the language model must not memorise a test text either.
    """
    if not is_ulmfit(config.model):
        return []
    scored = np.concatenate([keys_across(s.reviews) for s in [*data.dev_sets, *data.test_sets]])
    texts = []
    for name, module in make_datasets(
        limited(config.model.corpora, config.data.limit), config.paths, config.data.seed
    ).items():
        reviews = module.reviews("train")
        known = leaked_rows(scored, keys_across(reviews))
        if len(known) < len(reviews):
            texts.append(reviews.take(np.setdiff1d(np.arange(len(reviews)), known)))
        if len(known):
            log.info("Left %d texts of %s out of the language model: the run is scored on them.", len(known), name)
    return texts


def learn_language(
    config: Config,
    data: TransferDataModule,
    tokenizer: PreTrainedTokenizerBase,
    module: UlmfitClassifier,
    folder: Path,
    stop: StopRequest,
) -> dict[str, float]:
    """Train the starting language model, tune it on the source's texts, and load it into ``module``'s encoder.

    Stages that an earlier attempt or another run has finished are read from disk. Does nothing without
    ``model.weights=pretrained``. Returns the metrics to log: the last perplexities of both stages.
    """
    model = config.model
    if not is_ulmfit(model) or model.weights != Weights.pretrained:
        return {}
    stage = LanguageStage(config, model, data, tokenizer, cast(UlmfitConfig, module.ulmfit.config), stop)
    facts = {"start": stage.start() | stage.held_out()}
    if model.tune_epochs:
        # Beside the classifier's checkpoint, and removed with it when the run is finished.
        facts["tuned"] = stage.tune(folder / "checkpoints" / "language-model.safetensors") | stage.held_out()
    module.ulmfit.encoder.load_state_dict(stage.model.encoder.state_dict())
    module.language_seconds = sum(stage_facts.pop("seconds") for stage_facts in facts.values())
    module.language_model = facts | {"corpora": list(model.corpora), "tokens": stage.tokens}
    return {
        f"language_model/{name}_{key}": value[-1] if isinstance(value, list) else value
        for name, stage_facts in facts.items()
        for key, value in stage_facts.items()
    }


class LanguageStage:
    """Trains a starting language model and tunes it."""

    def __init__(
        self,
        config: Config,
        model: UlmfitSettings,
        data: TransferDataModule,
        tokenizer: PreTrainedTokenizerBase,
        network: UlmfitConfig,
        stop: StopRequest,
    ) -> None:
        self.config, self.settings, self.data, self.stop = config, model, data, stop
        accelerator = choose_accelerator(config.trainer.accelerator)
        self.device = torch.device(accelerator)
        self.bf16 = choose_precision(config.trainer.precision, accelerator).startswith("bf16")
        reviews = corpora(config, data)
        more = [token_store(r, tokenizer, config.data.max_length, data.cache_dir) for r in reviews]
        self.own = _stores([s.tokens for s in data.train_sets])
        self.all = [*self.own, *more]
        self.dev = _stores([s.tokens for s in data.dev_sets if s.name in data.source])
        self.tokens = sum(len(store.tokens) for store in self.all)
        torch.manual_seed(START_SEED)
        dropouts = network.dropouts.scaled(model.language_model_dropout)
        self.model = LanguageModel(awd_lstm(network, dropouts)).to(self.device)
        self.start_settings = LanguageModelSettings(
            model.start_epochs, model.start_learning_rate, factor=1, seed=START_SEED, bf16=self.bf16
        )
        decides = {
            "format": FORMAT,
            "texts": [r.text_digest() for r in [*(s.reviews for s in data.train_sets), *reviews]],
            "tokenizer": tokenizer_digest(tokenizer),
            "max_length": config.data.max_length,
            "settings": asdict(self.start_settings),
            "dropouts": asdict(dropouts),
            "sizes": [network.embedding_size, network.hidden_size, network.num_hidden_layers],
        }
        self.key = xxhash.xxh3_128_hexdigest(json.dumps(decides, sort_keys=True).encode())

    def start(self) -> dict[str, Any]:
        """The starting language model's facts; trained unless cached. Runs that need the same one wait.

        Raises UserError if others can write the cache.
        """
        path = self.data.cache_dir / "language_models" / f"{self.key}.safetensors"
        path.parent.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
        with trusted_folder(path.parent, OWN_CACHE):
            if not path.exists():
                self._train_alone(path)
            return read_language_model(self.model, path)

    def _train_alone(self, path: Path) -> None:
        lock = FileLock(path.with_suffix(".lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            log.info("Another run trains the starting language model: waiting for it.")
            report_stage("waiting for the starting language model")
            lock.acquire()
        try:
            if not path.exists():
                self._train("starting language model", self.all, self.start_settings, path)
        finally:
            lock.release()

    def tune(self, path: Path) -> dict[str, Any]:
        """The facts of the tuned language model: trained on the source's texts, with a learning rate for each layer."""
        model = self.settings
        settings = LanguageModelSettings(
            model.tune_epochs, model.tune_learning_rate, factor=FACTOR, seed=self.config.seed, bf16=self.bf16
        )
        if not path.exists():
            self._train("tuned language model", self.own, settings, path)
        return read_language_model(self.model, path)

    def held_out(self) -> dict[str, float]:
        """Perplexity on the source's development texts, which no language model is trained on."""
        if not self.dev:
            return {}
        value = perplexity(self.model, self.dev, bf16=self.bf16)
        log.info("Perplexity on development texts: %.1f.", value)
        return {"dev_perplexity": round(value, 2)}

    def _train(self, name: str, stores: list[TokenStore], settings: LanguageModelSettings, path: Path) -> None:
        LanguageModelTraining(
            name,
            self.model,
            stores,
            settings,
            path,
            device=self.device,
            stop=self.stop,
            save_every_seconds=60 * self.config.trainer.save_every_minutes,
        ).run()


def _stores(stores: list[TokenStore | None]) -> list[TokenStore]:
    return [store for store in stores if store is not None]
