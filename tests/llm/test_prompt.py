"""Prompts: what is asked, in which language, and what is refused before anything is sent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hydra import compose, initialize_config_dir
from tests.helpers.runs import ROOT

from sentiment_transfer.config.checks import validate
from sentiment_transfer.config.llm_options import LlmConfig, PromptConfig
from sentiment_transfer.config.program_options import EvaluateConfig
from sentiment_transfer.config.run_name import evaluation_name
from sentiment_transfer.data.reviews import THREE_CLASS, Reviews
from sentiment_transfer.errors import UserError
from sentiment_transfer.llm.prompt import make_prompt

ASKED = ("checkpoint=llm", "llm.base_url=http://127.0.0.1:1/v1", "llm.model=m", "targets=written_ja")


def settings(*overrides: str) -> EvaluateConfig:
    with initialize_config_dir(version_base="1.3", config_dir=str(ROOT / "conf")):
        return validate(compose("evaluate", overrides=[*ASKED, *overrides]), EvaluateConfig)


def name(*overrides: str) -> str:
    with initialize_config_dir(version_base="1.3", config_dir=str(ROOT / "conf")):
        return evaluation_name(compose("evaluate", overrides=[*ASKED, *overrides]))


def reviews(language: str = "ja", classes: tuple[str, ...] = ("negative", "positive")) -> Reviews:
    return Reviews.from_columns(
        ["1"], ["{labels}とても良い{text}"], [1], language=language, domain="d", classes=classes
    )


def test_the_review_stands_in_the_question_and_nothing_in_it_is_filled_in() -> None:
    config = settings()
    prompt = make_prompt(config.llm, config.prompts, "x", reviews(), "Japanese")
    system, question = prompt.messages("{labels}とても良い{text}")
    assert system["role"] == "system" and "negative / positive" in system["content"]
    assert "Review in Japanese:\n{labels}とても良い{text}\n" in question["content"]
    assert prompt.words == ("negative", "positive")


@pytest.mark.parametrize(("language", "words"), [("ja", ("否定的", "肯定的")), ("id", ("negatif", "positif"))])
def test_the_target_s_language_may_be_asked_in(language: str, words: tuple[str, ...]) -> None:
    config = settings("llm.prompt=target")
    assert make_prompt(config.llm, config.prompts, "x", reviews(language), "?").words == words


def test_examples_come_before_the_review_each_with_its_answer() -> None:
    config = settings("source=written_en", "llm.shots=1")
    shown = [("I loved it", "positive", "English"), ("Dull", "negative", "English")]
    messages = make_prompt(config.llm, config.prompts, "x", reviews(), "Japanese", shown).messages("良い")
    assert [m["role"] for m in messages] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert [m["content"] for m in messages[2:5:2]] == ["positive", "negative"]
    assert "Review in English:\nI loved it" in messages[1]["content"]


def test_a_template_is_named_by_its_content() -> None:
    config = settings()
    one = make_prompt(config.llm, config.prompts, "x", reviews(), "Japanese")
    other = make_prompt(config.llm, config.prompts, "x", reviews("id"), "Indonesian")
    assert one.digest == other.digest
    changed = {"en": replace(config.prompts["en"], system="Say it.")}
    assert make_prompt(config.llm, changed, "x", reviews(), "Japanese").digest != one.digest


def test_a_language_without_a_prompt_and_a_class_without_a_word_are_refused() -> None:
    config = settings("llm.prompt=target")
    with pytest.raises(UserError, match=r"conf/prompt/su.yaml"):
        make_prompt(config.llm, config.prompts, "nusax_su", reviews("su"), "Sundanese")
    two = {"en": PromptConfig(labels={"negative": "bad", "positive": "good"})}
    with pytest.raises(UserError, match="no word for neutral"):
        make_prompt(LlmConfig(), two, "x", reviews(classes=THREE_CLASS), "Japanese")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("prompts.en.question='Sentiment?'", "prompts.en.question has no {text}"),
        ("prompts.en.labels.positive=''", "prompts.en.labels.positive is empty"),
        ("prompts.en.labels.positive=negatively", "begins with that for negative"),
        ("prompts.en.labels.positive=Negative", "answers could not be told apart"),
        ("llm.prompt=fr", "llm.prompt=fr is unknown"),
        ("llm.model=null", "needs llm.model"),
        ("llm.base_url=null", "needs llm.base_url"),
        ("llm.base_url=localhost:80", "must begin with http"),
        ("llm.shots=2", "source= names none"),
        ("source=written_en", "add llm.shots=2"),
        ("llm.probabilities=samples", "llm.samples=5"),
        ("llm.probabilities=guess", "llm.probabilities"),
        ("llm.concurrency=0", "llm.concurrency"),
        ("+llm.extra.messages=[]", "llm.extra.messages is set by this program"),
        ("checkpoint=outputs/run", "belong to checkpoint=llm"),
    ],
)
def test_an_invalid_option_is_a_sentence(override: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        settings(override)
    assert said in str(caught.value)


def test_the_name_of_an_evaluation_says_what_answers_depend_on() -> None:
    known = name()
    assert known.startswith("evaluate-m-0shot-s0-")
    same = ("llm.concurrency=2", "llm.max_cost=1", "llm.dry_run=true", "llm.confirm=true", "prompts.ja.system=x")
    assert {name(each) for each in same} == {known}
    other = (
        "llm.seed=1",
        "llm.prompt=ja",
        "prompts.en.system=x",
        "llm.model=n",
        "llm.max_tokens=1",
        "targets=written_id",
    )
    assert known not in (names := [name(each) for each in other]) and len(set(names)) == len(other)


def test_the_names_of_other_evaluations_have_not_changed() -> None:
    with initialize_config_dir(version_base="1.3", config_dir=str(ROOT / "conf")):
        config = compose("evaluate", overrides=["checkpoint=somebody/something", "targets=smsa_id"])
    assert evaluation_name(config) == "evaluate-something-1e378bec"
