"""Folders written by save_pretrained load as classifiers; anything else is refused with a sentence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from tests.helpers.encoders import pretrained_folder
from tests.helpers.learnt import learnt_tokenizer

from sentiment_transfer.checkpoints.opening import open_model
from sentiment_transfer.errors import UserError

FIVE = ("1 star", "2 stars", "3 stars", "4 stars", "5 stars")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pretrained_folder(tmp_path_factory.mktemp("encoders") / "tiny")


@pytest.fixture(scope="module")
def stars(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> Path:
    """A five-star classifier of another project."""
    from transformers import AutoConfig, AutoModelForSequenceClassification

    folder = tmp_path_factory.mktemp("models") / "stars"
    config = AutoConfig.from_pretrained(encoder, num_labels=5, id2label=dict(enumerate(FIVE)))
    torch.manual_seed(0)
    AutoModelForSequenceClassification.from_config(config).save_pretrained(folder)
    learnt_tokenizer().save_pretrained(folder)
    return folder


def changed(folder: Path, copy: Path, **config: object) -> Path:
    shutil.copytree(folder, copy)
    plain = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(plain | config))
    return copy


def test_a_folder_opens_with_its_labels_mapped(stars: Path, tmp_path: Path) -> None:
    model = open_model(str(stars))
    assert model.classes == ("negative", "neutral", "positive")
    assert model.outputs == ("negative", "negative", "neutral", "positive", "positive")
    assert (model.origin.kind, model.origin.name, model.max_length, model.caveats) == ("folder", "stars", 64, ())
    assert not model.network.training and next(model.network.parameters()).dtype == torch.float32
    labels = {name: None for name in FIVE} | {"1 star": "negative", "5 stars": "positive"}
    assert open_model(str(stars), labels=labels).classes == ("negative", "positive")


def test_an_exports_caveats_and_length_are_restored(stars: Path, tmp_path: Path) -> None:
    folder = changed(stars, tmp_path / "export", sentiment_transfer={"caveats": ["random weights"]})
    plain = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(plain | {"model_max_length": 32}))
    model = open_model(str(folder))
    assert (model.caveats, model.max_length) == (("random weights",), 32)


def test_an_encoder_is_no_classifier(encoder: Path, tmp_path: Path) -> None:
    folder = changed(encoder, tmp_path / "m", id2label={"0": "negative", "1": "positive"})
    with pytest.raises(
        UserError, match=r"is not a trained classifier: its weights lack .* classifier.*Train an encoder first"
    ):
        open_model(str(folder))


def test_regression_and_many_labels_at_once_are_refused(stars: Path, tmp_path: Path) -> None:
    for number, kind in enumerate(("regression", "multi_label_classification")):
        folder = changed(stars, tmp_path / str(number), problem_type=kind)
        with pytest.raises(UserError, match=f"is not a single-label classifier.*{kind}"):
            open_model(str(folder))


def test_weights_that_are_no_safetensors(stars: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(stars, tmp_path / "m")
    whole = (folder / "model.safetensors").read_bytes()
    for content, sentence in (
        (b"\x80\x02}q\x00.", "is a pickle or a zip archive under the name of a safetensors file"),
        (b"PK\x03\x04....", "is a pickle or a zip archive"),
        (whole[:-50], "m cannot be read|is damaged or was cut short"),
    ):
        (folder / "model.safetensors").write_bytes(content)
        with pytest.raises(UserError, match=sentence):
            open_model(str(folder))
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"has no \*.safetensors weights \(pickled"):
        open_model(str(folder))


@pytest.mark.parametrize("gap", [0, 1_000])
def test_a_tokenizer_of_more_ids_than_embeddings_is_refused(stars: Path, tmp_path: Path, gap: int) -> None:
    copy = changed(stars, tmp_path / "copy")
    rules = json.loads((copy / "tokenizer.json").read_text())
    rules["model"]["vocab"]["novel"] = len(rules["model"]["vocab"]) + gap  # which id, not how many, is what counts
    (copy / "tokenizer.json").write_text(json.dumps(rules))
    with pytest.raises(UserError, match=r"The tokenizer has .* tokens but .*copy has embeddings for .*: they do not"):
        open_model(str(copy))


def test_a_decoder_is_refused(stars: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has is_decoder=true in its config\.json"):
        open_model(str(changed(stars, tmp_path / "copy", is_decoder=True)))


def test_a_selection_of_a_folder_is_refused(stars: Path) -> None:
    with pytest.raises(UserError, match=r"selection=last is invalid: .* is not a run's directory"):
        open_model(str(stars), selection="last")
