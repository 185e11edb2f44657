"""Shortened runs: data.limit and the group debug."""

from __future__ import annotations

import pytest
from tests.helpers.runs import composed

from sentiment_transfer.config.checks import validate
from sentiment_transfer.config.cost import run_cost
from sentiment_transfer.config.run_name import identity, run_name
from sentiment_transfer.config.shortened import limited, shortened_caveats
from sentiment_transfer.config.typed import from_plain, plain


def test_a_datasets_own_limit_wins() -> None:
    config = validate(composed("experiment=tiny", "source.written_en.limit=256", "data.limit=10"))
    assert limited(config.source, config.data.limit)["written_en"].limit == 256
    assert {each.limit for each in limited(config.targets, config.data.limit).values()} == {10}
    assert {each.limit for each in limited(config.targets, None).values()} == {None}


def test_a_limit_is_of_the_name_and_the_record_and_a_whole_run_keeps_its_own() -> None:
    whole, short = composed("experiment=tiny"), composed("experiment=tiny", "data.limit=10")
    assert "limit" not in identity(whole)["data"]
    assert run_name(whole) != run_name(short)
    settings = plain(validate(short))
    assert settings["data"]["limit"] == 10
    assert plain(from_plain(settings)) == settings
    assert run_cost(short) < run_cost(whole)


def test_a_limit_has_a_bound() -> None:
    with pytest.raises(Exception, match=r"data\.limit=1 is invalid: it must be an integer >= 2"):
        validate(composed("experiment=tiny", "data.limit=1"))


@pytest.mark.parametrize(
    ("name", "rows", "epochs"), [("fast", 64, 1), ("overfit", 64, 30), ("limit", 100, 5), ("profile", 256, 1)]
)
def test_debug_runs_are_shortened_and_upload_nothing(name: str, rows: int, epochs: int) -> None:
    config = validate(composed("experiment=demo", "logger=wandb", f"debug={name}"))
    config_of_experiment = validate(composed("experiment=demo", f"debug={name}"))
    assert config_of_experiment.logger.wandb is None
    assert config.logger.wandb is not None  # as typed
    assert config.trainer.max_epochs == epochs
    assert shortened_caveats(config) == [f"shortened: data.limit={rows}"]


def test_what_is_typed_wins_over_a_debug_run() -> None:
    config = validate(composed("experiment=demo", "debug=fast", "trainer.max_epochs=3", "data.limit=20"))
    assert (config.trainer.max_epochs, config.data.limit) == (3, 20)


def test_a_whole_run_has_no_caveat() -> None:
    assert shortened_caveats(validate(composed("experiment=demo"))) == []
