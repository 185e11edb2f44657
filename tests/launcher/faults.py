"""The fault campaign at full length, with real runs on the written reviews: make faults

    python -m tests.launcher.faults --jobs 24 --faults 120 --pretrained-faults 40 --altered 150

Runs an undisturbed sweep, then the disturbed one; every result, prediction and weight must be bit-identical. Rounds are
repeated until there were enough faults. Then inputs and pieces of a run are altered (altered.py): each outcome must be
bit-identical or a refusal. Exit code 1 if anything is different.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

# Importing tests.helpers.stopping writes a file there; no run of the campaign reads it.
os.environ.setdefault("SENTIMENT_CACHE_DIR", tempfile.gettempdir())

from tests.helpers.runs import ROOT
from tests.helpers.stopping import differences
from tests.launcher import altered
from tests.launcher.campaign import Campaign, can_unshare, small_disk

TRAIN = [sys.executable, str(ROOT / "train.py"), "-m"]
# A few seconds per run, mostly imports; five steps per epoch, each saved; dropout, to test the random state.
RUN = (
    "experiment=tiny",
    "model.dropout=0.1",
    "source.written_en.limit=38",
    "targets.written_ja.limit=20",
    "targets.written_id.limit=20",
    "trainer.batch_size=8",
    "trainer.save_every_minutes=0.0001",
    "logger=none",
    "trainer.max_epochs=2,3",
)


# The same with pretrained weights in bf16: the fused kernels, their copies of weights and their dropout masks, and with
# more threads than cores, so that the order in which they come to their ends changes.
PRETRAINED = (
    *("model=e5_small", "model.layers=2", "model.dropout=null", "trainer.precision=bf16-mixed"),
    "hydra.launcher.threads=4",
    "trainer.threads=4",
)


def sweep_of(jobs: int, *more: str) -> list[str]:
    return [*TRAIN, *RUN, *more, f"seed=range({jobs // 2})"]


def compared(folder: Path, reference: Path) -> list[str]:
    """Differences between the two sweeps: a field, a file, or a run that only one of them has."""
    names = [{path.parent.name for path in (f / "multirun").glob("*/result.json")} for f in (folder, reference)]
    found = [f"only one has {name}" for name in sorted(names[0] ^ names[1])]
    for name in sorted(names[0] & names[1]):
        runs = (folder / "multirun" / name, reference / "multirun" / name)
        # The configuration records the logger and the paths; neither affects a number.
        found += [f"{name}: {what}" for what in differences(*runs) if what != "config"]
    return found


def campaign(base: Path, jobs: int, wanted: int, pace: float, seed: int, more: tuple[str, ...]) -> list[str]:
    """Inject ``wanted`` faults into a sweep with ``more`` options; returns every violation found afterwards."""
    faults: Counter[str] = Counter()
    bad: list[str] = []
    began = time.monotonic()
    reference = base / "undisturbed"
    reference.mkdir(parents=True)
    subprocess.run(sweep_of(jobs, *more), cwd=reference, check=True)
    print(f"undisturbed: {jobs} runs in {time.monotonic() - began:.0f} s", flush=True)
    rounds = launchers = 0
    while faults.total() < wanted and not bad:
        rounds += 1
        folder = base / f"round-{rounds}"
        with small_disk(folder / "multirun", "3g" if more else "256m") as disk:
            disturbed = Campaign(
                sweep_of(jobs, *more),
                folder,
                jobs,
                pace,
                seed=seed + rounds,
                disk=disk,
                tracking=("logger=wandb",),
                namespaces=can_unshare(),
            )
            disturbed.run(wanted - faults.total(), seconds=7200)
            faults += disturbed.faults
            launchers += len(disturbed.launchers)
            bad += disturbed.broken + compared(folder, reference)
            bad += [f"the last command ended with {disturbed.last_code}"] if disturbed.last_code else []
            if re.search("^Traceback", (folder / "output.txt").read_text(), re.MULTILINE):
                bad.append("a launcher printed a traceback")
        print(f"round {rounds}: {dict(faults)}", flush=True)
        if bad:
            shutil.copy(folder / "output.txt", base.with_suffix(".txt"))
    took = f"{launchers} launchers, {time.monotonic() - began:.0f} s"
    print(f"{faults.total()} faults in {rounds} rounds of {jobs} runs, {took}:")
    for what, count in faults.most_common():
        print(f"  {count:4} {what}")
    return bad


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=24)
    parser.add_argument("--faults", type=int, default=120)
    parser.add_argument("--pretrained-jobs", type=int, default=8)
    parser.add_argument("--pretrained-faults", type=int, default=40)
    parser.add_argument("--altered", type=int, default=150, help="inputs and pieces altered between attempts")
    parser.add_argument("--pace", type=float, default=2.0, help="mean seconds between two faults")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="faults-"))
    os.environ |= {
        "SENTIMENT_CACHE_DIR": str(base / "cache"),
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONPATH": str(ROOT / "src"),
    }
    bad: list[str] = []
    try:
        if options.faults:
            bad += campaign(base / "tiny", options.jobs, options.faults, options.pace, options.seed, ())
        if options.pretrained_faults:
            jobs, faults = options.pretrained_jobs, options.pretrained_faults
            bad += campaign(base / "pretrained", jobs, faults, 2 * options.pace, options.seed, PRETRAINED)
        if options.altered:
            with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # a table for every run
                bad += altered.campaign(base / "altered", options.altered, options.seed)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    print("\n".join(bad) or "Every outcome is bit-identical to the undisturbed one, or a refusal with a sentence.")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
