"""Groups optimizer, schedule and loss: composed, typed by _target_, named and recorded."""

from __future__ import annotations

import copy
import pickle

import pytest
from tests.helpers.runs import composed

from sentiment_transfer.config.checks import validate
from sentiment_transfer.config.run_name import run_name
from sentiment_transfer.config.typed import from_plain, plain
from sentiment_transfer.errors import UserError

CHANGES = [
    ("optimizer=sgd",),
    ("optimizer=adafactor",),
    ("optimizer=lion",),
    ("optimizer.layer_decay=0.9",),
    ("optimizer._target_=my_optim.Mine", "+optimizer.momentum=[1,2]"),
    ("schedule=cosine",),
    ("schedule=constant",),
    ("loss=weighted",),
    ("loss=weighted", "loss.class_weights={negative: 2, positive: 1}"),
    ("loss=focal", "loss.gamma=1"),
    ("loss=label_smoothing",),
    ("loss._target_=my_loss.Mine",),
]


def test_defaults_are_in_no_name_and_no_record() -> None:
    config = composed("logger=none")
    spelt = composed("logger=none", "optimizer=adamw", "schedule=linear", "loss=cross_entropy")
    assert run_name(config) == run_name(spelt) == "base-amazon_en-s0-cd515a04"  # as before there were such groups
    values = plain(validate(config))
    assert "loss" not in values and "schedule" not in values
    assert list(values["optimizer"]) == [
        "learning_rate", "weight_decay", "warmup_ratio", "beta1", "beta2", "eps", "max_grad_norm",
    ]  # fmt: skip


@pytest.mark.parametrize("overrides", CHANGES, ids=" ".join)
def test_each_is_another_run_and_survives_its_record(overrides: tuple[str, ...]) -> None:
    config = composed("logger=none", *overrides)
    settings = validate(config)
    assert run_name(config) == run_name(settings) != "base-amazon_en-s0-cd515a04"
    values = plain(settings)
    assert values == plain(config) == plain(from_plain(values))
    assert plain(pickle.loads(pickle.dumps(settings))) == plain(copy.deepcopy(settings)) == values


def test_an_optimiser_of_ones_own_has_the_shared_options() -> None:
    mine = validate(composed("logger=none", "optimizer._target_=my_optim.Mine", "optimizer.warmup_ratio=0.2"))
    assert mine.optimizer.arguments() == {} and mine.optimizer.warmup_ratio == 0.2
    assert mine.optimizer.learning_rate == mine.model.learning_rate


def test_rates_follow_the_models() -> None:
    rates = {o: composed(f"optimizer={o}", "model=large").optimizer.learning_rate for o in ("adamw", "lion", "sgd")}
    assert rates == {"adamw": 1e-5, "lion": 2e-6, "sgd": 5e-3}
    assert composed("model=ulmfit", "targets=none").optimizer.beta1 == 0.7


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (("optimizer.layer_decay=1.5",), "optimizer.layer_decay=1.5 is invalid: it must be a number in (0, 1]."),
        (("+optimizer.beta9=1",), "optimizer.beta9 is not an option. Did you mean beta2?"),
        (("loss=weighted", "loss.class_weights=3"), "loss.class_weights=3 is invalid: type"),
        (("loss=weighted", "loss.class_weights={negative: -1}"), "loss.class_weights.negative=-1 is invalid"),
        (("model=ulmfit", "targets=none", "schedule=cosine"), "schedule is invalid with model=ulmfit"),
        (
            ("model=ulmfit", "targets=none", "optimizer.layer_decay=0.9"),
            "is invalid with model=ulmfit, where",
        ),
    ],
)
def test_what_is_invalid_is_a_sentence(overrides: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(UserError) as refused:
        validate(composed("logger=none", *overrides))
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("recipe", "rate", "epochs"),
    [("xtreme", 2e-5, 5), ("stable", 2e-5, 20), ("discriminative", 1e-5, 4)],
)
def test_a_recipe_composes_with_any_model_and_source(recipe: str, rate: float, epochs: int) -> None:
    config = validate(composed(f"experiment=recipe_{recipe}", "model=large", "source=amazon_ja", "targets=smsa_id"))
    assert (config.model.name, list(config.source), list(config.targets)) == ("large", ["amazon_ja"], ["smsa_id"])
    assert (config.optimizer.learning_rate, config.trainer.max_epochs) == (rate, epochs)
    changed = composed(f"experiment=recipe_{recipe}", "optimizer.learning_rate=3e-5", "trainer.max_epochs=2")
    assert (changed.optimizer.learning_rate, changed.trainer.max_epochs) == (3e-5, 2)
