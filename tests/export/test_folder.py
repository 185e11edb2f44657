"""An exported folder answers as the run does, in transformers' own pipeline; and is written whole or not at all."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard
from safetensors.torch import load_file
from tests.helpers.runs import ROOT
from transformers import pipeline

from sentiment_transfer.checkpoints.opening import open_model
from sentiment_transfer.errors import UserError
from sentiment_transfer.export import command, folder
from sentiment_transfer.model.network import load_network

Export = Callable[..., None]


# Of the written reviews' languages and not; an unknown character, nothing at all, and more tokens than a run reads.
TEXTS = [
    "The hotel was great.",
    "部屋がとても汚かった。",
    "Kamarnya bersih sekali",
    "Ein Wort, das nirgends vorkommt: Donaudampfschifffahrt ☃ %",
    "",
    "The staff were not friendly. " * 40,
]


def by_pipeline(exported: Path) -> np.ndarray:
    """(texts, classes) logits, in the order of config.json."""
    classify = pipeline("text-classification", str(exported), device="cpu")
    answers = classify(TEXTS, truncation=True, top_k=None, function_to_apply="none")
    names = classify.model.config.id2label
    scores = [{each["label"]: each["score"] for each in answer} for answer in answers]
    return np.array([[row[names[place]] for place in sorted(names)] for row in scores])


def by_run(run: Path, selection: str | None = None) -> np.ndarray:
    model = open_model(str(run), selection=selection)
    batch = model.tokenizer(TEXTS, padding=True, truncation=True, max_length=model.max_length, return_tensors="pt")
    with torch.inference_mode():
        return model.network(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits.numpy()


@pytest.mark.parametrize("run", ["tiny_run", "scratch_run", "lora_run"])
def test_the_pipeline_gives_the_runs_logits(
    run: str, request: pytest.FixtureRequest, export: Export, tmp_path: Path
) -> None:
    checkpoint = request.getfixturevalue(run)
    export(checkpoint, tmp_path / "model")
    expected = by_run(checkpoint)
    # A tiny encoder hardly tells the texts apart: what differs must be little beside that as well.
    assert np.abs(by_pipeline(tmp_path / "model") - expected).max() < min(1e-5, 0.01 * np.ptp(expected[:, 0]))


def test_a_colleague_may_read_every_file(tiny_run: Path, export: Export, tmp_path: Path) -> None:
    export(tiny_run, tmp_path / "model")
    (tmp_path / "mine").touch()
    usual = (tmp_path / "mine").stat().st_mode
    assert {path.stat().st_mode for path in (tmp_path / "model").rglob("*") if path.is_file()} == {usual}


def test_another_selection_is_another_network(tiny_run: Path, export: Export, tmp_path: Path) -> None:
    export(tiny_run, tmp_path / "last", "selection=last")
    assert np.abs(by_pipeline(tmp_path / "last") - by_run(tiny_run, "last")).max() < 1e-5
    assert json.loads((tmp_path / "last" / "config.json").read_text())["sentiment_transfer"]["selection"] == "last"


def test_rows_that_no_text_of_the_run_has_are_the_encoders_to_the_bit(
    lora_run: Path, tiny_encoder: Path, scratch_run: Path, export: Export, tmp_path: Path
) -> None:
    export(scratch_run, tmp_path / "scratch")
    exported = load_file(tmp_path / "scratch" / "model.safetensors")["roberta.embeddings.word_embeddings.weight"]
    began = load_network("builtin:scratch", classes=("negative", "positive"), vocabulary=len(exported), seed=0)
    before = began.get_input_embeddings().weight.detach()
    weights = load_file(next((scratch_run / "weights").glob("*.safetensors")))
    kept = next(tensor for name, tensor in weights.items() if name.endswith(".kept_token_ids"))
    absent = torch.ones(len(before), dtype=torch.bool)
    absent[kept] = False
    assert absent.any()
    assert torch.equal(exported[absent], before[absent])
    assert not torch.equal(exported[kept], before[kept])


def test_the_folder_says_its_labels_its_length_and_where_it_is_from(
    scratch_run: Path, export: Export, tmp_path: Path
) -> None:
    export(scratch_run, tmp_path / "model")
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert config["id2label"] == {"0": "negative", "1": "positive"}
    assert config["label2id"] == {"negative": 0, "positive": 1}
    assert config["architectures"] == ["XLMRobertaForSequenceClassification"]
    again = open_model(str(tmp_path / "model"))
    assert (again.origin.kind, again.classes, again.max_length) == ("folder", ("negative", "positive"), 16)
    assert again.caveats == ("trained from scratch",)
    card = ModelCard.load(tmp_path / "model" / "README.md")
    assert card.data.pipeline_tag == "text-classification"
    assert f'pipeline("text-classification", "{(tmp_path / "model").name}")' in card.text


def snapshot(of: Path) -> dict[str, bytes]:
    return {str(path.relative_to(of)): path.read_bytes() for path in of.rglob("*") if path.is_file()}


def test_an_earlier_export_is_replaced_only_when_asked_for(tiny_run: Path, export: Export, tmp_path: Path) -> None:
    output = tmp_path / "model"
    export(tiny_run, output, "selection=last")
    (output / "notes.txt").write_text("left by the user")
    before = snapshot(output)
    with pytest.raises(UserError, match="exists: type overwrite=true to replace it"):
        export(tiny_run, output)
    assert snapshot(output) == before
    export(tiny_run, output, "overwrite=true", "selection=source_dev")
    assert "notes.txt" not in snapshot(output)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_folder_of_other_things_is_never_overwritten(tiny_run: Path, export: Export, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").write_text("years of work")
    with pytest.raises(UserError, match=r"holds other things than an export \(chapter1.tex"):
        export(tiny_run, tmp_path / "thesis", "overwrite=true")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is no folder but a file or a link"):
        export(tiny_run, tmp_path / "file", "overwrite=true")
    for inside in (tiny_run / "export", tiny_run, tiny_run.parent):
        with pytest.raises(UserError, match="lies in, or holds, the run's own directory"):
            export(tiny_run, inside, "overwrite=true")
    assert (tmp_path / "thesis" / "chapter1.tex").read_text() == "years of work"


def test_a_place_that_cannot_be_written_is_named(tiny_run: Path, export: Export, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="a file is where a folder should be"):
        export(tiny_run, tmp_path / "file" / "model")


def test_what_fails_half_way_leaves_nothing(
    tiny_run: Path, export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(tiny_run, tmp_path / "model")
    before = snapshot(tmp_path)

    def full(*of: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(command, "write_card", full)
    with pytest.raises(UserError, match="The disk is full"):
        export(tiny_run, tmp_path / "model", "overwrite=true")
    assert snapshot(tmp_path) == before

    def read_only(*of: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(folder.Path, "mkdir", read_only)
    with pytest.raises(UserError, match=r"No permission to write .*choose another with output="):
        export(tiny_run, tmp_path / "other")
    assert snapshot(tmp_path) == before


def test_a_failed_swap_brings_the_earlier_export_back(
    tiny_run: Path, export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(tiny_run, tmp_path / "model")
    before = snapshot(tmp_path)
    rename = Path.rename

    def fails_on_the_new(path: Path, target: Path) -> Path:
        if path.suffix == ".tmp":
            raise OSError(5, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(folder.Path, "rename", fails_on_the_new)
    with pytest.raises(UserError, match="could not be written"):
        export(tiny_run, tmp_path / "model", "overwrite=true")
    assert snapshot(tmp_path) == before


def damaged(run: Path, place: Path, content: bytes) -> Path:
    copy = shutil.copytree(run, place)
    for path in (copy / "weights").iterdir():
        path.write_bytes(content or path.read_bytes()[:-100])
    return copy


def test_what_is_no_run_or_a_broken_one_is_a_sentence_and_leaves_nothing(
    tiny_run: Path, export: Export, tmp_path: Path
) -> None:
    export(tiny_run, tmp_path / "saved")
    (tmp_path / "notes").mkdir()
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "result.json").write_text('{"accuracy": 0.9}')
    refused = {
        tmp_path / "saved": "is a saved model and no directory of a run",
        tmp_path / "notes": "contains no model that can be loaded",
        tmp_path / "gone": "does not exist",
        "cardiffnlp/sentiment": "neither a folder here nor a run's directory",
        tmp_path / "foreign": "written by another program",
        damaged(tiny_run, tmp_path / "cut", b""): "damaged or truncated",
        damaged(tiny_run, tmp_path / "pickle", b"\x80\x02}q\x00."): "Pickles can run any code and are never loaded",
    }
    for checkpoint, sentence in refused.items():
        with pytest.raises(UserError, match=sentence):
            export(checkpoint, tmp_path / "model")
    assert not (tmp_path / "model").exists()
    assert not list(tmp_path.glob(".*"))


def test_the_command_line_answers_in_sentences(tmp_path: Path) -> None:
    def said(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, str(ROOT / "export.py"), *arguments], cwd=tmp_path, capture_output=True, text=True
        )
        return done.returncode, done.stdout + done.stderr

    code, output = said()
    assert (code, output.splitlines()) == (
        1,
        [
            "error: checkpoint is not set: type checkpoint=... on the command line.",
            "output is not set: type output=... on the command line.",
        ],
    )
    code, output = said("chekpoint=x")
    assert code == 1 and "Did you mean checkpoint?" in output and "Traceback" not in output
    assert not list(tmp_path.iterdir())
