from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.helpers.learnt import learnt_tokenizer
from tests.helpers.networks import VOCABULARY, classifier, distance, gradients, packed, padded, reviews, twin
from tests.helpers.tiny import FAMILIES
from transformers import PreTrainedModel

from sentiment_transfer.data.tokens import TokenStore
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.packed.network import PackedNetwork
from sentiment_transfer.model.vocabulary import (
    TrimmedEmbedding,
    full_vocabulary,
    kept_token_ids,
    restore_vocabulary,
    trim_like,
    trim_vocabulary,
)

TEXTS = reviews([5, 12, 3])
COVERED = torch.unique(torch.cat([*TEXTS, torch.arange(4)]))


def matrix(network: PreTrainedModel) -> torch.Tensor:
    return network.get_input_embeddings().weight.detach()  # type: ignore[union-attr, operator]


@pytest.mark.parametrize("model_type", FAMILIES)
def test_logits_and_gradients_of_a_trimmed_network_equal_the_whole_ones(model_type: str, tmp_path: Path) -> None:
    whole = classifier(tmp_path / model_type, model_type)
    trimmed = twin(whole)
    trim_vocabulary(trimmed, COVERED)
    assert len(matrix(trimmed)) == len(COVERED) < VOCABULARY
    batch = padded(TEXTS, whole.config.pad_token_id)
    expected, got = whole(**batch).logits, trimmed(**batch).logits
    torch.testing.assert_close(got, expected, rtol=1e-6, atol=1e-6)
    truth, ours = gradients(whole, expected), gradients(trimmed, got)
    name = next(name for name, p in whole.named_parameters() if p is whole.get_input_embeddings().weight)
    assert torch.equal(truth[name].abs().sum(1).nonzero()[:, 0].unique(), torch.unique(torch.cat(TEXTS)))
    truth[name] = truth[name][COVERED]
    assert distance(truth, ours) < 1e-5


def test_packed_trimmed_equals_padded_whole(tmp_path: Path) -> None:
    whole = classifier(tmp_path / "config")
    trimmed = twin(whole)
    trim_vocabulary(trimmed, COVERED)
    expected = whole(**padded(TEXTS, 1)).logits
    torch.testing.assert_close(PackedNetwork(trimmed, tmp_path)(**packed(TEXTS)), expected, rtol=1e-5, atol=1e-5)


def test_restored_weights_are_bit_equal_outside_the_covered_rows(tmp_path: Path) -> None:
    network = classifier(tmp_path / "config")
    before = matrix(network).clone()
    trim_vocabulary(network, COVERED)
    with torch.no_grad():
        matrix(network).add_(1)
    trained = matrix(network).clone()
    restore_vocabulary(network, before)
    after = matrix(network)
    others = torch.ones(VOCABULARY, dtype=torch.bool)
    others[COVERED] = False
    assert torch.equal(after[others], before[others])
    assert torch.equal(after[COVERED], trained)
    assert type(network.get_input_embeddings()) is torch.nn.Embedding
    assert network.get_input_embeddings().padding_idx == 1
    assert network(**padded(TEXTS, 1)).logits.isfinite().all()


def test_a_vocabulary_with_a_single_covered_row(tmp_path: Path) -> None:
    whole = classifier(tmp_path / "config")
    trimmed = twin(whole)
    trim_vocabulary(trimmed, torch.tensor([1]))  # the padding itself
    assert len(matrix(trimmed)) == 1
    text = [torch.tensor([1])]
    masks = {"attention_mask": torch.ones(1, 1, dtype=torch.long)}
    assert torch.equal(trimmed(input_ids=text[0][None], **masks).logits, whole(input_ids=text[0][None], **masks).logits)


def test_a_token_that_is_not_covered_is_an_error_and_never_a_wrong_row(tmp_path: Path) -> None:
    network = classifier(tmp_path / "config")
    trim_vocabulary(network, COVERED)
    absent = next(token for token in range(4, VOCABULARY) if token not in COVERED)
    with pytest.raises(UserError, match=f"e.g. token {absent}: it was trained for other texts"):
        network(**padded([torch.tensor([4, absent])], 1))


def test_weights_of_other_texts_are_refused(tmp_path: Path) -> None:
    one, other = classifier(tmp_path / "config"), classifier(tmp_path / "config")
    trim_vocabulary(one, COVERED)
    trim_vocabulary(other, torch.cat([COVERED[:-1], torch.tensor([VOCABULARY - 1])]).unique())
    with pytest.raises(RuntimeError, match="the data has changed"):
        other.load_state_dict(one.state_dict())
    with pytest.raises(RuntimeError, match="the data has changed"):
        one.load_state_dict(twin(classifier(tmp_path / "config")).state_dict())


def test_a_network_trimmed_like_a_runs_weights_loads_them(tmp_path: Path) -> None:
    trained, fresh = classifier(tmp_path / "config"), classifier(tmp_path / "config")
    trim_vocabulary(trained, COVERED)
    with torch.no_grad():
        matrix(trained).mul_(2)
    trim_like(fresh, trained.state_dict())
    fresh.load_state_dict(trained.state_dict())
    assert torch.equal(fresh(**padded(TEXTS, 1)).logits, trained(**padded(TEXTS, 1)).logits)
    assert full_vocabulary(fresh) == VOCABULARY


def test_restoring_from_another_encoders_matrix_is_refused(tmp_path: Path) -> None:
    network = classifier(tmp_path / "config")
    trim_vocabulary(network, COVERED)
    with pytest.raises(UserError, match="name the encoder that the run started from"):
        restore_vocabulary(network, torch.zeros(VOCABULARY + 1, 32))


def test_padding_is_always_covered(tmp_path: Path) -> None:
    network = classifier(tmp_path / "config")
    trim_vocabulary(network, torch.tensor([7, 9]))
    rows = network.get_input_embeddings()
    assert isinstance(rows, TrimmedEmbedding)
    assert rows.kept_token_ids.tolist() == [1, 7, 9]
    assert rows.padding_idx == 0


def test_every_token_of_every_store_and_every_special_one_counts() -> None:
    tokenizer = learnt_tokenizer()

    def store(tokens: list[int]) -> TokenStore:
        return TokenStore(np.array(tokens, dtype=np.int32), np.array([0, len(tokens)]), np.array([len(tokens)]))

    tokens = kept_token_ids([store([7, 40, 7]), store([11])], tokenizer)
    assert tokens.tolist() == sorted({7, 40, 11, *tokenizer.all_special_ids})
