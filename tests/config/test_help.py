"""``--help`` and ``docs/options.md`` list every option with the comment beside it in the schema."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import pytest
from annotated_types import Ge
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from sentiment_transfer.config.comments import field_comments, file_summary
from sentiment_transfer.config.dataset import datasets
from sentiment_transfer.config.described import options_of
from sentiment_transfer.config.folder import conf_folder
from sentiment_transfer.config.help_text import LEFT, _lines
from sentiment_transfer.config.options_page import COMMANDS, PAGE, page
from sentiment_transfer.config.registration import SCHEMAS, register

ROOT = Path(__file__).parents[2]


@dataclass
class Base:
    first: int = 0  # of the base
    second: Annotated[int | None, Ge(1)] = None


@dataclass
class Example(Base):
    # Above the line, and
    # further down.
    third: str = "a # b"
    fourth: dict[str, int] = field(
        default_factory=dict,
    )  # behind the bracket

    second: Annotated[int | None, Ge(2)] = None  # a count


def lines(command: str, width: int, *overrides: str) -> list[str]:
    register()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        return list(_lines(compose(command, list(overrides), return_hydra_config=True), width))


def test_comments_are_read_from_the_source() -> None:
    assert field_comments(Example) == {
        "first": "of the base",
        "second": "a count",
        "third": "above the line, and further down.",
        "fourth": "behind the bracket",
    }
    shown = {option.name: (option.value, option.text) for option in options_of(OmegaConf.structured(Example), Example)}
    assert shown["second"] == ("null", "integer >= 2; a count")


def test_a_file_is_summarised_by_its_first_sentence(tmp_path: Path) -> None:
    file = tmp_path / "file.yaml"
    file.write_text("# @package _global_\n# Meier et al. 2021 for few\n# texts. More.\n#   python train.py\nseed: 0\n")
    assert file_summary(file) == "Meier et al. 2021 for few texts"


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("command", COMMANDS.values())
def test_every_option_is_described_within_the_terminal(command: str, width: int) -> None:
    shown = lines(command, width)
    assert max(map(len, shown)) <= width
    bare = [line for line, after in zip(shown, [*shown[1:], ""], strict=True) if "=" in line[:LEFT] and not (
        line[LEFT + 4 :].strip() or after.startswith(" " * (LEFT + 4)))]  # fmt: skip
    assert not [line for line in bare if line.startswith("  ")], "write a comment beside the option in its dataclass"
    assert (command == "config") == any("model=large" in line for line in shown)


def test_options_of_every_choice_are_described() -> None:
    register()
    schemas = [*SCHEMAS.values(), *(dataset.config for dataset in datasets().values())]
    bare = {f"{s.__name__}.{o.name}" for s in schemas for o in options_of(OmegaConf.structured(s), s) if not o.text}
    # Groups whose choice is not made yet.
    bare -= {f"ComposedConfig.{each}" for each in ("model", "source", "targets", "schedule", "loss")} | {
        "EvaluateConfig.targets"
    }
    assert not bare, "write a comment beside the option in its dataclass"


def test_another_choice_shows_its_options() -> None:
    assert any("model.tune_epochs=2" in line for line in lines("config", 100, "model=ulmfit", "targets=none"))
    assert any("logger=csv" in line for line in lines("config", 100))


def test_the_page_is_up_to_date() -> None:
    written = (ROOT / PAGE).read_text(encoding="utf-8")
    assert written == page(), "docs/options.md is stale: type make options"
