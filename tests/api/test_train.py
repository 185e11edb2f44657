"""``train`` and ``evaluate``: the very runs of the commands, in a program that goes on."""

from __future__ import annotations

import inspect
import json
import logging
import os
import signal
import sys
import threading
import warnings
from pathlib import Path
from typing import Any, get_type_hints

import pandas as pd
import pytest
import torch
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from tests.helpers.runs import finished, same_numbers

from sentiment_transfer import Run, RunInterrupted, UserError, evaluate, train
from sentiment_transfer.config.folder import conf_folder
from sentiment_transfer.training.checkpoints import RunCheckpoints

OPTIONS = {
    "source.written_en.limit": 128,
    "targets.written_ja.limit": 60,
    "trainer.max_epochs": 1,
    "logger.progress_bar": False,
}
ARGUMENTS: dict[str, Any] = {"experiment": "tiny", "targets": "written_ja", "options": OPTIONS}
COMMAND = ("experiment=tiny", "targets=written_ja", *(f"{key}={value}" for key, value in OPTIONS.items()))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("program")


@pytest.fixture(scope="module")
def run(place: Path) -> Run:
    """After another run in this process, and with whatever a program may have set before."""
    here, argv = Path.cwd(), sys.argv
    os.chdir(place)
    try:
        train(**ARGUMENTS | {"options": OPTIONS | {"trainer.threads": 2, "trainer.deterministic": True}, "seed": 5})
        torch.manual_seed(123)
        torch.set_grad_enabled(False)
        return train(**ARGUMENTS)
    finally:
        torch.set_grad_enabled(True)
        assert sys.argv is argv
        os.chdir(here)


def test_the_command_computes_the_same_bits(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, output = finished(tmp_path, *(argument.replace("False", "false") for argument in COMMAND))
    assert code == 0, output
    typed = Run(tmp_path / "outputs" / run.id)
    assert same_numbers(typed.result, run.result)
    files = [path.relative_to(run.folder) for path in sorted(run.folder.rglob("*.parquet"))]
    files += [path.relative_to(run.folder) for path in sorted(run.folder.rglob("*.safetensors"))]
    assert len(files) >= 4
    assert all((run.folder / file).read_bytes() == (typed.folder / file).read_bytes() for file in files)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sentiment_transfer.cli._run", lambda *_: pytest.fail("trained again"))
    assert train(**ARGUMENTS).folder == typed.folder
    assert run.command.removeprefix("python train.py ").replace("'", "").split() == [
        *("experiment=tiny", "targets=written_ja"),
        *COMMAND[2:-1],
        "logger.progress_bar=false",
    ]


def test_nothing_of_a_run_is_left_in_the_program(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    root, ours = logging.getLogger(), logging.getLogger("sentiment_transfer")

    def state() -> list[Any]:
        settings = [
            torch.get_num_threads(),
            torch.are_deterministic_algorithms_enabled(),
            torch.get_rng_state().tolist(),
        ]
        hydra = [GlobalHydra.instance().hydra, HydraConfig.instance().cfg]
        handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
        return [*settings, *hydra, *handlers, list(root.handlers), root.level, ours.level, list(warnings.filters)]

    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        before = state()
        evaluate(run, targets="written_id", options={"targets.written_id.limit": 40})
        assert state() == before


def test_a_run_is_an_object(run: Run) -> None:
    assert repr(run).startswith(f"Run({run.id}: written_en ") and "\n" not in repr(run)
    assert "written_ja" in run._repr_html_() and run._repr_html_().startswith("<pre")
    assert list(run.scores["dataset"].unique()) == ["written_en", "written_ja"]
    last = run.scores.query("selection == 'last'").set_index("dataset")
    found = run.predictions.query("selection == 'last'")
    assert (1 - found.groupby("dataset")["correct"].mean()).to_dict() == pytest.approx(last["error"].to_dict())
    assert {"probability_negative", "probability_positive", "tokens", "tag"} <= set(found.columns)
    assert len(run.mistakes) and set(run.mistakes["dataset"]) <= set(last.index)
    assert [each.label for each in run.load().predict(["good", None])][1] is None
    log = (run.folder / "train.log").read_text()
    assert f"Run {run.id} in " in log
    with pytest.raises(UserError, match=r"has no result.json: the run has not finished"):
        Run(run.folder.parent)


def test_own_tables_are_own_files(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame({"review": ["good", "bad"] * 20, "stars": [5, 1] * 20, "odd": [object()] * 40})
    columns = {"text": "review", "label": "stars"}
    by_table = evaluate(run, targets={"shop_en": {"path": frame, **columns}})
    assert by_table.scores["n"].tolist() == [40] * len(by_table.scores)
    assert by_table.result["audit"]["reading"]["shop_en"]["labels"] == {"5": "positive", "1": "negative"}
    frame.drop(columns="odd").to_parquet("mine.parquet")
    by_path = evaluate(run, targets={"shop": {"path": Path("mine.parquet"), "language": "en", **columns}})
    assert by_path.scores["error"].tolist() == by_table.scores["error"].tolist()
    with pytest.raises(UserError, match="is an evaluation of scratch-written_en"):
        by_table.load()


def test_an_interrupt_saves_and_the_call_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ARGUMENTS | {"seed": 3}
    before = signal.getsignal(signal.SIGINT)
    end_of_step = RunCheckpoints.on_train_batch_end
    with monkeypatch.context() as patched:

        def interrupt(self: RunCheckpoints, *args: Any, **options: Any) -> None:
            signal.raise_signal(signal.SIGINT)
            end_of_step(self, *args, **options)

        patched.setattr(RunCheckpoints, "on_train_batch_end", interrupt)
        with pytest.raises(KeyboardInterrupt, match=r"interrupted: Saved at .* The same call goes on") as caught:
            train(**arguments)
    assert isinstance(caught.value, RunInterrupted)
    assert caught.value._render_traceback_() == [str(caught.value)]
    assert signal.getsignal(signal.SIGINT) is before
    assert train(**arguments).result["seed"] == 3


def test_off_the_main_thread(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.folder.parents[1])
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(evaluate(run, "written_ja").id))
    thread.start()
    thread.join()
    assert len(found) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"model": "basse"}, "basse"),
        ({"source": ["written_en", 3]}, r"source holds 3, which is no dataset: give the name of one, a path, or"),
        ({"source": "written_en,written_ja"}, r"give a list, source=\['written_en', 'written_ja'\]"),
        ({"targets": []}, r"targets is an empty list: type targets=\"none\""),
        ({"options": {"trainer.max_epoch": 1}}, r"Did you mean trainer.max_epochs\?"),
        ({"options": {"trainer": {"max_epochs": 1}}}, r'options=\{"trainer.max_epochs": 1\}'),
        ({"options": {"hydra.run.dir": "x"}}, r"named by paths.output_dir"),
        ({"options": {"seed": 1}, "seed": 2}, "seed is given twice"),
        ({"options": {"trainer.max_epochs": object()}}, r"of a type that no option takes \(object\)"),
        ({"options": "trainer.max_epochs=1"}, "is no dict of full names"),
        ({"options": {"trainer.max_epochs": 0}}, "trainer.max_epochs=0 is invalid"),
        ({"model": ["base", "large"]}, r"model=\['base', 'large'\] is a list: give the name of one"),
        ({"source": "written_enn"}, "written_enn"),
    ],
)
def test_mistakes_are_sentences(
    arguments: dict[str, Any], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=sentence) as caught:
        train(**{"experiment": "tiny"} | arguments)
    assert caught.value._render_traceback_() == [f"error: {caught.value}"]
    assert not list(tmp_path.iterdir())


def test_a_refusal_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"cuda|gpu"):
        train(**ARGUMENTS | {"options": OPTIONS | {"trainer.accelerator": "cuda"}})
    assert not list((tmp_path / "outputs").iterdir())


def test_help_shows_types_and_defaults() -> None:
    for function in (train, evaluate):
        assert all(name in get_type_hints_of(function) for name in inspect.signature(function).parameters)
        assert "Raises:" in (function.__doc__ or "") and "Args:" in (function.__doc__ or "")


def get_type_hints_of(function: Any) -> dict[str, Any]:
    import pyarrow as pa

    return get_type_hints(function, {**vars(sys.modules[function.__module__]), "pd": pd, "pa": pa})


def test_overrides_are_kept_as_hydra_keeps_them(run: Run) -> None:
    kept = (run.folder / ".hydra" / "overrides.yaml").read_text().splitlines()
    assert kept[:2] == ["- experiment=tiny", "- targets=written_ja"]
    assert json.loads((run.folder / "result.json").read_text())["command"][0] == "experiment=tiny"
