"""From a prompt's template, examples and a review to the messages of a request."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import xxhash

from sentiment_transfer.config.llm_options import OF_THE_TARGET, LlmConfig, PromptConfig
from sentiment_transfer.data.reviews import Reviews
from sentiment_transfer.errors import UserError

Message = dict[str, str]


@dataclass(frozen=True)
class Prompt:
    """A template for the reviews of one dataset.

    Attributes:
        name: of the template, as in ``prompts``.
        words: the label word of each class, in the order of the dataset's classes.
        opening: the messages before the review: the instruction, then examples with their answers.
    """

    name: str
    template: PromptConfig
    words: tuple[str, ...]
    language: str  # of the reviews, in English
    opening: tuple[tuple[str, str], ...]  # role, content

    @property
    def digest(self) -> str:
        """Equal for templates that ask the same."""
        return xxhash.xxh3_64_hexdigest(json.dumps(asdict(self.template), sort_keys=True).encode())

    def messages(self, text: str) -> list[Message]:
        question = filled(self.template.question, self.words, self.language, text)
        return [{"role": role, "content": content} for role, content in (*self.opening, ("user", question))]


def filled(template: str, words: Sequence[str], language: str, text: str = "") -> str:
    """The review last: braces in it stand for themselves."""
    return template.replace("{labels}", " / ".join(words)).replace("{language}", language).replace("{text}", text)


def make_prompt(
    llm: LlmConfig,
    prompts: Mapping[str, PromptConfig],
    dataset: str,
    reviews: Reviews,
    language: str,
    examples: Sequence[tuple[str, str, str]] = (),
) -> Prompt:
    """The prompt for the reviews of ``dataset``, whose language is called ``language`` in English. ``examples`` are
    texts with their class and language. Raises UserError where the template lacks a class of the dataset."""
    name = reviews.language if llm.prompt == OF_THE_TARGET else llm.prompt
    if name not in prompts:
        raise UserError(
            f"llm.prompt=target: {dataset} is in {language}, and there is no prompt {name}. Write "
            f"conf/prompt/{name}.yaml and add +prompt@prompts.{name}={name}, or use llm.prompt=en (docs/llm.md)."
        )
    template = prompts[name]
    if absent := [each for each in reviews.classes if each not in template.labels]:
        raise UserError(
            f"prompts.{name}.labels has no word for {absent[0]}, which {dataset} has: add "
            f"prompts.{name}.labels.{absent[0]}=..., or score it with two classes (classes=2)."
        )
    words = tuple(str(template.labels[each]).strip() for each in reviews.classes)
    opening = [("system", filled(template.system, words, language))] if template.system else []
    for text, label, example_language in examples:
        opening.append(("user", filled(template.question, words, example_language, text)))
        opening.append(("assistant", str(template.labels[label]).strip()))
    return Prompt(name, template, words, language, tuple(opening))
