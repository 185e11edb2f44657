"""What stands below the finished runs of a sweep."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.helpers.runs import ROOT, finished

from hydra_plugins.slots_launcher._hooks import Hooks
from sentiment_transfer.programs.status import HOOKS
from sentiment_transfer.report.after_sweep import closing
from sentiment_transfer.report.command import default_folder
from sentiment_transfer.report.rendering.exports import PAGE


def test_the_command_that_compares_names_the_page_that_it_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (sweep := tmp_path / "my sweep").mkdir()
    page = default_folder([Path("my sweep")]) / PAGE
    assert max(map(len, closing(sweep, []))) <= 80
    assert closing(sweep, [])[-1] == f"Compare them: python report.py 'my sweep'  (writes {page})"


def test_make_status_names_the_functions_that_sweeps_do() -> None:
    conf = (ROOT / "conf" / "hydra" / "launcher" / "local.yaml").read_text()
    named = dict(re.findall(r"^(scores|closing): (\S+)", conf, re.MULTILINE))
    assert named == HOOKS
    assert Hooks(**named).has_scores


@pytest.mark.slow
def test_a_sweep_ends_with_its_scores_and_what_to_type_next(tmp_path: Path) -> None:
    tiny = ("experiment=tiny", "source.written_en.limit=64", "targets=written", "trainer.average=false")
    code, output = finished(tmp_path, "-m", *tiny, "seed=0,1", COLUMNS="80")
    assert code == 0, output
    assert (
        len(re.findall(r"^done .*  written_ja \d\d\.\d!?\* error, written_id \d\d\.\d!?\* error$", output, re.M)) == 2
    )
    assert output.rstrip().endswith("python report.py multirun  (writes multirun/report/report.html)")
    assert not list(tmp_path.glob("multirun/*/.slots")) and not list(tmp_path.rglob("progress.json*"))
