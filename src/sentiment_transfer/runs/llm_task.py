"""The questions to a language model: the test sets with their texts and prompts, and the examples."""

from __future__ import annotations

from dataclasses import dataclass

from sentiment_transfer.config.program_options import EvaluateConfig
from sentiment_transfer.data.base import ReviewSet
from sentiment_transfer.data.catalog import make_datasets
from sentiment_transfer.data.shots import Labelled
from sentiment_transfer.data.transfer import ReadOptions, TransferDataModule
from sentiment_transfer.llm.prompt import Prompt, make_prompt
from sentiment_transfer.results.languages import language
from sentiment_transfer.runs.build import refuse_nothing_to_score


@dataclass(frozen=True)
class Task:
    """A test set with its texts and its prompt."""

    split: ReviewSet
    texts: list[str]
    prompt: Prompt


def prepare(config: EvaluateConfig) -> tuple[TransferDataModule, list[Task], list[str]]:
    """The data, audited against the examples; a task per test set; the ids of the examples. Raises UserError."""
    llm = config.llm
    labelled = None
    if llm.shots:
        [name] = config.source
        labelled = Labelled(name, llm.shots, llm.seed, alone=True, option="llm.shots")
    data = TransferDataModule(
        make_datasets(config.source, config.paths, config.data.seed),
        make_datasets(config.targets, config.paths, config.data.seed),
        labelled=labelled,
        read_options=ReadOptions(targets_required=config.data.targets_required),
        cache_dir=config.paths.cache_dir,
    )
    data.read()
    examples = [s.reviews for s in data.train_sets[:1]]  # a source that is a target as well is read in both roles
    data.train_sets, data.dev_sets = [], []
    data.test_sets = [s for s in data.test_sets if s.name in config.targets]
    refuse_nothing_to_score(data, "There is nothing to score on: no target is available.")
    data.audit["splits"] = {s.name: {"test": data.audit["splits"][s.name]["test"]} for s in data.test_sets}
    shown = [
        (text, reviews.classes[label], language_name(reviews.language))
        for reviews in examples
        for text, label in zip(reviews.table["text"].to_pylist(), reviews.labels.tolist(), strict=True)
    ]
    tasks = [
        Task(
            split,
            split.reviews.table["text"].to_pylist(),
            make_prompt(llm, config.prompts, split.name, split.reviews, language_name(split.reviews.language), shown),
        )
        for split in data.test_sets
    ]
    return data, tasks, [each for reviews in examples for each in reviews.ids]


def language_name(code: str) -> str:
    known = language(code)
    return known.name if known else code
