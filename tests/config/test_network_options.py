"""Pooling, freezing, new layers and rates by layer: their names of runs, and the values that are refused."""

from __future__ import annotations

import pytest
from tests.helpers.runs import composed

from sentiment_transfer.config.checks import validate
from sentiment_transfer.config.run_name import identity, run_name
from sentiment_transfer.config.typed import from_plain, plain
from sentiment_transfer.errors import UserError

DEFAULT = ("model.pooling=null", "model.freeze=null", "model.reinit_top=null", "optimizer.layer_decay=null")
OTHER = (
    "model.pooling=mean",
    "model.pooling=max",
    "model.freeze=lower_1",
    "model.freeze=lower_2",
    "model.reinit_top=1",
)


def test_each_has_a_name_of_its_own_and_the_defaults_have_none() -> None:
    usual = run_name(composed("experiment=demo"))
    assert run_name(composed("experiment=demo", *DEFAULT)) == usual
    assert not {"pooling", "freeze", "reinit_top"} & set(identity(composed("experiment=demo"))["model"])
    names = []
    for option in (*OTHER, "optimizer.layer_decay=0.9", "optimizer.layer_decay=0.8"):
        config = composed("experiment=demo", option)
        names.append(run_name(config))
        settings = plain(validate(config))
        assert plain(from_plain(settings)) == settings
    assert len({usual, *names}) == len(names) + 1


def test_two_ways_to_freeze_the_embeddings_have_one_name() -> None:
    ways = ("model.freeze=embeddings", "model.freeze_embeddings=true")
    assert len({run_name(composed("experiment=demo", way)) for way in ways}) == 1


@pytest.mark.parametrize(
    ("options", "answer"),
    [
        (["model.freeze=lower"], r"model\.freeze=lower is invalid: type embeddings, encoder, or lower_k"),
        (["model.freeze=lower_0"], r"model\.freeze=lower_0 is invalid"),
        (["model.freeze=encoder", "model.lora_rank=4"], r"model\.freeze=encoder is invalid with model\.lora_rank"),
        (["model.freeze=encoder", "model.reinit_top=1"], r"the new layers would not be trained"),
        (["model.reinit_top=0"], r"model\.reinit_top=0 is invalid: it must be an integer >= 1"),
        (["model.reinit_top=1", "model.weights=random"], r"invalid with model\.weights=random"),
        (["optimizer.layer_decay=1.5"], r"optimizer\.layer_decay=1\.5 is invalid"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_read(options: list[str], answer: str) -> None:
    with pytest.raises(UserError, match=answer):
        validate(composed("experiment=demo", *options))
