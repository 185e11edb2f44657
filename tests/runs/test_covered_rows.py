"""What a run trains does not depend on which other texts it, or the run that it starts from, has read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.helpers.distant import distant
from tests.helpers.encoders import pretrained_folder
from tests.helpers.runs import composed, trained

from sentiment_transfer.config.run_name import run_name
from sentiment_transfer.model.network import load_network
from sentiment_transfer.results.predictions import read_predictions

ENCODER = Path(os.environ["SENTIMENT_CACHE_DIR"]) / "tiny-encoder"  # knows tokens that only the targets have
EMBEDDINGS = "roberta.embeddings.word_embeddings.weight"
TINY = (
    "experiment=tiny",
    "model=local",
    f"model.encoder={ENCODER}",
    "model.learning_rate=1e-2",
    "model.dropout=0.1",
    "optimizer.weight_decay=5",  # five percent of every row and step: what it touches differs visibly
    "source.written_en.limit=38",
    "trainer.batch_size=8",
    "trainer.max_epochs=2",
    "logger=none",
)


@pytest.fixture(scope="module", autouse=True)
def encoder() -> None:
    pretrained_folder(ENCODER)


def by_token(folder: Path) -> tuple[dict[str, torch.Tensor], dict[int, torch.Tensor]]:
    """The weights of the last epoch apart from the embedding, and its rows by token."""
    weights = load_file(folder / "weights" / "epoch-1.safetensors")
    tokens, rows = weights.pop(EMBEDDINGS.replace("weight", "kept_token_ids")), weights.pop(EMBEDDINGS)
    return weights, dict(zip(tokens.tolist(), rows, strict=True))


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_more_targets_change_no_weight_and_rows_of_their_tokens_stay_as_they_were(
    precision: str, tmp_path: Path
) -> None:
    options = (*TINY, f"trainer.precision={precision}")
    trained(tmp_path / "few", *options, "targets=none")
    trained(tmp_path / "more", *options, "targets=none", *distant("ja", "limit=60"))
    (few, few_rows), (more, more_rows) = by_token(tmp_path / "few"), by_token(tmp_path / "more")
    assert all(torch.equal(few[name], more[name]) for name in few)
    assert len(few_rows) < len(more_rows)
    assert all(torch.equal(row, more_rows[token]) for token, row in few_rows.items())
    encoder = load_network(str(ENCODER), classes=("negative", "positive"), vocabulary=0, seed=0)
    initial = encoder.get_input_embeddings().weight  # type: ignore[union-attr]
    assert all(torch.equal(row, initial[token]) for token, row in more_rows.items() if token not in few_rows)
    assert any(not torch.equal(row, initial[token]) for token, row in few_rows.items())


def test_few_shot_gives_the_same_bits_from_source_runs_that_read_other_targets(tmp_path: Path) -> None:
    """One source run had the target's tokens in its embedding, the other did not."""
    few = (*TINY, "targets=none", *distant("ja", "limit=60"), "protocol=few_shot", "protocol.shots=2")
    answers = []
    for name, targets in [("covered", distant("ja", "limit=60")), ("not", distant("id", "limit=50"))]:
        parent = tmp_path / name
        places = (f"paths.output_dir={parent}", f"paths.sweep_dir={parent}")
        source = (*TINY, "targets=none", *targets)
        trained(parent / run_name(composed(*source)), *source, *places)
        folder = parent / run_name(composed(*few, "protocol.steps=6"))
        result = trained(folder, *few, "protocol.steps=6", *places)
        assert result["source"]["started_from"] == run_name(composed(*source))
        answers.append(read_predictions(folder, "far_ja").probabilities["last"])
    assert (answers[0] == answers[1]).all()
