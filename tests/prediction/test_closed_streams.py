"""predict.py in a shell that has closed or filled a standard stream: a sentence or the file, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.helpers.labelled_files import write_csv
from tests.helpers.runs import ROOT

from sentiment_transfer.prediction.files import open_closed_streams


def predict(shell: str, model: Path, folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and what was written to standard error (redirect it to ``errors``)."""
    command = [sys.executable, str(ROOT / "predict.py"), f"checkpoint={model}", "precision=32-true", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    (folder / "errors").write_text("")
    line = f'"$@" {shell}'
    done = subprocess.run(["bash", "-c", line, "bash", *command], cwd=folder, env=environment, check=False, timeout=120)
    errors = (folder / "errors").read_text()
    assert "Traceback" not in errors
    return done.returncode, errors


def test_closed_standard_input_is_a_sentence(tmp_path: Path) -> None:
    code, errors = predict("<&- >out 2>errors", tmp_path / "no-model-is-opened", tmp_path, "input=-", "output=o.tsv")
    assert code == 1
    assert "error: input=- reads standard input, which is closed: name a file" in errors


def test_closed_standard_output_is_a_sentence(tmp_path: Path) -> None:
    write_csv(tmp_path / "in.csv", 3)
    code, errors = predict(">&- 2>errors", tmp_path / "no-model-is-opened", tmp_path, "input=in.csv", "output=-")
    assert code == 1
    assert "error: output=- writes to standard output, which is closed: name a file" in errors


def test_with_all_streams_closed_a_file_is_labelled(model_folder: Path, tmp_path: Path) -> None:
    write_csv(tmp_path / "in.csv", 3)
    code, _ = predict("<&- >&- 2>&-", model_folder, tmp_path, "input=in.csv", "output=out.csv")
    assert code == 0
    assert (tmp_path / "out.csv").read_text().count('a ""note""') == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("output", ["-", "out.csv"])
def test_standard_output_on_a_full_disk_is_a_sentence(model_folder: Path, tmp_path: Path, output: str) -> None:
    write_csv(tmp_path / "in.csv", 3)
    code, errors = predict(">/dev/full 2>errors", model_folder, tmp_path, "input=in.csv", f"output={output}")
    assert code == 1
    assert "error: Standard output cannot be written (No space left on device)." in errors
    assert ("out.csv is complete." in errors) == (output != "-") == (tmp_path / "out.csv").exists()


def test_streams_that_are_open_stay_as_they_are() -> None:
    before = [os.fstat(descriptor) for descriptor in range(3)]
    open_closed_streams()
    assert [os.fstat(descriptor)[:3] for descriptor in range(3)] == [stat[:3] for stat in before]


def test_standard_output_holds_nothing_but_the_rows(model_folder: Path, tmp_path: Path) -> None:
    """Also where there is something to log: kernels are compiled."""
    source = write_csv(tmp_path / "in.csv", 3)
    options = ("input=in.csv", "output=-", f"cache_dir={tmp_path}", "precision=bf16-mixed")
    assert predict(">out 2>errors", model_folder, tmp_path, *options)[0] == 0
    header = source.read_text().splitlines()[0]
    assert (tmp_path / "out").read_text().splitlines()[0].startswith(header)
