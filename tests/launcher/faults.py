"""The fault campaign at full length, with real runs on the written reviews: make faults

    PYTHONPATH=src:tests python tests/launcher/faults.py --jobs 24 --faults 200

First an undisturbed sweep, then the disturbed one; every result, prediction and weight must be the same to the bit.
Rounds follow each other until there were enough faults. Exit code 1 where anything differs.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from launcher.campaign import Campaign, small_disk
from run.stopping import differences
from runs import ROOT

TRAIN = [sys.executable, str(ROOT / "train.py"), "-m"]
# Some seconds a run, most of them for imports; five steps an epoch, each saved; dropout, for the random state.
RUN = (
    "experiment=tiny",
    "model.dropout=0.1",
    "source.written_en.limit=38",
    "targets.written_ja.limit=20",
    "targets.written_id.limit=20",
    "trainer.batch_size=8",
    "trainer.save_every_minutes=0.0001",
    "logger=none",
    "logger.init_timeout=2",
    "logger.finish_timeout=2",
    "trainer.max_epochs=2,3",
)


def sweep_of(jobs: int) -> list[str]:
    return [*TRAIN, *RUN, f"seed=range({jobs // 2})"]


def compared(folder: Path, reference: Path) -> list[str]:
    """What differs between the two sweeps: a field, a file, or a run that only one of them has."""
    names = [{path.parent.name for path in (f / "multirun").glob("*/result.json")} for f in (folder, reference)]
    found = [f"only one has {name}" for name in sorted(names[0] ^ names[1])]
    for name in sorted(names[0] & names[1]):
        runs = (folder / "multirun" / name, reference / "multirun" / name)
        # The configuration records where W&B was asked for and where things lie; neither can change a number.
        found += [f"{name}: {what}" for what in differences(*runs) if what != "config"]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=24)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--pace", type=float, default=2.0, help="mean seconds between two faults")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="faults-"))
    os.environ |= {
        "SENTIMENT_CACHE_DIR": str(base / "cache"),
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONPATH": str(ROOT / "src"),
    }
    faults: Counter[str] = Counter()
    bad: list[str] = []
    try:
        reference = base / "undisturbed"
        reference.mkdir()
        began = time.monotonic()
        subprocess.run(sweep_of(options.jobs), cwd=reference, check=True)
        print(f"undisturbed: {options.jobs} runs in {time.monotonic() - began:.0f} s", flush=True)
        rounds = launchers = 0
        while faults.total() < options.faults and not bad:
            rounds += 1
            folder = base / f"round-{rounds}"
            with small_disk(folder / "multirun", "256m") as disk:
                campaign = Campaign(
                    sweep_of(options.jobs),
                    folder,
                    options.jobs,
                    options.pace,
                    seed=options.seed + rounds,
                    disk=disk,
                    tracking=("logger=wandb",),
                )
                campaign.run(options.faults - faults.total(), seconds=7200)
                faults += campaign.faults
                launchers += len(campaign.launchers)
                bad += campaign.broken + compared(folder, reference)
                bad += [f"the last command ended with {campaign.last_code}"] if campaign.last_code else []
                if re.search("^Traceback", (folder / "output.txt").read_text(), re.MULTILINE):
                    bad.append("a launcher printed a traceback")
            print(f"round {rounds}: {dict(faults)}", flush=True)
            if bad:
                shutil.copy(folder / "output.txt", base.with_suffix(".txt"))
    finally:
        shutil.rmtree(base, ignore_errors=True)
    took = f"{launchers} launchers, {time.monotonic() - began:.0f} s"
    print(f"{faults.total()} faults in {rounds} rounds of {options.jobs} runs, {took}:")
    for what, count in faults.most_common():
        print(f"  {count:4} {what}")
    print("\n".join(bad) or "Every result, prediction and weight is the undisturbed sweep's, to the bit.")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
