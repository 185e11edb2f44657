from __future__ import annotations

import torch
from torch import nn

from sentiment_transfer.model.ulmfit.awd_lstm import (
    WeightDropLSTM,
    activation_penalty,
    drop_words,
    locked_dropout,
)

X = torch.randn(3, 7, 5, generator=torch.Generator().manual_seed(0))


def layer(rate: float) -> WeightDropLSTM:
    torch.manual_seed(0)
    return WeightDropLSTM(5, 6, rate)


def test_dropped_weights_are_the_recurrent_ones_and_no_others() -> None:
    dropped, plain = layer(0.5), layer(0.0)
    torch.manual_seed(1)
    outputs, _ = dropped(X)
    torch.manual_seed(1)
    kept = nn.functional.dropout(plain.lstm.weight_hh_l0, 0.5)
    assert 0 < (kept == 0).float().mean() < 1
    plain.lstm.weight_hh_l0.data = kept.data
    torch.testing.assert_close(outputs, plain(X)[0])


def test_what_is_dropped_of_the_weights_has_no_gradient_and_the_weights_stay_as_they_were() -> None:
    dropped = layer(0.5)
    before = dropped.lstm.weight_hh_l0.detach().clone()
    dropped(X)[0].sum().backward()
    gradient = dropped.lstm.weight_hh_l0.grad
    assert gradient is not None
    assert 0.3 < (gradient == 0).float().mean() < 0.7
    assert torch.equal(dropped.lstm.weight_hh_l0, before)
    assert list(dropped.state_dict()) == [f"lstm.{name}" for name in nn.LSTM(5, 6).state_dict()]


def test_every_batch_drops_other_weights_and_scoring_drops_none() -> None:
    dropped, plain = layer(0.5), layer(0.0)
    assert not torch.equal(dropped(X)[0], dropped(X)[0])
    assert torch.equal(dropped.eval()(X)[0], plain(X)[0])


def test_a_text_read_in_two_parts_gives_the_outputs_of_one() -> None:
    whole, _ = layer(0.5).eval()(X)
    reader = layer(0.5).eval()
    first, state = reader(X[:, :4])
    torch.testing.assert_close(torch.cat([first, reader(X[:, 4:], state)[0]], dim=1), whole)


def test_locked_dropout_is_the_same_at_every_token_and_another_for_every_text() -> None:
    torch.manual_seed(0)
    masks = locked_dropout(torch.ones(4, 9, 50), 0.4, training=True)
    assert torch.equal(masks, masks[:, :1].expand_as(masks))
    assert not torch.equal(masks[0, 0], masks[1, 0])
    assert set(masks.unique().tolist()) == {0.0, torch.tensor(1 / 0.6).item()}
    assert torch.equal(locked_dropout(X, 0.4, training=False), X)


def test_dropping_words_is_dropping_rows_of_the_embedding() -> None:
    ids = torch.randint(0, 20, (4, 30))
    matrix = torch.randn(20, 5)
    torch.manual_seed(3)
    dropped = drop_words(matrix[ids], ids, 20, 0.3, training=True)
    torch.manual_seed(3)
    rows = nn.functional.dropout(torch.ones(20, 1), 0.3) * matrix
    assert torch.equal(dropped, rows[ids])
    assert 0 < (rows == 0).all(1).sum() < 20


def test_the_penalty_is_that_of_the_paper_and_leaves_padding_out() -> None:
    outputs = torch.tensor([[[1.0, 3.0], [2.0, 1.0], [9.0, 9.0]]])
    valid = torch.tensor([[True, True, False]])
    ar, tar = (1 + 9 + 4 + 1) / 4, (1 + 4) / 2
    assert activation_penalty(outputs, valid, alpha=2, beta=1).item() == 2 * ar + tar
    assert activation_penalty(outputs[:, :2], alpha=2, beta=1).item() == 2 * ar + tar
    assert activation_penalty(outputs[:, :1], alpha=2, beta=1).item() == 2 * 5.0
