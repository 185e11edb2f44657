"""The classifier as a LightningModule: one step for training and development, an optimiser, a schedule, a loss."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler
from torchmetrics import MeanMetric, MetricCollection
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score

from sentiment_transfer.config.callback_options import SOURCE_DEV
from sentiment_transfer.config.objective_options import AdamWConfig, LinearConfig, OptimizerConfig, ScheduleConfig
from sentiment_transfer.data.reviews import BINARY
from sentiment_transfer.files.text import cache_folder
from sentiment_transfer.model.configuration import refuse_decoder
from sentiment_transfer.model.layer_rates import by_depth
from sentiment_transfer.model.lora import has_lora, kept_state
from sentiment_transfer.model.objective import Loss, make_optimizer, make_schedule
from sentiment_transfer.model.packed.network import PackedNetwork, why_padded
from sentiment_transfer.model.vocabulary import HeldRows, TrimmedEmbedding

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Batch = dict[str, Tensor]


class SentimentClassifier(pl.LightningModule):
    """A Hugging Face encoder with a sequence-classification head.

    Args:
        encoder: a network from ``load_network``, or a Hugging Face name or folder, which is loaded with it.
        classes: the label names, in the order of the logits.
        seed: of the head (where it is made here) and of every training step's dropout.
        learning_rate: peak of a schedule that rises linearly over ``warmup_ratio`` of all steps, then falls to 0.
        weight_decay: of matrices; biases and norms have none.
        betas, eps: of AdamW, where no ``optimizer`` is given.
        optimizer, schedule: what they are and their own arguments; rate, decay and warm-up are those above.
        layer_decay: factor from a layer's rate to the one below, from the head's on; None: one rate.
        loss: of training, from logits (reviews, classes) and labels (reviews,) int64; None: the mean cross-entropy,
            which development sets always have.
        dev_names: names of the development sets, in the order of the validation loaders.
        packed: compute without padding where the architecture allows it; ``why_padded`` says why not.
        cache_dir: where the compiled kernels are kept.
    """

    def __init__(
        self,
        encoder: PreTrainedModel | str,
        *,
        classes: tuple[str, ...] = BINARY,
        seed: int = 0,
        learning_rate: float = 2e-5,
        weight_decay: float = 0.01,
        warmup_ratio: float = 0.1,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        optimizer: OptimizerConfig | None = None,
        schedule: ScheduleConfig | None = None,
        layer_decay: float | None = None,
        loss: Loss | None = None,
        dev_names: Sequence[str] = ("dev",),
        packed: bool = True,
        cache_dir: str | Path | None = None,
    ) -> None:
        super().__init__()
        if isinstance(encoder, str):
            from sentiment_transfer.model.network import load_network

            encoder = load_network(encoder, classes=classes, vocabulary=0, seed=seed)
        refuse_decoder(encoder.config, type(encoder).__name__)
        self.network = encoder
        self.strict_loading = not has_lora(encoder)  # a checkpoint leaves the frozen encoder out
        self.why_padded = why_padded(encoder) if packed else "trainer.packed=false"
        self.packed = None if self.why_padded else PackedNetwork(encoder, cache_folder(cache_dir))
        self.classes = classes
        self.seed = seed
        self.learning_rate, self.weight_decay, self.warmup_ratio = learning_rate, weight_decay, warmup_ratio
        self.optimizer_options = optimizer or AdamWConfig(beta1=betas[0], beta2=betas[1], eps=eps)
        self.schedule_options = schedule or LinearConfig()
        self.layer_decay = layer_decay
        self.loss: Loss = loss or nn.functional.cross_entropy
        self.dev_names = list(dev_names)
        self.source_dev: dict[str, int] = {}  # reviews of each development set of the source, for callbacks
        self.max_steps: int | None = None  # at which training ends, where that is before the last epoch's end
        self.trained_token_ids: Tensor | None = None  # (n,) int64, where the vocabulary is trimmed
        self.train_metrics = self._metrics()
        # Part of a checkpoint, so that an epoch that was interrupted reports the means of all of its steps.
        self.train_metrics.persistent(True)
        self.dev_metrics = nn.ModuleList(self._metrics() for _ in self.dev_names)
        self.train()  # the network comes in eval mode; every step below sets the mode that it needs

    def configure_model(self) -> None:
        """Share the network among the devices, where the trainer's strategy asks for that."""
        if self.device_mesh is not None:
            from sentiment_transfer.model.sharding import shard

            shard(self.network, self.device_mesh["data_parallel"])
            if self.packed is not None and self.packed.why_not_fused is None:
                self.packed.why_not_fused = "the kernels need whole weights, trainer.strategy=fsdp shares them"

    def _metrics(self) -> MetricCollection:
        classes = len(self.classes)
        return MetricCollection(
            {
                "loss": MeanMetric(nan_strategy=math.nan),  # "warn" leaves NaN out of the mean, "disable" the weights
                "accuracy": MulticlassAccuracy(classes, average="micro", validate_args=False),
                "f1": MulticlassF1Score(classes, average="macro", validate_args=False),
            },
            compute_groups=False,
        )

    def _dev(self) -> list[MetricCollection]:
        return cast(list[MetricCollection], list(self.dev_metrics))

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, cu_seqlens: Tensor | None = None
    ) -> Tensor:
        """Logits (reviews, classes) of a padded batch, ids and mask (reviews, longest) int64, or of a packed one, ids
        (tokens,) and cu_seqlens (reviews + 1,) int64."""
        if self.packed is None:
            return self.network(input_ids=input_ids, attention_mask=attention_mask).logits
        if cu_seqlens is None:
            assert attention_mask is not None
            cu_seqlens = nn.functional.pad(attention_mask.sum(1).cumsum(0), (1, 0))
            input_ids = input_ids[attention_mask.bool()]
        return self.packed(input_ids, cu_seqlens)

    @contextmanager
    def unchanged_weights(self) -> Iterator[None]:
        """While it lasts no weight is changed, so what is derived from them may be kept between batches."""
        with nullcontext() if self.packed is None else self.packed.unchanged_weights():
            yield

    @property
    def batching(self) -> tuple[str, str]:
        """How batches are computed (packed; packed, fused kernels; padded), and why not in a faster way."""
        if self.packed is None:
            return "padded", self.why_padded or ""
        return self.packed.batching, self.packed.why_padded or self.packed.why_not_fused or ""

    def planned_batching(self, device: str, precision: str) -> str:
        """How batches will be computed on ``device`` (cpu, cuda or mps) in ``precision``, as ``batching`` names it."""
        if self.packed is None:
            return "padded"
        fused = device == "cpu" and precision == "bf16-mixed" and self.packed.can_build_kernels()
        return "packed, fused kernels" if fused else "packed"

    def logits(self, batch: Batch) -> Tensor:
        """(reviews, classes) float32."""
        return self(batch["input_ids"], batch.get("attention_mask"), batch.get("cu_seqlens")).float()

    def step(self, batch: Batch, metrics: MetricCollection, loss_of: Loss = nn.functional.cross_entropy) -> Tensor:
        """The loss of a batch, () float32; adds it to ``metrics`` unless it is a padding batch."""
        logits = self.logits(batch)
        loss = loss_of(logits, batch["labels"])
        if "is_padding_batch" in batch:  # another process has the last reviews: this one keeps step
            return loss
        metrics["loss"].update(loss.detach(), weight=len(logits))
        metrics["accuracy"].update(logits.detach(), batch["labels"])
        metrics["f1"].update(logits.detach(), batch["labels"])
        return loss

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        kept = {f"network.{name}" for name in kept_state(self.network)}
        state = checkpoint["state_dict"]
        checkpoint["state_dict"] = {n: t for n, t in state.items() if n in kept or not n.startswith("network.")}
        checkpoint["train_metrics"] = self.train_metrics.state_dict()  # which FSDP leaves out, as no parameters

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.train_metrics.load_state_dict(checkpoint["train_metrics"])
        self.train_metrics.to(self.device)

    @contextmanager
    def metrics_of_all_ranks(self) -> Iterator[None]:
        """While it lasts, the training metrics are those of all processes together: what a checkpoint keeps."""
        with ExitStack() as stack:
            for metric in self.train_metrics.values():
                stack.enter_context(metric.sync_context())
            yield

    def on_train_start(self) -> None:
        if self.trainer.global_rank:  # a checkpoint's are those of all, which the first process goes on with
            self.train_metrics.reset()

    def on_train_epoch_start(self) -> None:
        self.train_metrics.reset()  # not at an epoch's end: a checkpoint is saved there, before this hook has its turn

    def in_mode(self, training: bool) -> None:
        """Dropout in every part of the network, frozen ones included, or in none: as transformers' own trainer has it.

        Set by each step for itself. Lightning keeps the mode that a module comes in, and ``from_pretrained`` gives
        eval mode: a run that relied on either would train without dropout.
        """
        if any(module.training is not training for module in self.network.modules()):
            self.network.train(training)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        # Dropout is a function of (seed, step), not of what ran before: a run that is interrupted and
        # continued draws the same masks as one that was not.
        # Each of several processes draws its own.
        done = self.trainer.fit_loop.epoch_loop.total_batch_idx
        others = (self.trainer.global_rank,) if self.trainer.global_rank else ()
        torch.manual_seed(hash((self.seed, done, *others)) % 2**63)

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        self.log("train/lr", max(group["lr"] for group in optimizer.param_groups))  # the head's, where layers differ

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        self.in_mode(training=True)
        loss = self.step(batch, self.train_metrics, self.loss)
        self.log("train/step_loss", loss, prog_bar=True)
        if (weight := batch.get("loss_weight")) is None:
            return loss
        # Lightning divides by the number of micro-batches of a step; loss_weight is the exact fraction of its reviews.
        return loss * weight * self.trainer.accumulate_grad_batches

    def on_train_epoch_end(self) -> None:
        self.log_dict({f"train/{name}": value for name, value in self.train_metrics.compute().items()})

    def validation_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> None:
        self.in_mode(training=False)
        self.step(batch, self._dev()[dataloader_idx])

    def on_validation_epoch_end(self) -> None:
        values = {}
        for name, metrics in zip(self.dev_names, self._dev(), strict=True):
            values[name] = metrics.compute()
            self.log_dict({f"dev/{name}/{metric}": value for metric, value in values[name].items()})
            metrics.reset()
        if reviews := sum(self.source_dev.values()):
            for metric in ("loss", "accuracy"):
                pooled = sum(values[name][metric] * rows for name, rows in self.source_dev.items()) / reviews
                self.log(f"{SOURCE_DEV}/{metric}", pooled, logger=False)  # it is in the logs for each of them

    def predict_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> dict[str, Tensor]:
        """Rows (reviews,) int64 and class probabilities (reviews, classes) float32 of a batch."""
        self.in_mode(training=False)
        return {"rows": batch["rows"].cpu(), "probabilities": self.logits(batch).softmax(-1).cpu()}

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        steps = min(int(self.trainer.estimated_stepping_batches), self.max_steps or sys.maxsize)
        options, more = self.optimizer_options, {}
        if isinstance(options, AdamWConfig) and "fused" not in options.arguments():
            # A fused step unscales by itself, after the clipping; and it takes no scale for weights that are shared.
            more["fused"] = not self._scaled() and self.device_mesh is None
        optimizer = make_optimizer(options, self._parameter_groups(), self.learning_rate, **more)
        embedding = self.network.get_input_embeddings()
        ids = self.trained_token_ids
        if ids is not None and isinstance(embedding, TrimmedEmbedding) and embedding.weight.requires_grad:
            optimizer.register_step_post_hook(HeldRows(embedding, ids))
        schedule = self._schedule(optimizer, steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _schedule(self, optimizer: Optimizer, steps: int) -> LRScheduler:
        if self.schedule_options._target_ == LinearConfig._target_:
            return LambdaLR(optimizer, LinearWithWarmup(steps, self.warmup_ratio))
        return make_schedule(self.schedule_options, optimizer, round(steps * self.warmup_ratio), steps)

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip norm or values. Lightning's own refuses fused optimisers in bf16 too, where nothing is scaled."""
        if gradient_clip_val is not None and self.device_mesh is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), gradient_clip_val)
        elif self._scaled():
            self.clip_gradients(optimizer, gradient_clip_val, gradient_clip_algorithm)
        elif gradient_clip_val is not None and gradient_clip_algorithm == "value":
            nn.utils.clip_grad_value_(self.network.parameters(), gradient_clip_val)
        elif gradient_clip_val is not None and not (type(optimizer) is AdamW and optimizer.defaults["fused"]):
            nn.utils.clip_grad_norm_(self.network.parameters(), gradient_clip_val)
        elif gradient_clip_val is not None:
            norm = nn.utils.get_total_norm([p.grad for p in self.network.parameters() if p.grad is not None])
            # The fused step divides by this as it reads the gradients, which saves a pass over all of them.
            optimizer.grad_scale = ((norm + 1e-6) / gradient_clip_val).clamp(min=1.0).float()  # type: ignore[attr-defined]

    def _scaled(self) -> bool:
        """Whether gradients are scaled, as fp16 needs and bf16 does not."""
        return str(self.trainer.precision) == "16-mixed"

    def _parameter_groups(self) -> list[dict[str, Any]]:
        trained = [p for p in self.network.parameters() if p.requires_grad]
        groups: list[dict[str, Any]] = [
            {"params": [p for p in trained if p.ndim >= 2], "weight_decay": self.weight_decay},
            {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
        ]
        if self.layer_decay is None:
            return groups
        return by_depth(self.network, groups, self.learning_rate, self.layer_decay)


class LinearWithWarmup:
    """Factor of the peak rate at a step: up from 0 over ``warmup_ratio`` of ``steps``, then down to 0 at the last.

    The schedule of arXiv 2412.18188 as quoted; the same as transformers' ``get_linear_schedule_with_warmup``.
    """

    def __init__(self, steps: int, warmup_ratio: float) -> None:
        self.steps, self.warmup = steps, round(steps * warmup_ratio)

    def __call__(self, step: int) -> float:
        if step < self.warmup:
            return step / self.warmup
        return max(0.0, (self.steps - step) / max(1, self.steps - self.warmup))
