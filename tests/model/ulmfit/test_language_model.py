from __future__ import annotations

import numpy as np
import torch

from sentiment_transfer.data.tokens import TokenStore
from sentiment_transfer.model.ulmfit.awd_lstm import AwdLstm, Dropouts
from sentiment_transfer.model.ulmfit.language_model import LanguageModel, Stream


def store(*texts: list[int]) -> TokenStore:
    lengths = np.array([len(text) for text in texts])
    tokens = np.concatenate([np.array(text, dtype=np.int32) for text in texts])
    return TokenStore(tokens, np.concatenate([[0], lengths.cumsum()]), lengths.astype(np.int32))


def model(dropouts: Dropouts) -> LanguageModel:
    torch.manual_seed(0)
    return LanguageModel(AwdLstm(60, 8, 12, 3, dropouts, pad=1))


def test_input_and_output_embeddings_are_one_matrix() -> None:
    language_model = model(Dropouts())
    names = [name for name, _ in language_model.named_parameters()]
    assert sum(p.shape == (60, 8) for p in language_model.parameters()) == 1
    assert sorted(p.data_ptr() for group in language_model.groups() for p in group) == sorted(
        p.data_ptr() for p in language_model.parameters()
    )
    assert "bias" in names


def test_states_carry_a_text_over_from_window_to_window() -> None:
    language_model = model(Dropouts()).eval()
    ids = torch.randint(4, 60, (2, 11))
    whole, _, _ = language_model(ids)
    first, _, states = language_model(ids[:, :6])
    second, _, _ = language_model(ids[:, 6:], states)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)


def test_an_epoch_reads_every_text_whole_and_in_a_new_order() -> None:
    texts = [[0, *range(10 * n, 10 * n + 6), 2] for n in range(1, 40)]
    stream = Stream([store(*texts[:20]), store(*texts[20:])], columns=1, length=7, seed=0)
    epochs = [stream.epoch(number)[0].tolist() for number in (0, 0, 1)]
    assert epochs[0] == epochs[1] != epochs[2]
    assert sorted(epochs[0]) == sorted(token for text in texts for token in text)
    assert all(str(text)[1:-1] in str(epochs[0]) for text in texts)


def test_windows_predict_every_token_of_a_column_but_its_first_once() -> None:
    stream = Stream([store(*[list(range(30))] * 20)], columns=8, length=7, seed=0)
    epoch = stream.epoch(0)
    predicted = [stream.window(epoch, number)[:, 1:] for number in range(len(stream))]
    assert torch.equal(torch.cat(predicted, dim=1), epoch[:, 1:])
    assert all(part.shape[1] for part in predicted)


def test_a_small_corpus_has_fewer_columns() -> None:
    stream = Stream([store(list(range(30)))], columns=64, length=7, seed=0)
    assert (stream.columns, stream.epoch(0).shape) == (2, (2, 15))
