"""A language model's training: it learns, and it ends the same wherever it was stopped."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sentiment_transfer.data.tokens import TokenStore
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.ulmfit.awd_lstm import AwdLstm, Dropouts
from sentiment_transfer.model.ulmfit.language_model import LanguageModel
from sentiment_transfer.training.interruption import Interrupted, stop_request
from sentiment_transfer.training.language_model import (
    LanguageModelSettings,
    LanguageModelTraining,
    perplexity,
    read_language_model,
)

VOCABULARY = 40
SETTINGS = LanguageModelSettings(epochs=3, learning_rate=2e-2, factor=1.0, seed=0, bf16=False)


def store(texts: int, seed: int) -> TokenStore:
    """Texts in which every word says what the next one is, but for the first and a word in ten."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(texts):
        words = [int(rng.integers(4, VOCABULARY))]
        for _ in range(19):
            known = 4 + (words[-1] * 7 + 3) % (VOCABULARY - 4)
            words.append(known if rng.random() < 0.9 else int(rng.integers(4, VOCABULARY)))
        rows.append(words)
    tokens = np.array(rows, dtype=np.int32)
    return TokenStore(tokens.ravel(), np.arange(texts + 1) * 20, np.full(texts, 20, dtype=np.int32))


TRAIN, HELD_OUT = store(2500, 0), store(300, 1)


def model() -> LanguageModel:
    torch.manual_seed(0)
    return LanguageModel(AwdLstm(VOCABULARY, 16, 24, 2, Dropouts(0.02, 0.1, 0.1, 0.2, 0.1), pad=1))


def train(
    path: Path, *, seconds: float = 1e9, stores: tuple[TokenStore, ...] = (TRAIN,), **options: Any
) -> LanguageModel:
    with stop_request() as stop:
        training = LanguageModelTraining(
            "language model", model(), stores, SETTINGS, path,
            device=torch.device("cpu"), stop=stop, save_every_seconds=seconds, **options,
        )  # fmt: skip
        training.run()
    return training.model


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "model.safetensors"
    train(path)
    return path


def test_perplexity_falls_on_texts_that_were_not_trained_on(whole: Path) -> None:
    trained = model()
    before = perplexity(trained, [HELD_OUT], bf16=False)
    facts = read_language_model(trained, whole)
    after = perplexity(trained, [HELD_OUT], bf16=False)
    assert before == pytest.approx(VOCABULARY, rel=0.1)
    assert after < 0.7 * before
    assert facts["perplexity"] == sorted(facts["perplexity"], reverse=True)
    assert len(facts["perplexity"]) == SETTINGS.epochs and facts["seconds"] > 0


@pytest.mark.parametrize("at", [1, 5, 11, 12, 33])
def test_a_training_that_was_stopped_ends_with_the_weights_of_one_that_was_not(
    tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    step, done = LanguageModelTraining._train, []

    def stopped(training: LanguageModelTraining, window: torch.Tensor) -> None:
        step(training, window)
        done.append(training.step)
        if len(done) == at:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(LanguageModelTraining, "_train", stopped)
    path = tmp_path / "model.safetensors"
    with pytest.raises(Interrupted) as stop:
        train(path)
    assert stop.value.saved.startswith("language model, epoch ")
    assert not path.exists()
    train(path)
    assert done == list(range(1, len(done) + 1))  # no window twice, none left out
    assert read_language_model(model(), path)["perplexity"] == read_language_model(model(), whole)["perplexity"]
    assert all(torch.equal(tensor, weights(whole)[name]) for name, tensor in weights(path).items())
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]


def weights(path: Path) -> dict[str, torch.Tensor]:
    read = model()
    read_language_model(read, path)
    return read.state_dict()


def test_a_damaged_state_and_a_damaged_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.with_suffix(".state").write_bytes(b"half of a file")
    with pytest.raises(UserError, match=r"The state of the language model in .* is damaged\. Delete it"):
        train(path)
    path.write_bytes(b"half of a file")
    with pytest.raises(UserError, match=r"The language model .* is damaged\. Delete it"):
        read_language_model(model(), path)


def test_a_changed_bit_in_a_finished_language_model_is_noticed(tmp_path: Path, whole: Path) -> None:
    content = bytearray(whole.read_bytes())
    content[len(content) // 2] ^= 1
    path = tmp_path / "model.safetensors"
    path.write_bytes(bytes(content))
    with pytest.raises(UserError, match=r"does not match its checksum.*Delete it to train it again"):
        read_language_model(model(), path)


def test_a_state_that_holds_code_is_refused_without_advice_to_run_it(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    torch.save({"model": os.remove}, path.with_suffix(".state"))
    with pytest.raises(UserError, match="it holds other things than tensors and plain values") as error:
        train(path)
    assert "weights_only" not in str(error.value)


def test_a_corpus_of_one_word_is_refused(tmp_path: Path) -> None:
    one = TokenStore(np.array([5], dtype=np.int32), np.array([0, 1]), np.array([1], dtype=np.int32))
    with pytest.raises(UserError, match="nothing to learn from: the training texts have 1 tokens together"):
        train(tmp_path / "model.safetensors", stores=(one,))


def test_a_loss_that_is_no_number_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nan = torch.tensor(torch.nan, requires_grad=True)
    monkeypatch.setattr(LanguageModel, "loss", lambda self, window, states: (nan * 1, nan * 1, None))
    with pytest.raises(UserError, match="The loss of the language model is not a number"):
        train(tmp_path / "model.safetensors")
