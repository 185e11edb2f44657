"""One source (or a mixture) to train on and any number of targets to score on, in one LightningDataModule."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytorch_lightning as pl
from torch.utils.data import DataLoader

from sentiment_transfer.data.audit import audit_sets, keys_across, row_keys, rows_in
from sentiment_transfer.data.base import ReviewDataModule, ReviewSet
from sentiment_transfer.data.batches import (
    Batch,
    BatchOptions,
    ResumableSampler,
    TokenBatches,
    scoring_loader,
    training_loader,
)
from sentiment_transfer.data.shots import Labelled, epoch_rows, few_examples
from sentiment_transfer.data.tokens import TokenStore, token_store, tokenizer_digest
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.text import cache_folder

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReadOptions:
    """Which rows are read.

    Attributes:
        dedup: drop test rows whose text (case, width and punctuation folded; see data/audit.py) the run trains on.
        oracle: also read the targets' dev splits, for a selection that is not zero-shot.
        targets_required: an unavailable target raises UserError.
    """

    dedup: bool = False
    oracle: bool = False
    targets_required: bool = False


class TransferDataModule(pl.LightningDataModule):
    """Trains on ``source``, scores on the test splits of ``source`` and ``targets``.

    ``read()`` reads and audits the reviews, ``tokenise(tokenizer)`` fills the token stores; ``setup`` does both unless
    they were called before. An unavailable target is listed in ``unavailable`` with the reason; an unavailable source
    raises UserError.

    Args:
        source: datasets to train on, by name; several are one shuffled mixture.
        targets: datasets to score on, by name. A name that is also in ``source`` is a supervised score.
        labelled: the target whose labels are trained on as well, or the source of which few are.
        tokenizer: needed by the loaders; may be given to ``tokenise`` instead.
        batch_size: reviews per optimiser step, of all processes together.
        max_length: tokens per review, special tokens included; longer reviews are truncated.
        seed: of the training order.
        cache_dir: the folder of the token stores; default: see ``cache_folder``.
    """

    def __init__(
        self,
        source: Mapping[str, ReviewDataModule],
        targets: Mapping[str, ReviewDataModule] | None = None,
        *,
        labelled: Labelled | None = None,
        tokenizer: PreTrainedTokenizerBase | None = None,
        batch_size: int = 32,
        max_length: int = 256,
        seed: int = 0,
        read_options: ReadOptions | None = None,
        batch_options: BatchOptions | None = None,
        cache_dir: str | Path | None = None,
    ) -> None:
        super().__init__()
        self.source, self.targets, self.labelled = dict(source), dict(targets or {}), labelled
        self.tokenizer = tokenizer
        self.batch_size, self.max_length, self.seed = batch_size, max_length, seed
        self.read_options = read_options or ReadOptions()
        self.batch_options = batch_options or BatchOptions()
        self.cache_dir = cache_folder(cache_dir)
        self.train_sets: list[ReviewSet] = []
        self.dev_sets: list[ReviewSet] = []  # the source's, then (oracle) the targets'
        self.test_sets: list[ReviewSet] = []
        self.unavailable: dict[str, str] = {}
        self.removed: dict[str, int] = {}  # by dedup, per test set
        self.audit: dict[str, Any] = {}
        self._sampler: ResumableSampler | None = None  # of the current fit

    def __repr__(self) -> str:
        counted = [f"{n:,} {split}" for split, n in self._sizes().items()]
        read = ", ".join(counted) + " reviews" if self.train_sets else "not read yet"
        return f"TransferDataModule({'+'.join(self.source)} -> {', '.join(self.targets) or 'no targets'}: {read})"

    __str__ = __repr__  # Lightning's would set up every split

    def _sizes(self) -> dict[str, int]:
        parts = {"train": self.train_sets, "dev": self.dev_sets, "test": self.test_sets}
        return {split: sum(len(each.reviews) for each in sets) for split, sets in parts.items()}

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
        ``cross-domain``, or ``joint`` and ``few-shot`` (a target whose labels are trained on besides the source)."""
        labelled = self.labelled if self.labelled and self.labelled.name == name else None
        if name in self.source:
            return "few-label" if labelled and labelled.shots else "supervised"
        if labelled:
            return "few-shot" if labelled.shots else "joint"
        languages = {module.language for module in self.source.values()}
        return "cross-domain" if self.targets[name].language in languages else "zero-shot"

    def read(self) -> None:
        """Read every split that the run needs and audit it. Raises UserError for an unavailable source."""
        self.train_sets, self.dev_sets, self.test_sets, self.unavailable, self.removed = [], [], [], {}, {}
        for name, module in self.source.items():
            self.train_sets.append(self._training_set(name, module))
            # Few-shot runs do not use the target's development set.
            if module.has("dev") and self.protocol(name) == "supervised":
                self.dev_sets.append(ReviewSet(name, "dev", module.reviews("dev")))
            if module.has("test"):
                self.test_sets.append(ReviewSet(name, "test", module.reviews("test")))
        if self.labelled and self.labelled.name in self.targets:
            self.train_sets.append(self._training_set(self.labelled.name, self.targets[self.labelled.name]))
        for name, module in self.targets.items():
            try:
                # A dataset may have other test rows as a target than as a source, for example all five IndoLEM
                # folds. Sources keep their own test rows, which share no row with the training split.
                if name not in self.source:
                    self.test_sets.append(ReviewSet(name, "test", module.reviews("test")))
                    if self.read_options.oracle and module.has("dev"):
                        self.dev_sets.append(ReviewSet(name, "dev", module.reviews("dev")))
            except UserError as error:
                if self.read_options.targets_required:
                    raise UserError(f"The target {name} is required but unavailable. {error}") from error
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
        """The rows of an epoch, which index the concatenated training splits."""
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
        across = keys
        if len({s.name for s in self.sets}) > 1:
            across = {(s.name, s.split): keys_across(s.reviews) for s in self.sets}
        audit = audit_sets(self.train_sets, [*self.dev_sets, *self.test_sets], keys, across)
        if self.read_options.dedup:
            self.test_sets = [self._without(s, rows_in(self.train_sets, s, keys, across)) for s in self.test_sets]
        self.audit = audit | {"dedup": self.read_options.dedup, "removed": self.removed}

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
        """Random batches; a trainer that resumes within an epoch gets the batches after its position."""
        self._sampler = self._sampler or self.sampler()
        return training_loader(self._batches(*self.train_sets), self._sampler, self.batch_options.num_workers)

    def sampler(self, **changes: int) -> ResumableSampler:
        options = self.batch_options
        usual = {"micro_batches": options.micro_batches, "rank": options.rank, "world_size": options.world_size}
        return ResumableSampler(self.epoch_rows, self.batch_size, self.seed, **(usual | changes))

    def saved_sampler(self, state_dict: dict[str, int]) -> ResumableSampler:
        """The sampler of the run that saved ``state_dict``, whose batches may have been cut for other devices."""
        return self.sampler(micro_batches=state_dict["micro_batches"], world_size=state_dict["world_size"], rank=0)

    def state_dict(self) -> dict[str, int]:
        """The epoch, the number of micro-batches of it that were used, and how batches are cut into them."""
        if self.trainer is None:
            return {}
        loop = self.trainer.fit_loop
        epoch = int(loop.epoch_progress.current.state_dict()["processed"])
        start = loop.epoch_loop.batch_progress.current.ready
        if start == self.trainer.num_training_batches:
            start = len(self.sampler())  # an epoch's end, which may have left batches out
        options = self.batch_options
        cut = {"micro_batches": options.micro_batches, "world_size": options.world_size}
        return {"epoch": epoch, "start": start} | cut

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        # The loops are restored later than this; the loader was made before it (FSDP) or is made after it (otherwise).
        self._sampler = self._sampler or self.sampler()
        position = self._sampler.remap_position(state_dict["start"], self.saved_sampler(state_dict))
        self._sampler.resume(state_dict["epoch"], position)

    def teardown(self, stage: str) -> None:
        if stage == "fit":
            self._sampler = None

    def val_dataloader(self) -> list[DataLoader[Batch]]:
        return [self._scoring(review_set) for review_set in self.dev_sets]

    def test_dataloader(self) -> list[DataLoader[Batch]]:
        return [self._scoring(review_set) for review_set in self.test_sets]

    def scoring_dataloader(self, sets: Sequence[ReviewSet]) -> DataLoader[Batch]:
        """One loader over several splits, longest reviews first; ``rows`` index their concatenation."""
        return self._scoring(*sets)

    def _scoring(self, *sets: ReviewSet) -> DataLoader[Batch]:
        options = self.batch_options
        return scoring_loader(
            self._batches(*sets),
            options.score_batch_tokens,
            options.num_workers,
            rank=options.rank,
            world_size=options.world_size,
        )

    def _batches(self, *sets: ReviewSet) -> TokenBatches:
        assert self.tokenizer is not None
        stores = [s.tokens for s in sets if s.tokens is not None]
        labels = np.concatenate([s.reviews.labels for s in sets])
        return TokenBatches(stores, labels, self.tokenizer.pad_token_id, packed=self.batch_options.packed)
