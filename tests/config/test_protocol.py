"""A protocol is one option: what it means for the run, which run it is, and what cannot be is said at once."""

from __future__ import annotations

import pytest
from tests.helpers.runs import composed

from sentiment_transfer.config.checks import validate
from sentiment_transfer.config.protocol import resolve, rows_per_epoch, source_run, starts_from_source_run
from sentiment_transfer.config.run_name import run_name
from sentiment_transfer.errors import UserError

FEW = ("experiment=tiny", "targets=smsa_id", "protocol=few_shot")


def refused(*overrides: str) -> str:
    with pytest.raises(UserError) as error:
        validate(composed("experiment=tiny", *overrides))
    return str(error.value)


def test_supervised_in_a_target_is_the_run_that_has_it_as_its_source() -> None:
    plainly = composed("experiment=tiny", "protocol=supervised", "targets=amazon_ja")
    validate(plainly)
    as_source = composed("experiment=tiny", "source=amazon_ja", "targets=none")
    assert run_name(plainly) == run_name(resolve(validate(plainly))) == run_name(as_source)
    assert resolve(validate(plainly)) == validate(as_source)


def test_zero_shot_is_the_default_and_the_same_run() -> None:
    assert run_name(composed("experiment=tiny", "protocol=zero_shot")) == run_name(composed("experiment=tiny"))


@pytest.mark.parametrize(
    "change",
    [
        "protocol.shots=4",
        "protocol.sample_seed=1",
        "protocol.steps=300",
        "protocol.learning_rate=1e-5",
        "protocol.mode=joint",
    ],
)
def test_what_changes_a_few_shot_run_changes_its_name(change: str) -> None:
    assert run_name(composed(*FEW, change)) != run_name(composed(*FEW))


@pytest.mark.parametrize(
    ("protocol", "unused"),
    [
        (("protocol=zero_shot",), "protocol.sample_seed=3"),
        (FEW[1:], "protocol.target_fraction=0.3"),
        ((*FEW[1:], "protocol.mode=joint"), "protocol.steps=7"),
        (("targets=smsa_id", "protocol=joint"), "protocol.steps=7"),
        (("targets=smsa_id", "protocol=supervised"), "protocol.sample_seed=2"),
        (FEW[1:], "protocol.learning_rate=1e-3"),  # the model's own, which null stands for
    ],
)
def test_what_a_protocol_does_not_look_at_changes_no_name(protocol: tuple[str, ...], unused: str) -> None:
    assert run_name(composed("experiment=tiny", *protocol, unused)) == run_name(composed("experiment=tiny", *protocol))


def test_the_name_says_target_labels_and_draw() -> None:
    assert run_name(composed(*FEW, "protocol.shots=4", "protocol.sample_seed=2")).startswith(
        "scratch-written_en+smsa_id-4x-d2-s0-"
    )
    alone = composed("experiment=tiny", "protocol=supervised", "protocol.shots=4", "targets=smsa_id")
    assert run_name(alone).startswith("scratch-smsa_id-4x-d0-s0-")


def test_the_source_run_of_a_few_shot_run_is_the_zero_shot_run() -> None:
    few = resolve(validate(composed(*FEW, "protocol.shots=4", "protocol.sample_seed=2")))
    assert starts_from_source_run(few)
    assert run_name(source_run(few)) == run_name(composed("experiment=tiny", "targets=smsa_id"))
    assert not starts_from_source_run(resolve(validate(composed(*FEW, "protocol.mode=joint"))))


def test_all_epochs_together_make_the_steps() -> None:
    config = composed(*FEW, "protocol.steps=100", "trainer.max_epochs=3", "trainer.batch_size=8")
    assert 3 * rows_per_epoch(validate(config)) / 8 == 102


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (("protocol=few_shot",), "takes one target per run, whose labels it is trained on, but 2 are named"),
        (("protocol=joint", "targets=none"), "but none is named. Type targets=smsa_id"),
        (("protocol=few_shot", "targets=smsa_id", "protocol.shots=null"), "needs protocol.shots"),
        (("protocol.shots=4",), "type protocol=few_shot protocol.shots=4"),
        (("protocol=joint", "targets=amazon_ja", "protocol.shots=4"), "protocol=joint takes no protocol.shots"),
        (("protocol=joint", "targets=written_en"), "written_en is the source already"),
        (
            ("protocol=supervised", "targets=written_ja"),
            "protocol=supervised trains on labels of written_ja, but targets.written_ja has only a test split",
        ),
        (("protocol=supervised", "targets=indolem_id"), "Type targets.indolem_id.fold=0 (to 4)"),
        (("protocol=few_shot", "targets=jalan_ja"), "type targets.jalan_ja.splits=published"),
        (("protocol=joint", "targets=uci_en"), "type targets.uci_en.test_fraction=0.5"),
        (
            ("protocol=joint", "targets=csv", "targets.csv.path=own.csv", "targets.csv.language=ja"),
            "type targets.csv.test_fraction=0.5, or name another file",
        ),
        (("protocol=supervised", "targets=amazon_ja", "protocol.mode=joint"), "protocol.mode=joint belongs to"),
        (
            ("protocol=few_shot", "targets=amazon_ja", "protocol.shots=0"),
            "protocol.shots=0 is invalid: it must be an integer >= 1",
        ),
        (
            ("protocol=few_shot", "targets=amazon_ja", "protocol.sample_seed=-1"),
            "protocol.sample_seed=-1 is invalid: it must be an integer >= 0",
        ),
        (("protocol=few_shot", "targets=amazon_ja", "protocol.learning_rate=0"), "must be a number > 0"),
        (("protocol=few_shot", "targets=amazon_ja", "protocol.target_fraction=1"), "must be a number in (0, 1)"),
        (("protocol=few_shot", "targets=amazon_ja", "+protocol.shot=4"), "Did you mean shots?"),
    ],
)
def test_what_cannot_be_is_said_with_what_to_type(overrides: tuple[str, ...], sentence: str) -> None:
    assert sentence in refused(*overrides)
