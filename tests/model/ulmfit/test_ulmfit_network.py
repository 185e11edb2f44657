from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForSequenceClassification

from sentiment_transfer.data.reviews import BINARY, THREE_CLASS
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.network import load_network, longest_input, meta_network
from sentiment_transfer.model.packed.network import why_padded
from sentiment_transfer.model.ulmfit.network import ConcatPool, UlmfitForSequenceClassification

LENGTHS = [3, 17, 5, 1, 10, 6, 12, 5]
SIZES = {"embedding_size": 8, "hidden_size": 12, "bptt": 5}


def network(seed: int = 0, **options: Any) -> Any:
    return load_network(
        "builtin:ulmfit", **({"classes": BINARY, "vocabulary": 60, "seed": seed, "sizes": SIZES} | options)
    )


def batch(lengths: list[int]) -> tuple[Tensor, Tensor]:
    ids = torch.randint(4, 60, (len(lengths), max(lengths)), generator=torch.Generator().manual_seed(0))
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    return torch.where(mask, ids, 1), mask.long()


def test_logits_do_not_depend_on_padding_nor_on_neighbours() -> None:
    classifier = network().eval()
    ids, mask = batch(LENGTHS)
    together = classifier(ids, mask).logits
    for row, length in enumerate(LENGTHS):
        alone = classifier(ids[row : row + 1, :length]).logits
        torch.testing.assert_close(together[row : row + 1], alone, rtol=1e-5, atol=1e-6)
    wider = torch.nn.functional.pad(ids, (0, 30), value=7), torch.nn.functional.pad(mask, (0, 30))
    torch.testing.assert_close(classifier(*wider).logits, together, rtol=1e-5, atol=1e-6)


def test_reading_in_parts_pools_what_reading_at_once_pools() -> None:
    ids, mask = batch(LENGTHS)
    parts, whole = network(), network(sizes=SIZES | {"bptt": 70})
    torch.testing.assert_close(parts.eval()(ids, mask).logits, whole.eval()(ids, mask).logits, rtol=1e-5, atol=1e-6)


def test_pooling_is_last_maximum_and_mean_of_the_tokens_that_are_no_padding() -> None:
    outputs = torch.randn(3, 9, 4) - 3  # below zero, so that padding taken for 0 would be the maximum
    lengths = torch.tensor([9, 4, 2])
    pool = ConcatPool(lengths)
    pool.add(outputs[:, :4])
    pool.add(outputs[:1, 4:])
    for row, length in enumerate(lengths.tolist()):
        text = outputs[row, :length]
        expected = torch.cat([text[-1], text.amax(0), text.mean(0)])
        torch.testing.assert_close(pool.pooled()[row], expected)


def test_gradients_reach_every_part_of_a_long_review() -> None:
    classifier = network()
    ids, mask = batch([17, 3])
    ids[0] = torch.arange(20, 37)  # every token once
    classifier.train()(ids, mask).logits[0].sum().backward()
    rows = classifier.get_input_embeddings().weight.grad.abs().sum(1)
    assert (rows[20:37] > 0).sum() > 10  # the other words, and their units, are dropped
    assert classifier.penalty > 0


def test_a_batch_of_one_review_can_be_trained_on() -> None:
    classifier = network().train()
    ids, mask = batch([6])
    classifier(ids, mask).logits.sum().backward()
    assert torch.isfinite(classifier.encoder.word_embeddings.weight.grad).all()


def test_seeds_draw_the_head_and_every_class_has_a_logit() -> None:
    heads = [network(seed).classifier[2].weight for seed in (0, 0, 1)]
    assert torch.equal(heads[0], heads[1]) and not torch.equal(heads[0], heads[2])
    ids, mask = batch(LENGTHS)
    assert network(classes=THREE_CLASS)(ids, mask).logits.shape == (8, 3)


def test_a_saved_network_is_opened_by_transformers_with_the_same_logits(tmp_path: Path) -> None:
    saved = network().eval()
    saved.save_pretrained(tmp_path)
    opened = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    ids, mask = batch(LENGTHS)
    assert isinstance(opened, UlmfitForSequenceClassification)
    assert torch.equal(opened(ids, mask).logits, saved(ids, mask).logits)
    assert opened.config.id2label == {0: "negative", 1: "positive"}
    again = load_network(str(tmp_path), classes=BINARY, vocabulary=60, seed=5).eval()
    assert torch.equal(again(ids, mask).logits, saved(ids, mask).logits)


def test_the_published_sizes_are_the_default() -> None:
    shapes = {name: tuple(p.shape) for name, p in network(sizes=None, vocabulary=100).named_parameters()}
    assert shapes["encoder.word_embeddings.weight"] == (100, 400)
    widths = [shapes[f"encoder.layers.{layer}.lstm.weight_hh_l0"] for layer in range(3)]
    assert widths == [(4 * 1152, 1152), (4 * 1152, 1152), (4 * 400, 400)]


def test_it_says_why_its_batches_are_padded_and_has_no_longest_input() -> None:
    assert "ulmfit encoders take no packed input" in str(why_padded(network()))
    assert longest_input(network()) is None
    assert meta_network("builtin:ulmfit", classes=BINARY, vocabulary=60, sizes=SIZES).config.hidden_size == 12


def test_a_network_without_a_tokenizers_size_is_refused() -> None:
    with pytest.raises(UserError, match="builtin:ulmfit has a vocabulary of its tokenizer's size"):
        network(vocabulary=0)
