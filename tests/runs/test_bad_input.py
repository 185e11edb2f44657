"""Whatever the user gets wrong is a sentence that names it, exit code 1, and a run that is not counted as finished."""

from __future__ import annotations

import lzma
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.helpers.encoders import pretrained_folder
from tests.helpers.processes import Command
from tests.helpers.runs import SMALL, trained

from sentiment_transfer.errors import UserError
from sentiment_transfer.results.record import is_finished, read_result

OWN = ("experiment=tiny", "source=csv", "targets=none", "source.csv.language=en", "trainer.max_epochs=1", "logger=none")
GOOD = "text,label\n" + "really good,positive\nreally bad,negative\n" * 20


def refused(folder: Path, *overrides: str) -> str:
    with pytest.raises(UserError) as error:
        trained(folder, *overrides)
    assert not is_finished(folder)
    return str(error.value)


# A file of the user's own

JAPANESE = "text,label\n良い,positive\n"
FILES: dict[str, tuple[str, bytes | None, str]] = {
    "missing": ("a.csv", None, "no file {path}"),
    "empty": ("a.csv", b"", "{path} is empty."),
    "header alone": ("a.csv", b"text,label\n", "{path} has no rows."),
    "latin 1": ("a.csv", GOOD.replace("really", "caf\xe9").encode("latin-1"), "{path}, line 2, byte 4: 0xe9 is not"),
    "shift jis": ("a.csv", JAPANESE.encode("shift-jis"), "{path}, line 2, byte 1: 0x97 is not UTF-8"),
    "no such column": ("a.csv", b"review,label\na,pos\n", "{path} has no column 'text'. It has: review, label."),
    "unknown word": ("a.csv", GOOD.encode() + b"so so,meh\n", "{path}: what the labels in the column 'label'"),
    "blank label": ("a.csv", GOOD.encode() + b"so so,  \n", "{path}, line 42: the label is blank."),
    "one class": ("a.csv", b"text,label\n" + b"good,positive\n" * 30, "training rows of {path} are positive"),
    "ragged": ("a.csv", b"text,label\ngood,positive\nbad, very,negative\n", "{path}, line 3: 3 fields"),
    "open quote": ("a.csv", b'text,label\n"good,positive\n', "{path}, line 2: the row cannot be read"),
    "nul": ("a.csv", b"text,label\ngood,positive\nb\0d,negative\n", "{path}, line 3, byte 2: a NUL byte."),
    "cut xz": ("a.csv.xz", lzma.compress(GOOD.encode() * 50)[:-20], "{path} is damaged or was cut off"),
    "no xz": ("a.csv.xz", GOOD.encode(), "{path} is damaged or was cut off"),
    "no json": ("a.jsonl", b'{"text": "good", "label": 1}\n{"text": \n', "{path}, line 2: not a line of JSON"),
    "no parquet": ("a.parquet", GOOD.encode(), "{path} is not a complete Parquet file"),
    "other ending": ("a.docx", GOOD.encode(), "{path}: the ending .docx is not known."),
}


@pytest.mark.parametrize("what", FILES)
def test_a_file_that_cannot_be_read_is_named_with_the_line(tmp_path: Path, what: str) -> None:
    name, content, expected = FILES[what]
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert expected.format(path=path) in refused(tmp_path / "run", *OWN, f"source.csv.path={path}")


def test_texts_that_are_only_unusual_are_trained_on(tmp_path: Path) -> None:
    unusual = ["👍🏽 👎 👩‍👩‍👧", "ﾃｽﾄ ｺﾚﾊ ﾖｲ", "هذا جيد جدا", "\u202eevil", "", '"" , ;', "\ufeff"]
    texts = ["na" * 1_000_000, *4 * unusual]
    rows = "".join(f'"{text.replace(chr(34), 2 * chr(34))}",{i % 2}\n' for i, text in enumerate(texts))
    (tmp_path / "own.csv").write_text("text,label\n" + rows, encoding="utf-8")
    result = trained(tmp_path / "run", *OWN, f"source.csv.path={tmp_path}/own.csv", "model=scratch")
    splits = result["audit"]["splits"]["csv"].values()
    assert sum(split["rows"] for split in splits) == len(texts)
    assert max(split["characters"]["p100"] for split in splits) == 2_000_000
    assert max(split["truncated_fraction"] for split in splits) > 0


def test_a_damaged_target_is_left_out_and_named(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text(GOOD)
    (tmp_path / "other.csv").write_bytes(b"text,label\ncaf\xe9,positive\n")
    overrides = (*OWN, f"source.csv.path={tmp_path}/own.csv", "+dataset@targets.other=csv", "targets.other.language=fr",
                 f"targets.other.path={tmp_path}/other.csv", "targets.other.test_fraction=1.0")  # fmt: skip
    assert "is not UTF-8" in trained(tmp_path / "run", *overrides)["unavailable"]["other"]
    said = refused(tmp_path / "strict", *overrides, "data.targets_required=true")
    assert said.startswith("The target other is required but unavailable. ")
    assert f"{tmp_path}/other.csv, line 2, byte 4" in said


def test_a_run_that_would_be_scored_on_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text(GOOD)
    overrides = (*OWN, f"source.csv.path={tmp_path}/own.csv", "source.csv.test_fraction=0")
    assert refused(tmp_path / "run", *overrides).startswith("There is nothing to score the trained model on")
    assert "rakuten_ja: " in refused(tmp_path / "run", *overrides, "targets=rakuten_ja")


# Published files


def test_a_published_file_that_was_changed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "smsa_id").mkdir()
    (tmp_path / "smsa_id" / "train_preprocess.tsv").write_text("bagus\tpositive\nburuk\tnegative\n")
    said = refused(tmp_path / "run", *OWN[:1], "source=smsa_id", "targets=none", f"paths.data_dir={tmp_path}")
    assert said.startswith(f"{tmp_path}/smsa_id/train_preprocess.tsv is not the published file: its SHA-256 is")


@pytest.mark.parametrize("source", ["smsa_id", "indolem_id", "uci_en", "jalan_ja"])
def test_a_source_that_can_be_had_neither_here_nor_there_is_named(tmp_path: Path, source: str) -> None:
    said = refused(tmp_path / "run", *OWN[:1], f"source={source}", "targets=none", f"paths.data_dir={tmp_path}")
    assert "cannot be reached" in said
    assert "Check the network, or name a mirror in SENTIMENT_DOWNLOAD_MIRROR." in said
    assert "by hand" in said


# Encoders


def changed(tiny_xlm_r: Path, folder: Path, change: Callable[[Path], object]) -> Path:
    shutil.copytree(tiny_xlm_r, folder)
    change(folder)
    return folder


def pickle_weights(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def rename_tensors(folder: Path) -> None:
    tensors = {name.replace("layer.", "block."): t for name, t in load_file(folder / "model.safetensors").items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def widen_tensors(folder: Path) -> None:
    tensors = {name: torch.cat([t, t]) for name, t in load_file(folder / "model.safetensors").items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def cut_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:5_000])


def remove_tokenizer(folder: Path) -> None:
    for path in folder.glob("token*"):
        path.unlink()


ENCODERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "The folder {path} has no *.safetensors weights. Put"),
    "pickled weights": (pickle_weights, "has no *.safetensors weights (pickled *.bin weights are never loaded"),
    "other names": (rename_tensors, "The weights of {path} do not fit the architecture in its config.json"),
    "other shapes": (widen_tensors, "The weights of {path} do not fit the architecture in its config.json"),
    "cut weights": (cut_weights, "The model in the folder {path} cannot be read: "),
    "no tokenizer": (remove_tokenizer, "model.tokenizer="),
    "no config": (lambda f: (f / "config.json").unlink(), "in the folder {path} cannot be read: "),
    "broken config": (lambda f: (f / "config.json").write_text("{"), "in the folder {path} cannot be read: "),
}


@pytest.mark.parametrize("what", ENCODERS)
def test_an_encoder_that_does_not_load_is_named(tmp_path: Path, tiny_xlm_r: Path, what: str) -> None:
    change, expected = ENCODERS[what]
    folder = changed(tiny_xlm_r, tmp_path / "encoder", change)
    said = refused(tmp_path / "run", *SMALL, "logger=none", "model=local", f"model.encoder={folder}")
    assert expected.format(path=folder) in said


def test_a_folder_without_weights_runs_with_random_ones_on_request(tmp_path: Path, tiny_xlm_r: Path) -> None:
    folder = changed(tiny_xlm_r, tmp_path / "encoder", lambda f: (f / "model.safetensors").unlink())
    result = trained(tmp_path / "run", *SMALL, "source.written_en.limit=32", "trainer.max_epochs=1", "logger=none",
                     "model=local", f"model.encoder={folder}", "model.weights=random")  # fmt: skip
    assert "random weights" in result["caveats"]


def test_a_maximum_length_beyond_the_positions_of_the_encoder_is_refused(tmp_path: Path) -> None:
    folder = pretrained_folder(tmp_path / "encoder", positions=34)
    said = refused(tmp_path / "run", *SMALL, "logger=none", "model=local", f"model.encoder={folder}")
    assert said.startswith("data.max_length=64 is more than the 32 tokens that")
    assert said.endswith("use data.max_length=32 or less.")


def test_an_encoder_without_a_hub_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # the hub's client waits up to 23 s between its retries
    said = refused(tmp_path / "run", *SMALL, "logger=none", "model=base")
    assert "FacebookAI/xlm-roberta-base cannot be loaded: it is not in the local Hugging Face cache" in said


@pytest.mark.parametrize("encoder", ["./nowhere", "/nowhere/at/all", "builtin:giant"])
def test_an_encoder_that_is_nowhere_is_named(tmp_path: Path, encoder: str) -> None:
    assert encoder in refused(tmp_path / "run", *SMALL, "logger=none", "model=local", f"model.encoder={encoder}")


# What the command line says


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["trainer.max_epochs=0"], "trainer.max_epochs=0 is invalid: it must be an integer >= 1."),
        (["trainer.accelerator=cuda"], "trainer.accelerator=cuda is "),
        (["trainer.precision=fp8"], "trainer.precision=fp8 is invalid: it must be one of auto, 32-true"),
        (["source.written_en.limit=1"], "source.written_en.limit=1 is invalid: it must be an integer >= 2."),
        (["trainer.batch_size=30", "trainer.micro_batch_size=4"], "trainer.micro_batch_size=4 does not divide"),
    ],
)
def test_an_impossible_value_is_refused(tmp_path: Path, overrides: list[str], expected: str) -> None:
    if overrides == ["trainer.accelerator=cuda"] and torch.cuda.is_available():
        pytest.skip("there is such a device")
    assert expected in refused(tmp_path, *SMALL, "logger=none", *overrides)


COMMANDS: dict[str, tuple[list[str], str]] = {
    "fold": (
        ["source=indolem_id", "source.indolem_id.fold=7"],
        "source.indolem_id.fold=7 is invalid: it must be an integer in [0, 4].",
    ),
    "epochs": (["trainer.max_epochs=0"], "trainer.max_epochs=0 is invalid: it must be an integer >= 1."),
    "twice": (["targets=[written_ja,written,written_ja]"], "targets.written_ja is named twice"),
    "misspelt": (["trainer.max_epoch=3"], "Did you mean trainer.max_epochs?"),
    "no number": (["trainer.max_epochs=many"], "trainer.max_epochs=many is invalid"),
    "no such source": (["source=amazon_fr"], "amazon_fr"),
}


@pytest.mark.parametrize("what", COMMANDS)
def test_a_mistake_ends_the_process_with_one_sentence(tmp_path: Path, what: str) -> None:
    overrides, expected = COMMANDS[what]
    command = Command(tmp_path, *SMALL[:1], *overrides)
    assert command.wait() == 1
    assert command.output.count("error:") == 1
    assert expected in command.output
    assert "Traceback" not in command.output
    assert not list(tmp_path.glob("outputs/*/result.json"))


def test_a_missing_file_ends_the_process_with_one_sentence(tmp_path: Path) -> None:
    command = Command(tmp_path, *OWN, "source.csv.path=nowhere.csv")
    assert command.wait() == 1
    assert command.output.count("error:") == 1
    assert f"error: csv: no file {tmp_path}/nowhere.csv" in command.output
    assert "Traceback" not in command.output
    assert "overrides" not in command.output  # Hydra's own words


# Results that are there but cannot be read


@pytest.mark.parametrize(
    "content", ["", '{"schema_version": 1', '{"schema_version": 2}', "[]", '{"schema_version": 99}']
)
def test_a_damaged_result_is_named_and_left_alone(tiny_run: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "result.json").write_text(content)
    with pytest.raises(UserError, match=str(tmp_path / "result.json")):
        trained(tmp_path, *SMALL)
    assert (tmp_path / "result.json").read_text() == content
    assert read_result(tiny_run)["status"] in ("finished", "degenerate")
