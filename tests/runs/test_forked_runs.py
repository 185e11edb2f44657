"""Runs of a sweep that are forked from one process are those that are started afresh, to the bit."""

from __future__ import annotations

from pathlib import Path

from tests.helpers.runs import finished

SWEEP = ["experiment=demo", "data.limit=48", "trainer.max_epochs=1", "logger=none", "hydra.launcher.cpu_slots=1"]


def swept(cwd: Path, *more: str) -> None:
    cwd.mkdir()
    code, output = finished(cwd, "-m", *SWEEP, *more, CUDA_VISIBLE_DEVICES="")
    assert code == 0, output


def test_forked_runs_of_a_pretrained_encoder_have_the_bits_of_runs_started_afresh(
    e5_installed: None, tmp_path: Path
) -> None:
    """Two depths and seeds: the tokenizer is read once, for the first of them."""
    jobs = ("model.layers=1,2", "seed=0,1")
    swept(tmp_path / "forked", *jobs)
    swept(tmp_path / "afresh", *jobs, "hydra.launcher.preload=null")
    forked, afresh = (
        {
            str(path.relative_to(tmp_path / how)): path.read_bytes()
            for pattern in ("*/predictions/*.parquet", "*/weights/*.safetensors", "*/model/*")
            for path in (tmp_path / how / "multirun").glob(pattern)
        }
        for how in ("forked", "afresh")
    )
    assert len(forked) >= 4 * 5
    assert forked == afresh
    logs = [path.read_text() for path in (tmp_path / "forked" / "multirun").glob("*/job.log")]
    assert len(logs) == 4 and all("Traceback" not in log and "trained on written_en" in log for log in logs)
