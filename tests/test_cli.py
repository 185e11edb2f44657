"""The command line as a user meets it: quick answers, sentences instead of tracebacks, exit codes."""

from __future__ import annotations

import copy
import os
import pty
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hydra.core.config_store import ConfigStore
from hydra.errors import HydraException
from tests.helpers.example_result import example_result
from tests.helpers.processes import Command
from tests.helpers.runs import ROOT, SMALL, composed, finished

from sentiment_transfer.cli import errors_as_sentences
from sentiment_transfer.config.run_name import run_name
from sentiment_transfer.errors import UserError
from sentiment_transfer.results.record import write_result
from sentiment_transfer.sentences import describe
from sentiment_transfer.training.interruption import Interrupted

HEAVY = {"torch", "transformers", "pytorch_lightning", "datasets", "wandb", "sklearn", "pandas"}


def imported_by(cwd: Path, *arguments: str) -> tuple[int, str, set[str]]:
    """Exit code, output and the modules that ``python train.py arguments...`` imported."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", str(ROOT / "train.py"), *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    assert len(lines) > 100, "import times were not reported"
    modules = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
    return done.returncode, done.stdout, modules


@pytest.mark.parametrize("question", ["--help", "--cfg"])
def test_questions_are_answered_without_heavy_imports(question: str, tmp_path: Path) -> None:
    arguments = ["--cfg", "job"] if question == "--cfg" else [question]
    code, output, modules = imported_by(tmp_path, *arguments)
    assert code == 0
    assert not HEAVY & modules
    assert ("xlm-roberta-base" if question == "--cfg" else "python train.py experiment=demo") in output
    assert not list(tmp_path.iterdir()), "a question leaves nothing behind"


def test_a_finished_run_is_shown_without_heavy_imports(tmp_path: Path) -> None:
    folder = tmp_path / "outputs" / run_name(composed("experiment=tiny"))
    folder.mkdir(parents=True)
    write_result(folder, example_result())
    before = (folder / "result.json").read_bytes()
    code, output, modules = imported_by(tmp_path, "experiment=tiny")
    assert code == 0
    assert "Finished before" in output
    assert all(name in output for name in example_result()["scores"])
    assert not HEAVY & modules
    assert (folder / "result.json").read_bytes() == before


@pytest.mark.parametrize("verbose", [False, True])
def test_verbose_lists_what_is_not_comparable_and_changes_no_name(tmp_path: Path, verbose: bool) -> None:
    arguments = ("source=smsa_id", "targets=rakuten_ja", "logger=none")
    result = example_result({"smsa_id": 0.1, "rakuten_ja": 0.2}, source="smsa_id")
    (folder := tmp_path / "outputs" / run_name(composed(*arguments))).mkdir(parents=True)
    write_result(folder, result)
    code, output = finished(tmp_path, *arguments, *(["--verbose"] * verbose))
    assert code == 0 and "Finished before" in output
    assert ("4.45 ULMFiT" in output, "(--verbose lists them)" in output) == (verbose, not verbose)


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["trainer.max_epoch=3"], "error: trainer.max_epoch is not an option of this configuration."),
        (["trainer.max_epochs=0", "seed=-1"], "trainer.max_epochs=0 is invalid: it must be an integer >= 1."),
        (["model=gigantic"], "error: model=gigantic does not exist. There are: "),
        (["source=csv"], "error: source.csv.language is not set"),
        (
            ["source=indolem_id", "source.indolem_id.fold=7"],
            "error: source.indolem_id.fold=7 is invalid: it must be an integer in [0, 4].",
        ),
        (["targets=[smsa_id,smsa_id]"], "error: targets.smsa_id is named twice: leave one out."),
    ],
)
def test_a_wrong_command_line_is_a_sentence_and_exit_code_1(arguments: list[str], answer: str, tmp_path: Path) -> None:
    code, output = finished(tmp_path, *arguments)
    assert code == 1
    assert answer in output
    assert "Traceback" not in output
    assert not [path for path in tmp_path.rglob("*") if path != tmp_path / "outputs"], "it would look like a begun run"


def test_a_refused_evaluation_leaves_no_directory(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "evaluate.py"), "checkpoint=nowhere", "targets=csv"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("error: ")
    assert not list(tmp_path.glob("outputs/*"))


def test_a_device_that_is_missing_leaves_no_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    command = Command(tmp_path, *SMALL, "trainer.accelerator=cuda")
    assert command.wait() == 1 and "error: trainer.accelerator=cuda is not available" in command.output
    assert not list(tmp_path.glob("outputs/*"))


def test_a_terminal_that_is_closed_lets_the_run_save(tmp_path: Path) -> None:
    """Everything that is printed after the hang-up is refused, and the sentence about it as well."""
    terminal, inside = pty.openpty()
    command = [sys.executable, str(ROOT / "train.py"), *SMALL, "trainer.max_epochs=500", f"hydra.run.dir={tmp_path}"]
    with subprocess.Popen(command, stdin=inside, stdout=inside, stderr=inside, cwd=tmp_path) as run:
        os.close(inside)
        printed = b""
        while b"epoch 1/500: train loss" not in printed:
            printed += os.read(terminal, 4096)
        os.close(terminal)
        run.send_signal(signal.SIGHUP)
        assert run.wait(60) == 128 + signal.SIGHUP
    assert (tmp_path / "checkpoints" / "last.ckpt").exists()


def test_a_refused_command_leaves_a_begun_run_alone(tmp_path: Path) -> None:
    """The logger is not in the run's name: the directory may be that of a run that has begun."""
    begun = {".lock": "", "train.log": "", "checkpoints/last.ckpt": "saved"}
    for name, content in begun.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    code, output = finished(tmp_path, "experiment=tiny", "logger.log_every=0", f"hydra.run.dir={tmp_path}")
    assert code == 1 and "logger.log_every=0 is invalid" in output
    assert {name for name in begun if (tmp_path / name).exists()} == set(begun)
    assert (tmp_path / ".hydra").exists()


def test_a_refused_job_of_a_sweep_is_listed_by_the_launcher_alone(tmp_path: Path) -> None:
    code, output = finished(tmp_path, "-m", "experiment=tiny", "trainer.max_epochs=0")
    assert code == 1 and "error: trainer.max_epochs=0 is invalid" in output
    [job] = tmp_path.glob("multirun/*/job.log")
    assert sorted(path.name for path in job.parent.iterdir()) == [".slots", "job.log"]


@pytest.mark.parametrize("redirection", ["2>&1 | head -1", "> /dev/full 2>&1"])
def test_a_run_goes_on_when_nobody_can_read_its_output(tmp_path: Path, redirection: str) -> None:
    small = (*SMALL, "source.written_en.limit=64", "targets=written_ja", f"hydra.run.dir={tmp_path}", "logger=none")
    small = tuple(each for each in small if "written_id" not in each)
    command = shlex.join([sys.executable, str(ROOT / "train.py"), *small])
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command} {redirection}"], cwd=tmp_path, timeout=120)
    assert done.returncode == 0
    assert (tmp_path / "result.json").exists()
    assert "epoch 2/2: train loss" in (tmp_path / "train.log").read_text()


C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize("environment", [{"PYTHONIOENCODING": "ascii"}, C_LOCALE])
def test_what_the_terminal_cannot_show_is_escaped(tmp_path: Path, environment: dict[str, str]) -> None:
    folder = tmp_path / "outputs" / run_name(composed("experiment=tiny"))
    folder.mkdir(parents=True)
    result = example_result()
    result["unavailable"] = {"rakuten_ja": "no file \N{EN DASH} see the docs"}
    write_result(folder, result)
    code, output = finished(tmp_path, "experiment=tiny", **environment)
    assert code == 0, output
    assert "\\u2013" in output and output.isascii()


@pytest.mark.parametrize("script", ["train.py", "report.py", "average.py"])
def test_a_name_that_the_locale_lacks_is_refused_before_anything_is_done(tmp_path: Path, script: str) -> None:
    folder = tmp_path / "星"
    folder.mkdir()
    command = [sys.executable, str(ROOT / script)]
    done = subprocess.run(command, cwd=folder, env=os.environ | C_LOCALE, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ") and "that this locale's encoding (ascii) lacks" in done.stderr
    assert not list(folder.iterdir())


def test_an_answer_that_does_not_fit_is_an_error(tmp_path: Path) -> None:
    command = shlex.join([sys.executable, str(ROOT / "train.py"), "--cfg", "job"])
    done = subprocess.run(["bash", "-c", f"{command} > /dev/full"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("Standard output could not be written (No space left on device)")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (UserError("The file is empty."), 1, "error: The file is empty.\n"),
        (HydraException("No such group."), 1, "error: No such group.\n"),
        (Interrupted(15, "epoch 2 of 4, step 7"), 143, "interrupted: Saved at epoch 2 of 4, step 7. "),
    ],
)
def test_what_ends_a_run_becomes_a_sentence_and_an_exit_code(
    raised: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    with pytest.raises(SystemExit) as stop, errors_as_sentences():
        raise raised
    assert stop.value.code == code
    assert said in capsys.readouterr().err


def test_a_user_error_that_was_reported_is_not_said_twice(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    error = UserError("Once.")
    error.reported = True
    with pytest.raises(SystemExit), errors_as_sentences():
        raise error
    assert capsys.readouterr().err == ""


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    with pytest.raises(ZeroDivisionError), errors_as_sentences():
        raise ZeroDivisionError


def test_a_user_error_is_described_by_its_own_words() -> None:
    assert describe(UserError("Two\nlines.")) == "Two\nlines."


def test_the_configuration_that_is_shown_is_the_one_that_would_run(tmp_path: Path) -> None:
    code, output = finished(tmp_path, "experiment=tiny", "--cfg", "job", "--resolve")
    assert code == 0
    shown = yaml.safe_load(output)
    assert shown["optimizer"]["learning_rate"] == shown["model"]["learning_rate"]
    written = {"kind": "written", "limit": None}
    assert shown["targets"] == {"written_ja": written | {"language": "ja"}, "written_id": written | {"language": "id"}}


def test_hydra_copies_no_schema_for_a_question_and_a_composed_one_changes_no_other() -> None:
    """A ``--help`` took 4 s of computing: Hydra copied every node in the store 130 times."""
    store = ConfigStore.instance()
    assert copy.deepcopy([store])[0] is store
    first = composed("experiment=tiny")
    first.trainer.max_epochs = 99
    assert composed("experiment=tiny").trainer.max_epochs != 99
