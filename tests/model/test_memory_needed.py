from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.helpers.runs import trained
from tests.helpers.tiny import FAMILIES, random, tiny_folder

from sentiment_transfer.data.reviews import BINARY
from sentiment_transfer.errors import UserError
from sentiment_transfer.model import memory
from sentiment_transfer.model.memory import (
    GIB,
    TrainingShape,
    concurrent_runs,
    estimate_memory,
    min_fsdp_devices,
    option_that_fits,
)
from sentiment_transfer.model.memory_limits import Room
from sentiment_transfer.model.network import meta_network
from sentiment_transfer.model.vocabulary import trim_vocabulary

SHAPE = TrainingShape(
    batch_size=32, micro_batches=1, tokens=256, mean_tokens=60.0, packed=True, low_precision=True, checkpointing=False
)


@pytest.mark.parametrize("model_type", FAMILIES)
def test_an_outline_has_the_shapes_of_the_network_and_none_of_its_memory(model_type: str, tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path, model_type)
    sketch = meta_network(str(folder), classes=BINARY, vocabulary=60)
    assert all(p.device.type == "meta" for p in sketch.parameters())
    shapes = {name: p.shape for name, p in random(folder).named_parameters()}
    assert {name: p.shape for name, p in sketch.named_parameters()} == shapes


@pytest.mark.real_data
@pytest.mark.parametrize(("size", "parameters"), [("base", 278e6), ("large", 560e6), ("xl", 3.48e9), ("xxl", 10.7e9)])
def test_states_of_the_real_sizes_are_16_bytes_a_parameter(real_models: Path, size: str, parameters: float) -> None:
    network = meta_network(str(real_models / f"xlm-roberta-{size}"), classes=BINARY, vocabulary=0)
    full = estimate_memory(network, replace(SHAPE, low_precision=False))
    states = full.weights + full.gradients + full.optimizer
    assert states == pytest.approx(16 * parameters, rel=0.01)


def test_trimmed_rows_and_adapters_are_counted_as_they_are(tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path, vocab_size=5_000)
    sketch = meta_network(str(folder), classes=BINARY, vocabulary=60)
    network = random(folder)
    trim_vocabulary(network, torch.arange(100))
    counted = estimate_memory(sketch, replace(SHAPE, trimmed_rows=100, low_precision=False))
    assert counted.gradients == 4 * sum(p.numel() for p in network.parameters())
    adapted = random(folder, lora_rank=4)
    counted = estimate_memory(sketch, replace(SHAPE, lora_rank=4))
    assert counted.optimizer == pytest.approx(
        8 * sum(p.numel() for p in adapted.parameters() if p.requires_grad), rel=0.01
    )


def test_each_option_needs_less_and_padding_needs_more(tmp_path: Path) -> None:
    sketch = meta_network(str(tiny_folder(tmp_path)), classes=BINARY, vocabulary=60)
    usual = estimate_memory(sketch, SHAPE).activations
    assert estimate_memory(sketch, replace(SHAPE, micro_batches=4)).activations < usual / 2
    assert estimate_memory(sketch, replace(SHAPE, checkpointing=True)).activations < usual
    assert estimate_memory(sketch, replace(SHAPE, packed=False)).activations > 2 * usual
    assert estimate_memory(sketch, replace(SHAPE, low_precision=False)).activations == 2 * usual


def test_the_first_option_that_fits_is_named(real_models: Path) -> None:
    network = meta_network(str(real_models / "xlm-roberta-base"), classes=BINARY, vocabulary=0)
    large_batch = replace(SHAPE, batch_size=256, tokens=512, mean_tokens=300)
    states = estimate_memory(network, replace(large_batch, micro_batches=256)).total
    assert option_that_fits(network, large_batch, states * 1.5) == "trainer.micro_batch_size=16"
    assert "lora_rank" in str(option_that_fits(network, large_batch, states * 0.6))
    assert option_that_fits(network, large_batch, 0.1 * GIB) is None


def test_devices_that_share_a_model_need_less_each(real_models: Path) -> None:
    xl = meta_network(str(real_models / "xlm-roberta-xl"), classes=BINARY, vocabulary=0)
    shape = replace(SHAPE, trimmed_rows=40_000, checkpointing=True)
    alone, shared = estimate_memory(xl, shape), estimate_memory(xl, replace(shape, shards=4, micro_batches=4))
    assert shared.optimizer == alone.optimizer / 4 and shared.gradients == alone.gradients / 4
    assert alone.weights / 4 < shared.weights < alone.weights / 3, "and a layer whole, with the next on its way"
    assert min_fsdp_devices(xl, shape, 40 * GIB) == 2
    assert min_fsdp_devices(xl, shape, 20 * GIB) == 4
    assert min_fsdp_devices(xl, shape, 1 * GIB) is None
    assert min_fsdp_devices(xl, replace(shape, batch_size=2), 20 * GIB) is None, "a batch of 2 is not for four"


def test_as_many_runs_fit_as_there_is_room_for(tmp_path: Path) -> None:
    one = estimate_memory(meta_network(str(tiny_folder(tmp_path)), classes=BINARY, vocabulary=60), SHAPE)
    assert concurrent_runs(one, 3.5 * one.total) == 3
    assert concurrent_runs(one, 0.5 * one.total) == 0


SMALL_RUN = ("experiment=tiny", "source.written_en.limit=64", "targets=none", "logger.progress_bar=false")


def test_a_run_that_cannot_fit_is_refused_before_its_network_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "host_room", lambda: Room(0.61 * GIB, "ulimit -v"))
    monkeypatch.setattr("sentiment_transfer.runs.build.make_classifier", None)
    with pytest.raises(
        UserError, match=r"needs about .* GiB: weights .* The cpu has 0\.6 GiB free within the limit of ulimit -v\. "
    ):
        trained(tmp_path, *SMALL_RUN, "trainer.batch_size=64", "data.max_length=512")


def test_a_run_says_what_it_needs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "sentiment_transfer"):
        trained(tmp_path, *SMALL_RUN)
    assert "Memory: about" in caplog.text and "such run" in caplog.text
