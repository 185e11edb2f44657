"""A short fault campaign with the little program; ``make faults`` is the long one, with real runs."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from tests.helpers.runs import ROOT
from tests.launcher.campaign import Campaign, small_disk
from tests.launcher.sweeps import APP, noted, results, swept

JOBS = ("seed=range(12)", "steps=12", "delay=0.1", "hydra.launcher.cpu_slots=2", "hydra.launcher.preload=warm:preload")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    folder = tmp_path_factory.mktemp("undisturbed")
    assert swept(folder, "seed=range(12)", "steps=12", "delay=0", "hydra.launcher.cpu_slots=2")[0] == 0
    return results(folder)


@pytest.mark.slow
def test_whatever_is_done_to_a_sweep_the_same_command_finishes_it(
    tmp_path: Path, undisturbed: dict[str, dict[str, object]]
) -> None:
    with small_disk(tmp_path / "multirun", "2m") as disk:
        environment = {"PYTHONPATH": str(ROOT / "src"), "CUDA_VISIBLE_DEVICES": "", "QUICK": "1"}
        command = [sys.executable, str(APP), "-m", *JOBS]
        campaign = Campaign(command, tmp_path, 12, pace=0.3, seed=4, disk=disk, environment=environment)
        campaign.run(wanted=40, seconds=20)
        output = (tmp_path / "output.txt").read_text()
        assert campaign.broken == []
        assert campaign.faults.total() >= 20, campaign.faults
        assert campaign.last_code == 0, output
        assert results(tmp_path) == undisturbed
        assert set(noted(tmp_path, "ends")) == set(undisturbed)
        assert not list(tmp_path.glob("multirun/*/.slots"))
        # Of the launcher alone: Hydra's, on a full disk or where Ctrl-C met its imports, are not its, and those of a
        # job, in the list of failures, are indented.
        tracebacks = re.findall(r"^Traceback .*?\n(?=\S)[^\n]*", output, re.MULTILINE | re.DOTALL)
        assert [t for t in tracebacks if "slots_launcher" in t and not t.endswith("KeyboardInterrupt")] == []
