"""A run's directory opens as the classifier that the run scored, with its full vocabulary."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.helpers.encoders import pretrained_folder
from tests.helpers.runs import SMALL, trained

from sentiment_transfer.checkpoints.model import TrainedModel
from sentiment_transfer.checkpoints.opening import open_model
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.network import load_network
from sentiment_transfer.results.predictions import read_predictions
from sentiment_transfer.results.record import read_result

FP32 = ("trainer.precision=32-true", "trainer.max_epochs=1")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    trained(folder, *SMALL, *FP32)
    return folder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pretrained_folder(tmp_path_factory.mktemp("encoders") / "tiny")


@pytest.fixture(scope="module")
def pretrained_run(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "pretrained"
    trained(folder, *SMALL, *FP32, "model=local", f"model.encoder={encoder}", "model.freeze_embeddings=false")
    return folder


def japanese_texts(count: int) -> tuple[list[str], list[str]]:
    """Ids and texts of the Japanese test set."""
    from sentiment_transfer.data.written_reviews import WrittenDataModule

    table = WrittenDataModule(language="ja", limit=100).reviews("test").table
    return table["id"].to_pylist()[:count], table["text"].to_pylist()[:count]


def padded(model: TrainedModel, texts: list[str]) -> np.ndarray:
    batch = model.tokenizer(texts, padding=True, truncation=True, max_length=model.max_length, return_tensors="pt")
    with torch.inference_mode():
        logits = model.network(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    return model.probabilities(logits).numpy()


def assert_predicts_as_scored(folder: Path, selection: str = "source_dev") -> TrainedModel:
    model = open_model(str(folder), selection=selection)
    ids, texts = japanese_texts(40)
    recorded = read_predictions(folder, "written_ja")
    expected = dict(zip(recorded.ids, recorded.probabilities[selection], strict=True))
    assert np.abs(padded(model, texts) - np.stack([expected[name] for name in ids])).max() < 1e-5
    return model


def test_a_tiny_run_predicts_as_it_was_scored(run: Path) -> None:
    model = assert_predicts_as_scored(run)
    assert model.classes == model.outputs == ("negative", "positive")
    assert (model.origin.kind, model.origin.selection, model.max_length) == ("run", "source_dev", 64)
    assert model.origin.result == read_result(run)
    assert model.caveats == ("trained from scratch",)
    assert not model.network.training
    assert_predicts_as_scored(run, "last")


def test_rows_that_were_trimmed_are_restored_from_the_encoder(pretrained_run: Path, encoder: Path) -> None:
    model = assert_predicts_as_scored(pretrained_run)
    initial = load_network(str(encoder), classes=model.classes, vocabulary=len(model.tokenizer), seed=0)
    theirs, ours = initial.get_input_embeddings().weight, model.network.get_input_embeddings().weight
    from safetensors.torch import load_file

    state = load_file(next((pretrained_run / "weights").glob("*.safetensors")))
    kept = next(tensor for name, tensor in state.items() if name.endswith(".kept_token_ids"))
    absent = torch.ones(len(theirs), dtype=torch.bool)
    absent[kept] = False
    assert absent.any()
    assert torch.equal(ours[absent], theirs[absent])
    assert not torch.equal(ours[kept], theirs[kept])  # these were trained


def test_random_weights_are_initialised_again(tmp_path: Path, encoder: Path) -> None:
    folder = tmp_path / "random"
    trained(folder, *SMALL, *FP32, "model=local", f"model.encoder={encoder}", "model.weights=random", "seed=5")
    assert assert_predicts_as_scored(folder).caveats == ("random weights",)


def test_a_run_with_adapters_has_them_merged(tmp_path: Path, encoder: Path) -> None:
    folder = tmp_path / "lora"
    trained(folder, *SMALL, *FP32, "model=local", f"model.encoder={encoder}", "model.lora_rank=4")
    model = assert_predicts_as_scored(folder)
    assert not any("lora" in name for name in model.network.state_dict())


def test_a_link_to_a_run_is_the_run(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "best").symlink_to(run)
    monkeypatch.chdir(tmp_path)
    assert open_model("best").origin.path == str(run.resolve())


OWN_EMBEDDING = Path("model") / "embedding.safetensors"


def test_a_run_does_not_depend_on_the_folder_of_its_encoder(pretrained_run: Path, tmp_path: Path) -> None:
    """Texts with tokens that no text of the run had read their rows from it: the run has kept them."""
    encoder = pretrained_folder(tmp_path / "encoder")
    folder = tmp_path / "run"
    trained(folder, *SMALL, *FP32, "model=local", f"model.encoder={encoder}", "model.freeze_embeddings=false")
    texts = ["zebra quartz jinx", "Übermäßig!", "楽しい旅行"]
    before = padded(open_model(str(folder)), texts)
    other_weights(encoder)
    assert np.array_equal(padded(open_model(str(folder)), texts), before)
    shutil.rmtree(encoder)
    assert np.array_equal(padded(open_model(str(folder)), texts), before)


def other_weights(encoder: Path) -> None:
    from safetensors.torch import load_file, save_file

    state = {name: tensor * 1.01 for name, tensor in load_file(encoder / "model.safetensors").items()}
    save_file(state, encoder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize("lora", [True, False])
def test_another_encoder_in_the_same_place_is_refused(lora: bool, tmp_path: Path) -> None:
    """Adapters need all of the encoder; an embedding may have been removed to save space."""
    encoder = pretrained_folder(tmp_path / "encoder")
    folder = tmp_path / "run"
    options = ["model.lora_rank=4"] if lora else ["model.freeze_embeddings=false"]
    trained(folder, *SMALL, *FP32, "model=local", f"model.encoder={encoder}", *options)
    (folder / OWN_EMBEDDING).unlink(missing_ok=True)
    open_model(str(folder))
    other_weights(encoder)
    with pytest.raises(UserError, match=r"is not the one that the run in .* started from: .* Put the former"):
        open_model(str(folder))


def test_an_encoder_that_is_gone_is_named(pretrained_run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(pretrained_run, tmp_path / "run")
    (folder / OWN_EMBEDDING).unlink()
    record = json.loads((folder / "result.json").read_text())
    record["config"]["model"]["encoder"] = str(tmp_path / "gone")
    (folder / "result.json").write_text(json.dumps(record))
    with pytest.raises(UserError, match=rf"started from, {tmp_path}/gone.*does not exist.*available"):
        open_model(str(folder))


def test_an_encoder_of_another_size_is_refused(pretrained_run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(pretrained_run, tmp_path / "run")
    (folder / OWN_EMBEDDING).unlink()
    record = json.loads((folder / "result.json").read_text())
    record["config"]["model"] |= {"encoder": "builtin:scratch"}
    (folder / "result.json").write_text(json.dumps(record))
    with pytest.raises(UserError, match="is not the one that the run"):
        open_model(str(folder))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"PK\x03\x04 and the rest of an archive", "is a pickle or a zip archive.*never loaded"),
        (b"\x80\x02}q\x00.", "is a pickle or a zip archive"),
        (b"", "damaged or truncated"),
    ],
)
def test_a_file_that_is_not_safetensors_is_refused(run: Path, tmp_path: Path, content: bytes, sentence: str) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    for path in (folder / "weights").iterdir():
        path.write_bytes(content)
    with pytest.raises(UserError, match=sentence):
        open_model(str(folder))


def test_a_truncated_file_is_refused(run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    for path in (folder / "weights").iterdir():
        path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"damaged or truncated.*Delete .* and run its command again"):
        open_model(str(folder))


def test_a_changed_bit_in_the_weights_is_noticed(run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    for path in (folder / "weights").iterdir():
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(bytes(content))
    with pytest.raises(UserError, match=r"does not match its checksum.*Delete .* and run its command again"):
        open_model(str(folder))


def test_a_run_without_weights_says_why(run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(run, tmp_path / "run", ignore=shutil.ignore_patterns("weights"))
    with pytest.raises(UserError, match=r"has no weights for selection=source_dev.*keep_weights=true"):
        open_model(str(folder))


def test_an_unknown_selection_is_refused(run: Path) -> None:
    with pytest.raises(UserError, match=r"selection=best is invalid: this run has last, source_dev"):
        open_model(str(run), selection="best")


def test_labels_of_a_run_cannot_be_renamed(run: Path) -> None:
    with pytest.raises(UserError, match="is a run, whose classes are known"):
        open_model(str(run), labels={"negative": "positive"})


def test_a_sweeps_directory_lists_its_runs(run: Path) -> None:
    with pytest.raises(UserError, match=rf"contains 1 finished run: name one.\s+checkpoint={run}"):
        open_model(str(run.parent))


def test_a_run_that_has_not_finished_offers_those_beside_it(run: Path, tmp_path: Path) -> None:
    (tmp_path / "begun" / "checkpoints").mkdir(parents=True)
    with pytest.raises(UserError, match="has not finished") as alone:
        open_model(str(tmp_path / "begun"))
    assert "same directory" not in str(alone.value)
    shutil.copytree(run, tmp_path / "done")
    with pytest.raises(UserError, match=f"Finished runs in the same directory: {tmp_path}/done"):
        open_model(str(tmp_path / "begun"))


def test_a_record_of_another_program_is_refused(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text('{"accuracy": 0.9}')
    with pytest.raises(UserError, match="another program"):
        open_model(str(tmp_path))


def test_paths_without_a_model_are_refused(tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "notes").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="contains no model that can be loaded"):
        open_model("notes")
    with pytest.raises(UserError, match=r"is a file. Name the folder"):
        open_model(str(run / "result.json"))
    for path in ("./gone", "/gone/away", "~/gone", "a/b/c", "notes/gone"):
        with pytest.raises(UserError, match="does not exist"):
            open_model(path)
