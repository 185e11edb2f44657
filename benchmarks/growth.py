"""Cost of the packed path by rows, batch size, length and model size. ``python -m benchmarks.growth``.

One process per point. Texts are SmSA's, repeated to the requested number of rows or joined to the requested length.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.speed import RESULTS, ROOT, file_name, hardware

ROWS = (1_000, 10_000, 100_000)
BATCHES = (8, 32, 128, 256)
LENGTHS = (32, 128, 512)
SIZES = ("scratch", "base", "large")
STEPS = 4


def training(encoder: str, size: str, batch: int, length: int | None) -> dict[str, float]:
    """Tokens/s and peak memory of training steps."""
    import torch
    from pytorch_lightning import Callback

    from benchmarks.contestants import clock, ours, store_of
    from benchmarks.workload import workload
    from sentiment_transfer.data.batches import ResumableSampler, TokenBatches, training_loader

    builtin = size == "scratch"
    model = [f"model={size}", f"model.encoder=builtin:{size}"] if builtin else [f"model.encoder={encoder}"]
    if size == "large":
        model = ["model=large", f"model.encoder={encoder.replace('base', 'large')}", f"model.tokenizer={encoder}"]
    weights = ["model.weights=pretrained"] if builtin else []
    work = workload(encoder, *model, *weights, "trainer.precision=bf16-mixed")
    store, _ = store_of(work.train)
    lengths = np.diff(store.offsets)
    needed = (STEPS + 1) * batch
    if length is None:
        reviews = [work.train[i % len(work.train)] for i in range(needed)]
    else:
        stream = np.resize(store.tokens, needed * length)
        reviews = [(stream[i * length : (i + 1) * length], i % 2) for i in range(needed)]
    trainer, module = ours(work)
    store, labels = store_of(reviews)
    batches = TokenBatches([store], labels, work.pad_id, packed=True)
    seconds: list[float] = []
    tokens: list[int] = []

    class Clock(Callback):
        def on_train_batch_start(self, *_: Any) -> None:
            self.begun = clock()

        def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, index: int) -> None:
            seconds.append(clock() - self.begun)
            tokens.append(len(batch["input_ids"]))

    trainer.callbacks = [Clock()]
    trainer.fit(module, training_loader(batches, ResumableSampler(len(reviews), batch, 0)))
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    peak = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else used
    rates = [t / s for t, s in zip(tokens[1:], seconds[1:], strict=True)]
    return {
        "tokens_per_second": median(rates),
        "seconds_per_step": median(seconds[1:]),
        "tokens_per_step": median(tokens[1:]),
        "mean_length": float(lengths.mean()) if length is None else length,
        "peak_bytes": peak,
    }


def preparing(encoder: str, rows: int) -> dict[str, float]:
    """Seconds to read, audit and tokenise the given number of reviews, the first time and again."""
    from benchmarks.workload import configured
    from sentiment_transfer.runs.build import make_data
    from sentiment_transfer.runs.classifier import make_tokenizer

    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        smsa = make_data(configured("model=base", "source=smsa_id", "targets=none"))
        smsa.read()
        table = smsa.train_sets[0].reviews.table.select(["text", "label"]).to_pandas()
        many = table.sample(rows, replace=True, random_state=0)
        many["text"] += [f" {i}" for i in range(rows)]
        many.assign(label=many["label"].map({0: "negative", 1: "positive"})).to_csv(f"{folder}/many.csv", index=False)
        config = configured(
            "model=base",
            f"model.encoder={encoder}",
            "source=csv",
            "targets=none",
            f"source.csv.path={folder}/many.csv",
            "source.csv.language=id",
            f"paths.cache_dir={folder}/cache",
        )
        for turn in ("first", "again"):
            data = make_data(config)
            begun = time.perf_counter()
            data.read()
            read = time.perf_counter()
            tokenizer = make_tokenizer(config, data)
            made = time.perf_counter()
            data.tokenise(tokenizer)
            seconds |= {f"{turn}_read": read - begun, f"{turn}_tokenise": time.perf_counter() - made}
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", default="FacebookAI/xlm-roberta-base", help="for its config and tokenizer")
    parser.add_argument("--point", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.point:
        kind, *values = json.loads(arguments.point)
        point = preparing if kind == "rows" else training
        print(json.dumps(point(arguments.encoder, *values)), flush=True)
        return
    points: list[tuple[str, list[Any]]] = [(f"rows {n}", ["rows", n]) for n in ROWS]
    points += [(f"batch {n}", ["batch", "base", n, None]) for n in BATCHES]
    points += [(f"length {n}", ["length", "base", 32, n]) for n in LENGTHS]
    points += [(f"size {name}", ["size", name, 32, None]) for name in SIZES]
    path = RESULTS / file_name(hardware()["name"])
    for name, point in points:
        command = [sys.executable, "-m", "benchmarks.growth", "--encoder", arguments.encoder, "--point"]
        done = subprocess.run([*command, json.dumps(point)], cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"error: {name} ended with exit code {done.returncode}: {done.stderr.strip()[-500:]}")
        measured = json.loads(done.stdout.strip().splitlines()[-1])
        print(name, {key: round(value, 2) for key, value in measured.items()}, flush=True)
        content = json.loads(path.read_text()) if path.exists() else dict(hardware())
        content.setdefault("growth", {})[name] = measured
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
