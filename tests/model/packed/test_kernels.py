from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tests.helpers.networks import classifier, packed, reviews
from torch.nn.functional import gelu, layer_norm, scaled_dot_product_attention

from sentiment_transfer.model.packed.kernels import Biases, Kernels, KernelsUnavailable, ReviewSpans
from sentiment_transfer.model.packed.network import PackedNetwork

BF16 = torch.bfloat16


def relative(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one.detach().float() - other.detach().float()).norm() / other.detach().float().norm())


def no_bias(rows: torch.Tensor) -> Biases:
    zeros = torch.zeros(rows.shape[1])
    return zeros, zeros, zeros


@pytest.fixture(params=[1, 2, 3, 4, 8])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    """More threads than cores as well: the order in which they arrive then changes from call to call."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_sums_over_rows_have_the_same_bits_at_every_call_and_with_any_number_of_threads(
    kernels: Kernels, threads: int
) -> None:
    torch.manual_seed(0)
    rows, hidden = 1000, 384  # not a multiple of the blocks that are summed
    grad, z, x = (torch.randn(rows, hidden).to(BF16) for _ in range(3))
    mean, rstd, weight = z.float().mean(1), 1 / z.float().std(1), torch.rand(hidden)

    def sums() -> tuple[torch.Tensor, torch.Tensor]:
        norm = kernels.add_norm_backward(grad, z, mean, rstd, weight, 3, 0.1)[2]
        return norm, kernels.gelu_backward(x, weight, grad.clone())[1]

    torch.set_num_threads(1)
    alone = sums()
    torch.set_num_threads(threads)
    for _ in range(100):
        assert all(torch.equal(one, other) for one, other in zip(sums(), alone, strict=True))


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_masks_have_dropouts_mean_and_variance(kernels: Kernels, rate: float) -> None:
    mask = kernels.mask((1000, 768), seed=3, rate=rate)
    assert mask.unique().tolist() == [0.0, pytest.approx(1 / (1 - rate))]
    deviation = (rate / (1 - rate)) ** 0.5
    assert mask.mean().item() == pytest.approx(1, abs=5 * deviation / mask.numel() ** 0.5)
    assert mask.var().item() == pytest.approx(deviation**2, rel=0.02)
    # By rows and by columns as well: a bad hash has stripes.
    assert mask.mean(0).std().item() == pytest.approx(deviation / 1000**0.5, rel=0.15)
    assert mask.mean(1).std().item() == pytest.approx(deviation / 768**0.5, rel=0.15)


def test_masks_of_different_seeds_and_neighbouring_elements_are_independent(kernels: Kernels) -> None:
    kept = [kernels.mask((1 << 18,), seed, 0.5).ne(0).double() for seed in (*range(6), 1 << 32, 1 << 45)]
    correlation = torch.corrcoef(torch.stack(kept)) - torch.eye(len(kept))
    assert correlation.abs().max() < 5 / 2**9
    for shift in (1, 2, 16, 64, 768):
        both = torch.stack([kept[0][:-shift], kept[0][shift:]])
        assert abs(torch.corrcoef(both)[0, 1]) < 5 / 2**9


def test_the_same_seed_drops_the_same(kernels: Kernels) -> None:
    assert torch.equal(kernels.mask((999,), 5, 0.1), kernels.mask((999,), 5, 0.1))
    assert not torch.equal(kernels.mask((999,), 5, 0.1), kernels.mask((999,), 6, 0.1))


def test_attention_dropout_has_dropouts_mean_and_variance(kernels: Kernels) -> None:
    """Values that pick out one key each: the context is the probabilities after dropout."""
    length, heads = 16, 4
    query = torch.zeros(40 * length, heads * 16, dtype=BF16)  # all keys alike: probability 1/16
    value = torch.eye(16, dtype=BF16).repeat(40, heads)
    starts = torch.arange(41) * length
    context, _ = kernels.attend(ReviewSpans(starts, starts, heads), query, query, value, no_bias(query), 7, 0.25)
    weights = context.float() * 16
    assert weights.mean().item() == pytest.approx(1, abs=0.01)
    assert weights.var().item() == pytest.approx(1 / 3, rel=0.03)
    assert weights.eq(0).float().mean().item() == pytest.approx(0.25, abs=0.01)


def test_the_backward_pass_of_dropout_uses_the_forward_passs_mask(kernels: Kernels) -> None:
    residual, y = torch.zeros(50, 64, dtype=BF16), torch.randn(50, 64).to(BF16)
    weight, bias = torch.ones(64), torch.zeros(64)
    _, z, mean, rstd = kernels.add_norm(residual, y, bias, weight, bias, 1e-5, 11, 0.4)
    grad = torch.randn(50, 64).to(BF16)
    through_residual, through_y, _ = kernels.add_norm_backward(grad, z, mean, rstd, weight, 11, 0.4)
    assert torch.equal(through_y == 0, z == 0)
    kept = z != 0
    assert relative(through_y[kept], through_residual[kept] / 0.6) < 0.01


def test_attention_gradients_with_dropout_equal_those_of_its_own_weights(kernels: Kernels) -> None:
    heads, width, lengths = 2, 16, [5, 19, 2]
    starts = torch.tensor([0, *lengths]).cumsum(0)
    spans, tokens = ReviewSpans(starts, starts, heads), sum(lengths)
    query = torch.randn(tokens, heads * width).to(BF16)
    key, value = torch.randn(tokens, 2 * heads * width).to(BF16).chunk(2, -1)
    grad = torch.randn(tokens, heads * width).to(BF16)
    masks = []
    for begin, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        # What dropout kept, read off values that pick out one key after the other.
        length = end - begin
        picked = torch.zeros(heads, length, length)
        for at in range(0, length, width):
            picks = torch.zeros(tokens, 2 * heads * width, dtype=BF16).chunk(2, -1)[1]
            for j in range(at, min(at + width, length)):
                picks[begin + j, [j - at, width + j - at]] = 1
            context, _ = kernels.attend(spans, query, key, picks, no_bias(query), 3, 0.3)
            shown = context[begin:end].view(length, heads, width).transpose(0, 1)[..., : length - at]
            picked[:, :, at : at + width] = shown.ne(0)
        masks.append(picked / 0.7)
    biases = tuple(torch.randn(heads * width) for _ in range(3))
    q, k, v = ((x.float() + bias).requires_grad_() for x, bias in zip((query, key, value), biases, strict=True))
    expected = []
    for begin, end, mask in zip(starts[:-1].tolist(), starts[1:].tolist(), masks, strict=True):
        a, b, c = (x[begin:end].view(-1, heads, width).transpose(0, 1) for x in (q, k, v))
        weights = (a @ b.transpose(1, 2) / width**0.5).softmax(-1) * mask
        expected.append((weights @ c).transpose(0, 1).reshape(end - begin, -1))
    context, lse = kernels.attend(spans, query, key, value, biases, 3, 0.3)
    assert relative(context, torch.cat(expected)) < 0.01
    torch.cat(expected).backward(grad.float())
    got, both = kernels.attend_backward(spans, query, key, value, biases, lse, grad, 3, 0.3)
    for ours, theirs in zip((got, *both.chunk(2, -1)), (q, k, v), strict=True):
        assert relative(ours, theirs.grad) < 0.01


@pytest.mark.parametrize("width", [16, 48, 64])
@pytest.mark.parametrize("length", [1, 15, 16, 33, 70])
def test_attention_equals_torchs_for_every_length_and_width(kernels: Kernels, length: int, width: int) -> None:
    heads, reviews_, rows = 3, 2, 5  # and rows after the last review, which must come out as zeros
    starts = torch.arange(reviews_ + 1) * length
    query, both = (
        torch.randn(reviews_ * length + rows, heads * width),
        torch.randn(reviews_ * length + rows, 2 * heads * width),
    )
    query, both = query.to(BF16), both.to(BF16)
    key, value = both.chunk(2, -1)
    biases = tuple(torch.randn(heads * width) for _ in range(3))
    context, _ = kernels.attend(ReviewSpans(starts, starts, heads), query, key, value, biases, 0, 0.0)
    wide = [x.float() + bias for x, bias in zip((query, key, value), biases, strict=True)]
    q, k, v = (x[: reviews_ * length].view(reviews_, length, heads, width).transpose(1, 2) for x in wide)
    expected = scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(reviews_ * length, -1)
    assert relative(context[: reviews_ * length], expected) < 0.004
    assert not context[reviews_ * length :].any()


def test_norm_and_gelu_equal_torchs(kernels: Kernels) -> None:
    x, y = (torch.randn(37, 48).to(BF16) for _ in range(2))
    weight, bias = torch.rand(48) + 0.5, torch.randn(48)
    out, z, _, _ = kernels.add_norm(x, y, bias, weight, bias, 1e-5, 0, 0.0)
    torch.testing.assert_close(z.float(), x.float() + y.float() + bias, rtol=2**-8, atol=1e-6)
    assert relative(out, layer_norm(z.float(), (48,), weight, bias, 1e-5)) < 0.005
    at = torch.linspace(-12, 12, 37 * 48).view(37, 48).to(BF16)
    wide = (at.float() + bias).requires_grad_()
    gelu(wide).backward(y.float())
    torch.testing.assert_close(kernels.gelu(at, bias).float(), gelu(wide), rtol=2**-8, atol=1e-6)
    grad, total = kernels.gelu_backward(at, bias, y.clone())
    assert relative(grad, wide.grad) < 0.005
    torch.testing.assert_close(total, wide.grad.sum(0), rtol=1e-3, atol=1e-3)


def test_without_a_compiler_the_plain_way_is_taken_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CC", "/no/such/compiler")
    with pytest.raises(KernelsUnavailable, match="/no/such/compiler"):
        Kernels(tmp_path)
    run = PackedNetwork(classifier(tmp_path / "config"), tmp_path)
    with torch.autocast("cpu", dtype=BF16):
        logits = run(**packed(reviews([4, 6])))
    assert logits.shape == (2, 2)
    assert run.batching == "packed"
    assert "/no/such/compiler" in str(run.why_not_fused)
    assert "fused kernels are not used" in caplog.text


def test_a_compiler_that_refuses_the_source_is_named_with_its_first_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\necho 'error: unknown option' >&2; exit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("CC", str(compiler))
    with pytest.raises(KernelsUnavailable, match="unknown option"):
        Kernels(tmp_path)


def test_the_kernels_are_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Kernels(tmp_path)
    monkeypatch.setattr("subprocess.run", None)
    Kernels(tmp_path)
