from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.helpers.networks import LONGEST, classifier, distance, gradients, packed, padded, reviews, twin
from torch import Tensor
from transformers import PreTrainedModel

from sentiment_transfer.model.packed.attention import Packing, grouped_sdpa, nested_sdpa
from sentiment_transfer.model.packed.fused import FusedEncoder
from sentiment_transfer.model.packed.network import PACKED, PackedNetwork

CASES = {
    "one review": [9],
    "reviews of two tokens": [2, 2, 2],
    "the longest allowed beside the shortest": [LONGEST, 2],
    "equal lengths": [7] * 5,
    "many lengths": [3, 40, 12, 2, 25, 26, 61, 5, 5, 33, 18, 2],
}
lengths = st.lists(st.integers(2, LONGEST), min_size=1, max_size=12)
tolerant = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def plain(network: PreTrainedModel, texts: list[Tensor]) -> Tensor:
    return network(**padded(texts, network.config.pad_token_id)).logits


def bf16_logits(run: PackedNetwork, texts: list[Tensor]) -> Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return run(**packed(texts))


@pytest.mark.parametrize("model_type", PACKED)
@pytest.mark.parametrize("case", CASES)
def test_packed_logits_loss_and_gradients_equal_the_padded_ones(
    model_type: str, case: str, folder: Path, cache: Path
) -> None:
    texts = reviews(CASES[case])
    reference = classifier(folder / model_type, model_type)
    run = PackedNetwork(twin(reference), cache)
    expected, got = plain(reference, texts), run(**packed(texts))
    assert run.batching == "packed"
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5 * float(expected.detach().abs().max()))
    assert distance(gradients(reference, expected), gradients(run.network, got)) < 1e-5


@given(lengths=lengths)
@tolerant
def test_packed_equals_padded_whatever_the_lengths(lengths: list[int], folder: Path, cache: Path) -> None:
    texts = reviews(lengths)
    reference = classifier(folder / "config")
    expected, got = plain(reference, texts), PackedNetwork(twin(reference), cache)(**packed(texts))
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5 * float(expected.detach().abs().max()))


@given(lengths=lengths)
@tolerant
def test_fused_kernels_equal_autocast_within_the_rounding_of_bf16(
    lengths: list[int], folder: Path, cache: Path
) -> None:
    """Both are measured against fp32: the kernels may be as far from it as Hugging Face's own modules in bf16 are."""
    texts = reviews(lengths)
    reference = classifier(folder / "config")
    run = PackedNetwork(twin(reference), cache)
    exact = plain(reference, texts)
    truth = gradients(reference, exact)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = plain(reference, texts)
    usual = gradients(reference, rounded)
    got = bf16_logits(run, texts)
    assert run.batching == "packed, fused kernels"
    scale = float(exact.detach().abs().max())
    assert float((got - exact).detach().abs().max()) < 3 * float((rounded - exact).detach().abs().max()) + 0.02 * scale
    assert distance(truth, gradients(run.network, got)) < 3 * distance(truth, usual) + 0.02


@pytest.mark.parametrize("model_type", ["xlm-roberta", "roberta", "camembert", "bert"])
def test_fused_kernels_give_every_gradient_that_the_modules_give(model_type: str, folder: Path, cache: Path) -> None:
    texts = reviews(CASES["many lengths"])
    reference = classifier(folder / model_type, model_type)
    run = PackedNetwork(twin(reference), cache)
    truth, got = gradients(reference, plain(reference, texts)), gradients(run.network, bf16_logits(run, texts))
    assert run.batching == "packed, fused kernels"
    assert truth.keys() == got.keys()
    assert distance(truth, got) < 0.1


@pytest.mark.parametrize("bf16", [False, True])
def test_a_reviews_logits_do_not_depend_on_its_neighbours_or_their_order(bf16: bool, folder: Path, cache: Path) -> None:
    texts = reviews(CASES["many lengths"])
    run = PackedNetwork(classifier(folder / "config").eval(), cache)

    def logits(chosen: list[Tensor]) -> Tensor:
        with torch.no_grad():
            return bf16_logits(run, chosen) if bf16 else run(**packed(chosen))

    together, backwards = logits(texts), logits(texts[::-1]).flip(0)
    alone = torch.cat([logits([text]) for text in texts])
    # A product's last bits depend on how many rows it has: bf16 keeps 8 bits.
    tolerance = {"rtol": 0.02, "atol": 0.02} if bf16 else {"rtol": 1e-5, "atol": 1e-5}
    torch.testing.assert_close(together.float(), backwards.float(), **tolerance)
    torch.testing.assert_close(together.float(), alone.float(), **tolerance)


def test_changing_one_review_changes_no_other_ones_logits(folder: Path, cache: Path) -> None:
    texts = reviews(CASES["many lengths"])
    run = PackedNetwork(classifier(folder / "config").eval(), cache)
    changed = [*texts]
    changed[3] = reviews([len(texts[3])], seed=9)[0]
    with torch.no_grad():
        before, after = bf16_logits(run, texts), bf16_logits(run, changed)
    same = torch.arange(len(texts)) != 3
    assert torch.equal(before[same], after[same])
    assert not torch.equal(before[3], after[3])


@given(lengths=lengths)
@tolerant
def test_jagged_attention_which_a_gpu_uses_equals_grouped_attention(lengths: list[int]) -> None:
    packing = Packing(torch.tensor([0, *lengths]).cumsum(0))
    query, key, value = torch.randn(3, 2, sum(lengths), 8, generator=torch.Generator().manual_seed(0))
    args = (query, key, value, packing, 0.0, 0.3)
    torch.testing.assert_close(nested_sdpa(*args), grouped_sdpa(*args), rtol=1e-5, atol=1e-5)


def halve_through_data(network: PreTrainedModel) -> None:
    for parameter in network.parameters():
        parameter.data.mul_(0.5)  # moves no version counter


def halve_under_no_grad(network: PreTrainedModel) -> None:
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(0.5)


def load(network: PreTrainedModel, assign: bool) -> None:
    state = {name: tensor * 1.5 for name, tensor in network.state_dict().items()}
    network.load_state_dict(state, assign=assign)


def step(network: PreTrainedModel, fused: bool) -> None:
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1, fused=fused)  # fused: moves no version counter either
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()


CHANGES: dict[str, Callable[[PreTrainedModel], None]] = {
    "a fused step": lambda network: step(network, fused=True),
    "a plain step": lambda network: step(network, fused=False),
    "loading": lambda network: load(network, assign=False),
    "loading by assignment": lambda network: load(network, assign=True),
    "an edit": halve_under_no_grad,
    "an edit through data": halve_through_data,
}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("change", CHANGES)
def test_the_fused_kernels_follow_weights_that_change(change: str, training: bool, folder: Path, cache: Path) -> None:
    texts = reviews([5, 9, 14])
    run = PackedNetwork(classifier(folder / "config").train(training), cache)
    before = bf16_logits(run, texts)
    CHANGES[change](run.network)
    after = bf16_logits(run, texts)
    fresh = bf16_logits(PackedNetwork(twin(run.network), cache), texts)
    assert not torch.allclose(before, after)
    assert torch.equal(after, fresh)


def test_training_in_eval_mode_follows_the_weights_as_well(folder: Path, cache: Path) -> None:
    """What hid the fault for long: a network whose mode nobody set, and a fused optimiser."""
    texts = reviews([5, 9, 14])
    run = PackedNetwork(classifier(folder / "config").eval(), cache)
    optimizer = torch.optim.AdamW(run.network.parameters(), lr=0.01, fused=True)
    for _ in range(4):
        got = bf16_logits(run, texts)
        assert torch.equal(got, bf16_logits(PackedNetwork(twin(run.network), cache), texts))
        gradients(run.network, got)
        optimizer.step()


def test_copies_are_made_once_where_no_weight_changes(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    copies = FusedEncoder.bf16_weights
    monkeypatch.setattr(FusedEncoder, "bf16_weights", lambda self: made.append(1) or copies(self))
    run = PackedNetwork(classifier(folder / "config").eval(), cache)
    texts = reviews([5, 9])
    with run.unchanged_weights():
        one, other = bf16_logits(run, texts), bf16_logits(run, texts)
    assert len(made) == 1 and torch.equal(one, other)
    halve_through_data(run.network)
    assert not torch.allclose(one, bf16_logits(run, texts))
