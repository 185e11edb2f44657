"""One source (or a mixture) to train on and any number of targets to score on, in one LightningDataModule."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytorch_lightning as pl
from torch.utils.data import DataLoader

from sentiment_transfer.data.audit import leaked_rows, row_keys
from sentiment_transfer.data.base import ReviewDataModule
from sentiment_transfer.data.batches import Batch, TokenBatches, TrainingOrder, scoring_loader, training_loader
from sentiment_transfer.data.sets import ReviewSet, audit_sets
from sentiment_transfer.data.shots import Labelled, epoch_rows, few_examples
from sentiment_transfer.data.tokens import TokenStore, token_store, tokenizer_digest
from sentiment_transfer.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

log = logging.getLogger(__name__)


class TransferDataModule(pl.LightningDataModule):
    """Trains on ``source``, scores on the test sets of ``source`` and ``targets``.

    ``read()`` reads and audits the reviews, ``tokenise(tokenizer)`` fills the token stores; ``setup`` does what of
    the two is still to do. A target that cannot be had is named in ``unavailable`` with the reason, unless
    ``targets_required``; a source that cannot be had raises UserError.

    Args:
        source: datasets to train on, by name; several are one shuffled mixture.
        targets: datasets to score on, by name. A name that is also in ``source`` is a supervised score.
        tokenizer: needed by the loaders; may be given to ``tokenise`` instead.
        batch_size: reviews per optimiser step, of all processes together; cut into ``accumulate`` equal parts for each.
        max_length: tokens per review, special tokens included; the rest is cut.
        labelled: the target whose labels are trained on as well, or the source of which few are.
        dedup: drop test rows whose text (case, width and punctuation folded) the run trains on.
        oracle: also read the targets' dev sets, for the selection that is no zero-shot number.
        packed: whether batches are packed (one row of tokens, for networks that take that) or padded.
        score_batch_tokens: tokens of a scoring batch, padding included.
        rank, world: which process this is of how many that share every batch; the loaders give its part.
    """

    def __init__(
        self,
        source: Mapping[str, ReviewDataModule],
        targets: Mapping[str, ReviewDataModule] | None = None,
        *,
        labelled: Labelled | None = None,
        tokenizer: PreTrainedTokenizerBase | None = None,
        batch_size: int = 32,
        accumulate: int = 1,
        max_length: int = 256,
        seed: int = 0,
        dedup: bool = False,
        oracle: bool = False,
        targets_required: bool = False,
        packed: bool = False,
        score_batch_tokens: int = 16_384,
        rank: int = 0,
        world: int = 1,
        num_workers: int = 0,
        cache_dir: str | Path = "~/.cache/sentiment-transfer",
    ) -> None:
        super().__init__()
        self.source, self.targets, self.labelled = dict(source), dict(targets or {}), labelled
        self.tokenizer = tokenizer
        self.batch_size, self.accumulate, self.max_length, self.seed = batch_size, accumulate, max_length, seed
        self.dedup, self.oracle, self.targets_required = dedup, oracle, targets_required
        self.packed, self.score_batch_tokens, self.num_workers = packed, score_batch_tokens, num_workers
        self.rank, self.world = rank, world
        self.cache_dir = Path(cache_dir).expanduser()
        self.train_sets: list[ReviewSet] = []
        self.dev_sets: list[ReviewSet] = []  # the source's, then (oracle) the targets'
        self.test_sets: list[ReviewSet] = []
        self.unavailable: dict[str, str] = {}
        self.removed: dict[str, int] = {}  # by dedup, per test set
        self.audit: dict[str, Any] = {}
        self._order: TrainingOrder | None = None  # of the fit that is going on

    @property
    def classes(self) -> tuple[str, ...]:
        return self.train_sets[0].reviews.classes

    @property
    def source_dev_names(self) -> list[str]:
        return [s.name for s in self.dev_sets if s.name in self.source]

    @property
    def sets(self) -> list[ReviewSet]:
        """Every split of every dataset that the run reads."""
        return [*self.train_sets, *self.dev_sets, *self.test_sets]

    @property
    def stores(self) -> list[TokenStore]:
        return [s.tokens for s in self.sets if s.tokens is not None]

    def protocol(self, name: str) -> str:
        """``supervised`` (the run trains on it; ``few-label``: on some of it), ``zero-shot`` (its language is new),
        ``cross-domain``, or of a target whose labels are trained on beside the source ``joint`` and ``few-shot``."""
        labelled = self.labelled if self.labelled and self.labelled.name == name else None
        if name in self.source:
            return "few-label" if labelled and labelled.shots else "supervised"
        if labelled:
            return "few-shot" if labelled.shots else "joint"
        languages = {module.language for module in self.source.values()}
        return "cross-domain" if self.targets[name].language in languages else "zero-shot"

    def read(self) -> None:
        """Read every split that the run needs and audit it. Raises UserError for a source that cannot be had."""
        self.train_sets, self.dev_sets, self.test_sets, self.unavailable, self.removed = [], [], [], {}, {}
        for name, module in self.source.items():
            self.train_sets.append(self._training_set(name, module))
            # Whoever has few labels of a set has no development set of a thousand.
            if module.has("dev") and self.protocol(name) == "supervised":
                self.dev_sets.append(ReviewSet(name, "dev", module.reviews("dev")))
            if module.has("test"):
                self.test_sets.append(ReviewSet(name, "test", module.reviews("test")))
        if self.labelled and self.labelled.name in self.targets:
            self.train_sets.append(self._training_set(self.labelled.name, self.targets[self.labelled.name]))
        for name, module in self.targets.items():
            try:
                # What a dataset is when it is a target may differ from when it is trained on: all five IndoLEM
                # folds, say. Trained-on names keep the source's own test rows, which no training row is in.
                if name not in self.source:
                    self.test_sets.append(ReviewSet(name, "test", module.reviews("test")))
                    if self.oracle and module.has("dev"):
                        self.dev_sets.append(ReviewSet(name, "dev", module.reviews("dev")))
            except UserError as error:
                if self.targets_required:
                    raise UserError(f"The target {name} is required but cannot be had. {error}") from error
                self.unavailable[name] = str(error)
                log.warning("The target %s is left out. %s", name, error)
        self._audit()

    def _training_set(self, name: str, module: ReviewDataModule) -> ReviewSet:
        reviews = module.reviews("train")
        if self.labelled and self.labelled.name == name and self.labelled.shots:
            reviews = few_examples(reviews, module.reviews("test"), self.labelled)
        train = ReviewSet(name, "train", reviews)
        self._refuse_single_class(train)
        return train

    @property
    def epoch_rows(self) -> np.ndarray:  # (n,) int64
        """The rows of an epoch, counted through all training sets."""
        return epoch_rows([s.name for s in self.train_sets], [len(s.reviews) for s in self.train_sets], self.labelled)

    def _refuse_single_class(self, train: ReviewSet) -> None:
        counts = train.reviews.label_counts()
        absent = [label for label, count in counts.items() if count == 0]
        if absent:
            raise UserError(
                f"The training set of {train.name} has no {' and no '.join(absent)} row ({counts}): a classifier "
                "cannot be trained on it. Check the label column and the labels mapping."
            )

    def _audit(self) -> None:
        keys: dict[tuple[str, str], np.ndarray] = {(s.name, s.split): row_keys(s.reviews) for s in self.sets}
        audit = audit_sets(self.train_sets, [*self.dev_sets, *self.test_sets], keys)
        if self.dedup:
            seen = np.concatenate([keys[s.name, s.split] for s in self.train_sets])
            self.test_sets = [self._without(s, leaked_rows(seen, keys[s.name, s.split])) for s in self.test_sets]
        self.audit = audit | {"dedup": self.dedup, "removed": self.removed}

    def _without(self, test_set: ReviewSet, leaked: np.ndarray) -> ReviewSet:
        self.removed[test_set.name] = len(leaked)
        if len(leaked) == len(test_set.reviews):
            raise UserError(
                f"data.dedup=true would remove all {len(leaked)} test rows of {test_set.name}, because every one is in "
                "the training set. Use another target, or data.dedup=false."
            )
        kept = np.setdiff1d(np.arange(len(test_set.reviews)), leaked)
        return replace(test_set, reviews=test_set.reviews.take(kept))

    def tokenise(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Open (or build) the token store of every split, and add token lengths to the audit."""
        self.tokenizer = tokenizer
        digest = tokenizer_digest(tokenizer)

        def filled(review_set: ReviewSet) -> ReviewSet:
            tokens = token_store(review_set.reviews, tokenizer, self.max_length, self.cache_dir, digest)
            self.audit["splits"][review_set.name][review_set.split] |= tokens.length_report(self.max_length)
            return replace(review_set, tokens=tokens)

        self.train_sets = [filled(s) for s in self.train_sets]
        self.dev_sets = [filled(s) for s in self.dev_sets]
        self.test_sets = [filled(s) for s in self.test_sets]

    def setup(self, stage: str | None = None) -> None:
        if not self.train_sets:
            self.read()
        if self.train_sets[0].tokens is None:
            if self.tokenizer is None:
                raise UserError("TransferDataModule has no tokenizer: pass tokenizer=..., or call tokenise(tokenizer).")
            self.tokenise(self.tokenizer)

    def train_dataloader(self) -> DataLoader[Batch]:
        """Random batches; where the trainer goes on from the middle of an epoch, from the batch it had reached."""
        self._order = self._order or self.order()
        return training_loader(self._batches(*self.train_sets), self._order, self.num_workers)

    def order(self, **changes: int) -> TrainingOrder:
        usual = {"accumulate": self.accumulate, "rank": self.rank, "world": self.world}
        return TrainingOrder(self.epoch_rows, self.batch_size, self.seed, **(usual | changes))

    def order_of(self, state_dict: dict[str, int]) -> TrainingOrder:
        """The order of the run that saved ``state_dict``: other memory or devices may have cut batches otherwise."""
        return self.order(accumulate=state_dict["accumulate"], world=state_dict["world"], rank=0)

    def state_dict(self) -> dict[str, int]:
        """The epoch and the number of batches (parts of one, where they are cut) that it has gone through."""
        if self.trainer is None:
            return {}
        loop = self.trainer.fit_loop
        epoch = int(loop.epoch_progress.current.state_dict()["processed"])
        start = loop.epoch_loop.batch_progress.current.ready
        return {"epoch": epoch, "start": start, "accumulate": self.accumulate, "world": self.world}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        # The loops are restored later than this; the loader was made before it (FSDP) or is made after it (otherwise).
        self._order = self._order or self.order()
        self._order.go_on(state_dict["epoch"], self._order.place_of(state_dict["start"], self.order_of(state_dict)))

    def teardown(self, stage: str) -> None:
        if stage == "fit":
            self._order = None

    def val_dataloader(self) -> list[DataLoader[Batch]]:
        return [self._scoring(review_set) for review_set in self.dev_sets]

    def test_dataloader(self) -> list[DataLoader[Batch]]:
        return [self._scoring(review_set) for review_set in self.test_sets]

    def scoring_dataloader(self, sets: Sequence[ReviewSet]) -> DataLoader[Batch]:
        """Several sets as one, longest reviews first whichever set they are of; rows count through all of them."""
        return self._scoring(*sets)

    def _scoring(self, *sets: ReviewSet) -> DataLoader[Batch]:
        batches = self._batches(*sets)
        return scoring_loader(batches, self.score_batch_tokens, self.num_workers, rank=self.rank, world=self.world)

    def _batches(self, *sets: ReviewSet) -> TokenBatches:
        assert self.tokenizer is not None
        stores = [s.tokens for s in sets if s.tokens is not None]
        labels = np.concatenate([s.reviews.labels for s in sets])
        return TokenBatches(stores, labels, self.tokenizer.pad_token_id, packed=self.packed)
