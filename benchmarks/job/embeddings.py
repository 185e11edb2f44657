"""The job by frozen sentence embeddings and a logistic regression, as users of sentence-transformers do it.

    python -m benchmarks.job.embeddings RECIPE.json

Needs ``pip install sentence-transformers scikit-learn``, which are not among this project's packages. It answers the
question for an encoder that was trained for sentences, such as E5, and cannot for one from random weights.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.job.parts import Parts


def main() -> None:
    parts = Parts()
    from sentence_transformers import SentenceTransformer
    from sklearn.linear_model import LogisticRegression

    parts("imports")
    recipe = json.loads(Path(sys.argv[1]).read_text())
    splits = {
        name: [json.loads(line) for line in Path(path).read_bytes().splitlines()]
        for name, path in recipe["files"].items()
    }
    parts("data")
    model = SentenceTransformer(recipe["encoder"])  # a folder without its modules: mean pooling
    model.max_seq_length = recipe["max_length"]
    parts("model")
    embedded = {
        name: model.encode([f"query: {row['text']}" for row in rows], normalize_embeddings=True)
        for name, rows in splits.items()
    }
    parts("scoring")
    labels = {name: [row["label"] for row in rows] for name, rows in splits.items()}
    classifier = LogisticRegression(max_iter=1_000, random_state=recipe["seed"]).fit(embedded["train"], labels["train"])
    parts("training")
    errors = {
        name.removeprefix("test_"): float((classifier.predict(embedded[name]) != labels[name]).mean())
        for name in splits
        if name.startswith("test_")
    }
    parts("scoring")
    print(json.dumps({"parts": parts.seconds, "errors": errors}))


if __name__ == "__main__":
    main()
