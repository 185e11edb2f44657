"""Training a language model so that a kill at any moment costs minutes: its state is kept while it trains.

Order and dropout are functions of (seed, step): on a CPU, a training that was stopped and went on ends with the very
weights of one that was not.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.optim import AdamW

from sentiment_transfer.data.tokens import TokenStore
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.checksums import verify_weights
from sentiment_transfer.files.hub_errors import first_line
from sentiment_transfer.files.progress import report_stage
from sentiment_transfer.model.finite import refuse_non_finite
from sentiment_transfer.model.ulmfit.awd_lstm import States
from sentiment_transfer.model.ulmfit.classifier import SlantedTriangular, discriminative_rates
from sentiment_transfer.model.ulmfit.language_model import LanguageModel, Stream
from sentiment_transfer.training.interruption import Interrupted, StopRequest
from sentiment_transfer.training.weights import load_checkpoint, save_checkpoint, unreadable, write_state

log = logging.getLogger(__name__)

BATCH, BPTT = 64, 70  # columns of text, tokens of a window; section 4.1 of arXiv 1801.06146
BETAS = (0.7, 0.99)  # of Adam; the same section
MAX_NORM = 0.25  # of the gradient; section 5 of arXiv 1708.02182
LOG_SECONDS = 30.0
PROGRESS = ("step", "seconds", "loss", "history")


@dataclass(frozen=True)
class LanguageModelSettings:
    """The settings that determine the trained weights, together with the texts and the initial weights."""

    epochs: int
    learning_rate: float  # peak of the slanted triangle
    factor: float  # between the rates of neighbouring layers; 1: all alike
    seed: int
    bf16: bool  # compute in bf16 over fp32 weights


class LanguageModelTraining:
    """Trains ``model`` on the texts of ``stores`` into the safetensors file ``path``.

    Args:
        name: what the log calls it.
        stop: asked after every step whether to save and stop.
        save_every_seconds: between saves of the state, which lies beside ``path`` until the training is done.
    """

    def __init__(
        self,
        name: str,
        model: LanguageModel,
        stores: Sequence[TokenStore],
        settings: LanguageModelSettings,
        path: Path,
        *,
        device: torch.device,
        stop: StopRequest,
        save_every_seconds: float,
    ) -> None:
        self.name, self.model, self.settings, self.path = name, model.to(device), settings, path
        self.device, self.stop, self.save_every_seconds = device, stop, save_every_seconds
        self.stream = Stream(stores, columns=BATCH, length=BPTT, seed=settings.seed)
        if not len(self.stream):
            raise UserError(
                f"The {name} has nothing to learn from: the training texts have {self.stream.tokens} tokens together."
            )
        self.optimizer = self._optimizer()
        self.schedule = SlantedTriangular(settings.epochs * len(self.stream))
        self.step, self.seconds, self.loss = 0, 0.0, 0.0  # loss: the sum over this epoch's windows
        self.history: list[float] = []  # perplexity of each epoch's training text, with dropout
        self.states: States | None = None
        self._state_path = path.with_suffix(".state")
        self._clock = self._saved = self._said = 0.0

    def run(self) -> None:
        """From the beginning, or from the state that an earlier attempt left, to the file. Raises Interrupted where a
        signal asked to stop, UserError where the loss is no number."""
        self._restore()
        log.info("Training the %s: %s.", self.name, self.where())
        windows = len(self.stream)
        self.model.train()
        self._clock = self._saved = self._said = time.monotonic()
        self.stop.patient = True
        try:
            for epoch in range(self.step // windows, self.settings.epochs):
                text = self.stream.epoch(epoch)
                for window in range(self.step % windows, windows):
                    self._train(self.stream.window(text, window).to(self.device))
                    if window < windows - 1:
                        self._save_where_due()
                self._end_epoch()
        finally:
            self.stop.patient = False
        self._finish()

    def where(self) -> str:
        """``epoch 1 of 4, window 12 of 104``"""
        epoch, window = divmod(self.step, len(self.stream))
        return f"epoch {epoch + 1} of {self.settings.epochs}, window {window + 1} of {len(self.stream)}"

    def _train(self, window: Tensor) -> None:  # (columns, <= BPTT + 1) int64
        torch.manual_seed(hash((self.settings.seed, self.step)) % 2**63)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * self.schedule(self.step)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.bf16):
            entropy, penalty, self.states = self.model.loss(window, self.states)
        self.optimizer.zero_grad(set_to_none=True)
        (entropy + penalty).backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), MAX_NORM)
        self.optimizer.step()
        self.loss += entropy.item()
        self.step += 1
        now = time.monotonic()
        self.seconds, self._clock = self.seconds + now - self._clock, now
        if now - self._said >= LOG_SECONDS:
            self._said = now
            log.info("%s: %s.", self.name.capitalize(), self.where())
            report_stage(f"training the {self.name}, epoch {self.step // len(self.stream) + 1}/{self.settings.epochs}")

    def _end_epoch(self) -> None:
        if not math.isfinite(self.loss):
            raise UserError(f"The loss of the {self.name} is not a number: lower its learning rate, see conf/model.")
        self.history.append(math.exp(self.loss / len(self.stream)))
        log.info("%s: epoch %d, perplexity %.1f.", self.name.capitalize(), len(self.history), self.history[-1])
        self.loss, self.states = 0.0, None
        self._save()

    def _save_where_due(self) -> None:
        if self.stop.signum is not None or time.monotonic() - self._saved >= self.save_every_seconds:
            self._save()

    def _save(self) -> None:
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "states": self.states,
            **{key: getattr(self, key) for key in PROGRESS},
        }
        save_checkpoint(state, self._state_path)
        self._saved = time.monotonic()
        if self.stop.signum is not None:
            raise Interrupted(self.stop.signum, f"{self.name}, {self.where()}")

    def _restore(self) -> None:
        if not self._state_path.exists():
            return
        try:
            state = load_checkpoint(self._state_path, self.device)
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.states = state["states"]
            for key in PROGRESS:
                setattr(self, key, state[key])
        except Exception as error:  # what torch raises over a damaged file is of a dozen classes
            raise UserError(
                f"The state of the {self.name} in {self._state_path} cannot be read "
                f"({unreadable(error)}): it is damaged. Delete it to train again."
            ) from error

    def _finish(self) -> None:
        tensors = {name: tensor.detach().cpu() for name, tensor in self.model.state_dict().items()}
        facts = {"seconds": str(self.seconds), "perplexity": " ".join(map(str, self.history))}
        write_state(tensors, self.path, facts)
        self._state_path.unlink(missing_ok=True)

    def _optimizer(self) -> AdamW:
        groups = self.model.groups()
        rates = discriminative_rates(self.settings.learning_rate, len(groups), self.settings.factor)
        return AdamW(
            [{"params": group, "lr": rate, "peak": rate} for group, rate in zip(groups, rates, strict=True)],
            betas=BETAS,
            fused=True,
        )


def read_language_model(model: LanguageModel, path: Path) -> dict[str, Any]:
    """Read the file of a finished training into ``model``. Returns its ``seconds`` and its epochs' ``perplexity``.

    Raises UserError where it is damaged or of another architecture.
    """
    try:
        verify_weights(path)
        with safe_open(path, framework="pt") as file:
            facts = file.metadata()
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  no dict
        refuse_non_finite(state.items(), str(path), "Delete it to train it again.")
        model.load_state_dict(state)
        return {
            "seconds": float(facts["seconds"]),
            "perplexity": [float(value) for value in facts["perplexity"].split()],
        }
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"The language model {path} cannot be read ({first_line(error)}): it is damaged. Delete it to "
            "train it again."
        ) from error


@torch.no_grad()
def perplexity(model: LanguageModel, stores: Sequence[TokenStore], *, bf16: bool) -> float:
    """Of ``model``, without dropout, on texts that it was not trained on."""
    device = next(model.parameters()).device
    stream = Stream(stores, columns=BATCH, length=BPTT, seed=0)
    text, states, total, tokens = stream.epoch(0), None, 0.0, 0
    model.eval()
    for number in range(len(stream)):
        window = stream.window(text, number).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            entropy, _, states = model.loss(window, states)
        count = window[:, 1:].numel()
        total, tokens = total + float(entropy) * count, tokens + count
    return math.exp(total / tokens)
