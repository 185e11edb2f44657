"""The targets of an evaluation, audited against what the model was trained on where that is known and at hand."""

from __future__ import annotations

import logging
from typing import Any

from omegaconf import DictConfig, OmegaConf

from sentiment_transfer.data.registry import make_datasets
from sentiment_transfer.data.transfer import ReadOptions, TransferDataModule
from sentiment_transfer.errors import UserError
from sentiment_transfer.results.record import RunResult

log = logging.getLogger(__name__)

UNKNOWN = "unknown"  # the source and the protocol of a model whose training data is not known


class EvaluationData:
    """The test sets that a model is scored on.

    ``sets`` are read and audited as a run's are. A target that the model was trained on has its source's test rows,
    which no training row is in. Raises UserError where no target can be had.
    """

    def __init__(self, config: DictConfig, trained: RunResult | None) -> None:
        self.sources: dict[str, DictConfig] = (
            {name: OmegaConf.create(plain) for name, plain in trained["config"]["source"].items()} if trained else {}
        )
        self.unread = ""  # why the training data could not be audited against
        self.data = self._read(config)
        self.sets = [s for s in self.data.test_sets if s.name in config.targets]
        self._known = trained is not None
        self._languages = {name: plain.get("language") for name, plain in self.sources.items()}
        if trained:
            self._languages |= {n: e["language"] for n, e in trained["scores"].items() if e["role"] == "source"}
        if not self.sets:
            reasons = "".join(f" {name}: {reason}" for name, reason in self.data.unavailable.items())
            raise UserError(f"There is nothing to score on: no target can be had.{reasons}")

    @property
    def audit(self) -> dict[str, Any]:
        """Of the test sets: what was trained on is audited in the run's own record."""
        found = self.data.audit
        splits = {s.name: {"test": found["splits"][s.name]["test"]} for s in self.sets}
        overlaps = [o for o in found["overlaps"] if o["split"] == "test" and o["scored"] in splits]
        unread = {"unread": self.unread} if self.unread else {}
        return found | {"splits": splits, "overlaps": overlaps} | unread

    def protocol(self, name: str) -> str:
        """``supervised``, ``zero-shot`` or ``cross-domain``; ``unknown`` where the training data is."""
        if not self._known:
            return UNKNOWN
        if name in self.sources:
            return "supervised"
        language = next(s.reviews.language for s in self.sets if s.name == name)
        return "cross-domain" if language in self._languages.values() else "zero-shot"

    def _read(self, config: DictConfig) -> TransferDataModule:
        data = self._module(config, self.sources)
        try:
            data.read()
            return data
        except UserError as error:
            if not self.sources or config.data.targets_required or config.data.dedup:
                raise
            self.unread = f"The training data of the run cannot be read, so nothing is audited against it. {error}"
            log.warning("%s", self.unread)
        data = self._module(config, {})
        data.read()
        # The rows that training left out are only known from the source itself.
        data.test_sets = [s for s in data.test_sets if s.name not in self.sources]
        data.unavailable |= {name: self.unread for name in self.sources if name in config.targets}
        return data

    def _module(self, config: DictConfig, sources: dict[str, DictConfig]) -> TransferDataModule:
        if config.data.dedup and not sources:
            raise UserError("data.dedup=true needs to know what the model was trained on: leave it out.")
        return TransferDataModule(
            make_datasets(sources, config.paths, config.data.seed),
            make_datasets(config.targets, config.paths, config.data.seed),
            read_options=ReadOptions(dedup=config.data.dedup, targets_required=config.data.targets_required),
            cache_dir=config.paths.cache_dir,
        )
