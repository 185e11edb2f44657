"""docs/objective.md: its optimiser and its loss, trained as its commands say; interrupted runs go on as they were."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from tests.helpers.runs import ROOT, SMALL, trained

from sentiment_transfer.errors import UserError

PAGE = (ROOT / "docs" / "objective.md").read_text(encoding="utf-8")
QUICK = (*SMALL[1:], "source.written_en.limit=64", "trainer.max_epochs=1", "trainer.average=false")


def commands() -> list[list[str]]:
    lines = [line for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
    return [shlex.split(line)[2:] for line in lines]


@pytest.mark.parametrize("command", commands(), ids=("optimiser", "loss"))
def test_the_pages_commands_run(command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, code in re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE, re.DOTALL):
        (tmp_path / name).write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    result = trained(tmp_path / "run", "experiment=tiny", *command, *QUICK)
    [target] = [value for argument in command for key, value in [argument.split("=")] if key.endswith("_target_")]
    assert list(result["inputs"]["code"]) == [target]
    group = command[0].partition(".")[0]
    assert result["config"][group]["_target_"] == target


@pytest.mark.parametrize("option", ["adafactor", "sgd"])
def test_a_run_goes_on_with_the_optimisers_state(option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sentiment_transfer.training.checkpoints import RunCheckpoints

    settings = ("experiment=tiny", *SMALL[1:], "source.written_en.limit=64", f"optimizer={option}")
    settings = (*settings, "schedule=cosine", "loss=weighted")
    whole = trained(tmp_path / "whole", *settings)
    saved = RunCheckpoints._save

    def stopped(self: RunCheckpoints, trainer: object) -> None:
        saved(self, trainer)  # type: ignore[arg-type]
        raise UserError("stopped")

    with monkeypatch.context() as patch, pytest.raises(UserError, match="stopped"):
        patch.setattr(RunCheckpoints, "_save", stopped)
        trained(tmp_path / "parts" / "run", *settings)
    parts = trained(tmp_path / "parts" / "run", *settings)
    assert parts["history"] == whole["history"] and parts["scores"] == whole["scores"]
