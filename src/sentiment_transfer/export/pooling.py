"""Exports of networks that pool in a way that transformers' own classes do not (model/pooling.py).

A folder with their weights would load there and give other labels, without a word. So such a run is exported as ONNX
alone: the graph holds the pooling, and the folder has no weights that another program could load.
"""

from __future__ import annotations

import json
from pathlib import Path

from sentiment_transfer.errors import UserError
from sentiment_transfer.model.pooling import needs_this_package


def refuse_without_onnx(run: Path) -> None:
    """Raises UserError where the network of ``run`` can be exported as ONNX only."""
    try:
        entries = json.loads((run / "model" / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return  # opening the run says what is wrong with it
    if isinstance(entries, dict) and (pooling := needs_this_package(entries)):
        raise UserError(
            f"The run {run} was trained with model.pooling={pooling}, which transformers has no class for: a folder "
            "with its weights would load there and give other labels. Type onnx=true: the ONNX version holds the "
            "pooling, and is exported alone. predict.py and evaluate.py take the run's own directory."
        )
