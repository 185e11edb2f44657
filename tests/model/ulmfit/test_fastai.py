"""The network against the one that ULMFiT's authors maintain. fastai is not among this project's packages (see
docs/baselines.md): the test is skipped where it is not installed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from sentiment_transfer.data.reviews import BINARY
from sentiment_transfer.model.network import load_network
from sentiment_transfer.model.ulmfit.awd_lstm import Dropouts
from sentiment_transfer.model.ulmfit.language_model import LanguageModel
from sentiment_transfer.model.ulmfit.network import awd_lstm

pytestmark = pytest.mark.filterwarnings("ignore")  # fastai's own
VOCABULARY, BPTT = 60, 5
# fastai takes the longest first. That is a multiple of the window: where it is none, fastai 2.8.12 takes a place in the
# padding for the last token of texts that are shorter than what is left.
LENGTHS = [20, 12, 10, 6, 5, 5, 3, 1]


@pytest.fixture(scope="module")
def fastai() -> Any:
    return pytest.importorskip("fastai.text.models", reason="fastai is not installed: pip install fastai")


def encoder_state(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our names of the encoder's weights -> fastai's, which keeps the embedding and the recurrent weights twice."""
    renamed = {}
    for name, tensor in state.items():
        if name == "word_embeddings.weight":
            renamed |= dict.fromkeys(("encoder.weight", "encoder_dp.emb.weight"), tensor)
        else:
            _, layer, _, weight = name.split(".")
            raw = weight == "weight_hh_l0"
            renamed[f"rnns.{layer}.{'weight_hh_l0_raw' if raw else f'module.{weight}'}"] = tensor
    return renamed


def padded_as_fastai_does(ids: Tensor) -> Tensor:
    """Whole windows of padding before a text, the rest of it after."""
    rows = []
    for row, length in zip(ids, LENGTHS, strict=True):
        front = (ids.shape[1] - length) // BPTT * BPTT
        rows.append(
            torch.cat([torch.ones(front).long(), row[:length], torch.ones(ids.shape[1] - front - length).long()])
        )
    return torch.stack(rows)


def test_logits_of_the_classifier_are_those_of_fastais_with_the_same_weights(fastai: Any) -> None:
    sizes = {"embedding_size": 8, "hidden_size": 12, "bptt": BPTT}
    ours: Any = load_network("builtin:ulmfit", classes=BINARY, vocabulary=VOCABULARY, seed=0, sizes=sizes).eval()
    config = {"emb_sz": 8, "n_hid": 12, "n_layers": 3, "pad_token": 1, "hidden_p": 0.3, "input_p": 0.4, "embed_p": 0.05,
              "weight_p": 0.5, "output_p": 0.4, "bidir": False}  # fmt: skip
    theirs = fastai.get_text_classifier(fastai.AWD_LSTM, VOCABULARY, 2, seq_len=BPTT, config=config).eval()
    theirs[0].module.load_state_dict(encoder_state(ours.encoder.state_dict()))
    for (norm, linear), block in zip([(0, 2), (4, 6)], theirs[1].layers, strict=True):
        linears = ours.classifier[linear]
        linears.bias.data.zero_()  # fastai's have none
        ours.classifier[norm].running_mean.uniform_(-1, 1)
        block[0].load_state_dict(ours.classifier[norm].state_dict())
        next(layer for layer in block if isinstance(layer, torch.nn.Linear)).weight.data.copy_(linears.weight)
    mask = (torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]).long()
    ids = torch.where(mask.bool(), torch.randint(4, VOCABULARY, mask.shape), 1)
    torch.testing.assert_close(ours(ids, mask).logits, theirs(padded_as_fastai_does(ids))[0], rtol=1e-5, atol=1e-6)


def test_logits_and_gradients_of_the_language_model_are_those_of_fastais(fastai: Any) -> None:
    none = Dropouts(0, 0, 0, 0, 0)
    network = load_network("builtin:ulmfit", classes=BINARY, vocabulary=VOCABULARY, seed=0,
                           sizes={"embedding_size": 8, "hidden_size": 12})  # fmt: skip
    ours = LanguageModel(awd_lstm(network.config, none)).train()
    config = {"emb_sz": 8, "n_hid": 12, "n_layers": 3, "pad_token": 1, "hidden_p": 0, "input_p": 0, "embed_p": 0,
              "weight_p": 0, "output_p": 0, "bidir": False, "tie_weights": True, "out_bias": True}  # fmt: skip
    theirs = fastai.get_language_model(fastai.AWD_LSTM, VOCABULARY, config=config).train()
    theirs[0].load_state_dict(encoder_state(ours.encoder.state_dict()))
    theirs[1].decoder.bias.data.zero_()
    text = torch.randint(4, VOCABULARY, (3, 14))
    states = None
    for window in (text[:, :7], text[:, 7:]):
        logits, _, states = ours(window, states)
        expected = theirs(window)[0]
        torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-6)
    logits.square().sum().backward()
    expected.square().sum().backward()
    torch.testing.assert_close(
        ours.encoder.word_embeddings.weight.grad, theirs[0].encoder.weight.grad, rtol=1e-4, atol=1e-6
    )
    torch.testing.assert_close(
        ours.encoder.layers[1].lstm.weight_hh_l0.grad, theirs[0].rnns[1].weight_hh_l0_raw.grad, rtol=1e-4, atol=1e-6
    )
