"""How a model was trained, in the sentences of its card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sentiment_transfer.config.called import target_of
from sentiment_transfer.config.objective_options import SHIPPED
from sentiment_transfer.formatting import counted
from sentiment_transfer.results.record import RunResult
from sentiment_transfer.training.selection import recorded

POOLED = {  # model.pooling
    "first": "the state of the first token",
    "mean": "the mean of the states of all tokens of a review, special tokens included",
    "max": "the maximum of the states of all tokens of a review, special tokens included",
}


def called(config: Mapping[str, Any], group: str) -> str:
    """The class or function of ``optimizer``, ``schedule`` or ``loss``: ``AdamW``."""
    default = target_of(next(iter(SHIPPED[group].values())))
    return str(config.get(group, {}).get("_target_", default)).rpartition(".")[2]


def after_warm_up(config: Mapping[str, Any]) -> str:
    """The schedule after its warm-up, as a part of a sentence."""
    if "_target_" not in config.get("schedule", {}):
        return "then linearly to 0"
    return f"then by {called(config, 'schedule')}"


def protocol_lines(result: RunResult, selection: str, pooling: str | None = None) -> Iterator[str]:
    config = result["config"]
    data, trainer, optimizer, model = (config.get(key, {}) for key in ("data", "trainer", "optimizer", "model"))
    epochs = len(result["history"])
    yield f"Weights: {selection_text(result, selection, epochs)}."
    yield (
        f"Trained on {result['source']['rows']['train']:,} reviews for {counted(epochs, 'epoch')}, batches of "
        f"{trainer.get('batch_size')}, {called(config, 'optimizer')}, learning rate "
        f"{optimizer.get('learning_rate'):g} after a linear warm-up over {optimizer.get('warmup_ratio', 0):.0%} of the "
        f"steps, {after_warm_up(config)}; weight decay "
        f"{optimizer.get('weight_decay')}; precision {result['precision']}; seed {result['seed']}."
    )
    if loss := config.get("loss"):
        options = "".join(f", {key} {value}" for key, value in loss.items() if key != "_target_" and value is not None)
        yield f"The loss was {called(config, 'loss')}{options}."
    if decay := optimizer.get("layer_decay"):
        yield f"Each layer had {decay:g} of the learning rate of the one above it, and the head the rate itself."
    yield f"Reviews longer than {data.get('max_length')} tokens are cut, in training as in scoring."
    if rank := model.get("lora_rank"):
        yield f"Low-rank adapters (rank {rank}) were trained and are merged into the weights here."
    if what := POOLED.get(pooling or model.get("pooling") or ""):
        yield f"The classifier reads {what}."
    if model.get("freeze_embeddings"):
        yield "The token embeddings were frozen."
    if frozen := model.get("freeze"):
        lower = frozen.removeprefix("lower_")
        yield (
            "The encoder was frozen: the classification head alone was trained."
            if frozen == "encoder"
            else f"The embeddings and the lowest {counted(int(lower), 'layer')} were frozen."
        )
    if top := model.get("reinit_top"):
        yield f"The encoder's top {counted(top, 'layer')} were initialised anew before training."
    held = result["model"].get("vocabulary_rows", 0)
    if model.get("trim_vocabulary") and held and held < result["model"]["vocabulary"]:
        yield (
            f"{held:,} of the vocabulary's {result['model']['vocabulary']:,} tokens occur in the run's texts. The "
            "embeddings of all others are those of the encoder as it was before training."
        )
    if data.get("dedup"):
        yield "Test reviews whose text is in the training set were left out."


def selection_text(result: RunResult, selection: str, epochs: int) -> str:
    weights = recorded(result["selections"].get(selection, {}))
    which = f", {weights} of {epochs}" if weights and weights.kind == "epoch" else f", {weights}" if weights else ""
    return {
        "last": f"those after the last epoch{which}",
        "source_dev": f"those of the epoch that is best on the source's development set{which}",
        "oracle": "those of the epoch that is best on the target's own development set, which is not zero-shot",
    }.get(selection, f"the selection {selection}{which}")
