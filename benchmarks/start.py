"""Seconds from a command to its first work, as a second run has it: caches are filled, files are in memory.

python -m benchmarks.start                          multilingual E5 small: the first training step, one prediction
python -m benchmarks.start --architecture folder    and one by XLM-R base with random weights; the folder has its
                                                    config.json and tokenizer
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
TURNS = 5
RUN = ["experiment=demo", "logger=none", "trainer.max_epochs=1", "data.limit=64"]
CALLBACK = """
import time
from pathlib import Path
from pytorch_lightning import Callback

class FirstStep(Callback):
    def on_train_batch_start(self, trainer, module, batch, index):
        if index == 0:
            Path("first-step").write_text(str(time.time()))
"""


def started(folder: Path, *command: str) -> float:
    """Seconds of a command in ``folder``."""
    begun = time.time()
    done = subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return time.time() - begun


def first_steps(folder: Path) -> list[float]:
    (folder / "first_step.py").write_text(CALLBACK)
    callback = "callbacks.first._target_=first_step.FirstStep"
    seconds = []
    for seed in range(1 + TURNS):
        begun = time.time()
        started(folder, str(ROOT / "train.py"), *RUN, f"seed={seed}", callback)
        seconds.append(float((folder / "first-step").read_text()) - begun)
    return seconds[1:]


def predictions(folder: Path, checkpoint: Path, *more: str) -> list[float]:
    (folder / "one.csv").write_text("text\nlovely\n")
    command = [str(ROOT / "predict.py"), f"checkpoint={checkpoint}", "input=one.csv", "overwrite=true", *more]
    return [started(folder, *command, f"output={number}.csv") for number in range(1 + TURNS)][1:]


def base(architecture: str, folder: Path) -> Path:
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

    config = AutoConfig.from_pretrained(architecture, num_labels=2)
    AutoModelForSequenceClassification.from_config(config).save_pretrained(folder / "base")
    AutoTokenizer.from_pretrained(architecture).save_pretrained(folder / "base")
    return folder / "base"


def show(what: str, seconds: list[float]) -> None:
    print(f"{what:55} {median(seconds):.1f} s ({min(seconds):.1f} to {max(seconds):.1f})", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architecture", help="folder with XLM-R base's config.json and tokenizer")
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count()))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        show("multilingual E5 small, to the first training step", first_steps(folder))
        run = next((folder / "outputs").glob("e5_small-written_en-s0-*"))
        show("multilingual E5 small, predict.py with one text", predictions(folder, run))
        if given.architecture:
            labels = "labels={LABEL_0: negative, LABEL_1: positive}"
            checkpoint = base(str(Path(given.architecture).resolve()), folder)
            show("XLM-R base, predict.py with one text", predictions(folder, checkpoint, labels))


if __name__ == "__main__":
    main()
