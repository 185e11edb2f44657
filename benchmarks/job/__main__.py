"""The whole job, timed from outside: python -m benchmarks.job

    python -m benchmarks.job                                    both jobs, every program, 5 seeds: hours on two cores
    python -m benchmarks.job --job e5_small --turns 2           one job, two seeds
    python -m benchmarks.job --job base --rows 320              at most 320 reviews of every split
    python -m benchmarks.job --programs tuned,ours              some programs, one after the other in every turn

Programs: trainer (transformers' text-classification example), tuned (the same, tuned), embeddings (a logistic
regression on those of sentence-transformers, where it is installed), padded (this project without packing and trimming)
and ours. The machine must be idle. SENTIMENT_DATA_DIR names the folder of uci_en, smsa_id, indolem_id and jalan_ja.
Files that a first run writes once per machine (compiled kernels, the converted encoder) are written before; tokens are
not: every program tokenises in every turn. Results go to benchmarks/results, and ``python -m benchmarks.table`` puts
them into the docs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.job.recipe import Job, jobs, write_recipe
from benchmarks.speed import RESULTS, ROOT, file_name, hardware

PROGRAMS = ("trainer", "tuned", "embeddings", "padded", "ours")
PADDED = ("trainer.packed=false", "model.trim_vocabulary=false")
PARTS = ("imports", "data", "tokenising", "model", "training", "scoring", "writing")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--job", choices=["e5_small", "base"], action="append", help="default: both")
    parser.add_argument("--programs", default=",".join(PROGRAMS))
    parser.add_argument("--turns", type=int, default=5, help="seeds, one a turn")
    parser.add_argument("--rows", type=int, help="at most this many reviews of every split")
    parser.add_argument("--encoder", default="FacebookAI/xlm-roberta-base", help="of job base: config and tokenizer")
    parser.add_argument("--first-seed", type=int, default=0)
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count()))
    names = [name for name in given.programs.split(",") if name != "embeddings" or find_spec("sentence_transformers")]
    seeds = range(given.first_seed, given.first_seed + given.turns)
    for key in given.job or ["e5_small", "base"]:
        programs = [name for name in names if (key, name) != ("base", "embeddings")]  # random weights embed nothing
        with tempfile.TemporaryDirectory(prefix="job-") as folder:
            turns = measured(jobs(given.encoder)[key], Path(folder), programs, list(seeds), given.rows)
        store(key, given.rows, turns)


def measured(
    job: Job, folder: Path, programs: list[str], seeds: list[int], rows: int | None
) -> dict[str, list[dict[str, Any]]]:
    """Every program's turns, one per seed, in an order that alternates."""
    data = os.environ.get("SENTIMENT_DATA_DIR", "data")
    more = (f"paths.data_dir={data}", f"paths.cache_dir={folder}/cache", *((f"data.limit={rows}",) if rows else ()))
    recipe = write_recipe(job, folder, more)
    print(f"{job.name}: {recipe['rows']}", flush=True)
    turns: dict[str, list[dict[str, Any]]] = {name: [] for name in programs}
    if {"ours", "padded"} & set(programs):  # compiles the kernels
        timed(ours((*job.overrides, *more, "data.limit=64"), folder / "warm"), folder)
    for number, seed in enumerate(seeds):
        path = folder / "recipe.json"
        path.write_text(json.dumps(recipe | {"seed": seed}))
        for name in programs[:: 1 if number % 2 else -1]:
            shutil.rmtree(folder / "cache" / "tokens", ignore_errors=True)
            output = folder / f"{name}-{seed}"
            overrides = (*job.overrides, *more, f"seed={seed}", *(PADDED if name == "padded" else ()))
            commands = {
                "trainer": [sys.executable, "-m", "benchmarks.job.trainer", str(path)],
                "tuned": [sys.executable, "-m", "benchmarks.job.trainer", str(path), "--tuned"],
                "embeddings": [sys.executable, "-m", "benchmarks.job.embeddings", str(path)],
            }
            turn = timed(commands.get(name) or ours(overrides, output), folder)
            turn |= own_account(output, turn["wall"]) if name in ("ours", "padded") else json.loads(turn["output"])
            del turn["output"]
            turns[name].append(turn | {"seed": seed})
            errors = ", ".join(f"{target} {error:.1%}" for target, error in turn["errors"].items())
            shown = ", ".join(f"{part} {turn['parts'].get(part, 0):.1f}" for part in PARTS)
            print(f"  seed {seed} {name:10} {turn['wall']:7.1f} s ({shown}); {turn['peak'] / 2**30:.1f} GiB; {errors}")
            sys.stdout.flush()
    return turns


def ours(overrides: tuple[str, ...], output: Path) -> list[str]:
    return [sys.executable, str(ROOT / "train.py"), *overrides, f"paths.output_dir={output}"]


def timed(command: list[str], folder: Path) -> dict[str, Any]:
    """Wall-clock and processor seconds and the largest memory of a command, and the last line that it printed."""
    begun = time.monotonic()
    with (folder / "output.txt").open("wb") as out, (folder / "errors.txt").open("wb") as err:
        streams = [(os.POSIX_SPAWN_DUP2, out.fileno(), 1), (os.POSIX_SPAWN_DUP2, err.fileno(), 2)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src"), *sys.path])}
        pid = os.posix_spawn(command[0], command, environment, file_actions=streams)
        _, status, used = os.wait4(pid, 0)
    if status:
        raise SystemExit((folder / "errors.txt").read_text()[-3000:])
    lines = (folder / "output.txt").read_text().splitlines()
    seconds = {"wall": time.monotonic() - begun, "cpu": used.ru_utime + used.ru_stime}
    return seconds | {"peak": used.ru_maxrss * 1024, "output": lines[-1] if lines else ""}


def own_account(output: Path, wall: float) -> dict[str, Any]:
    """The parts and errors of this project's run, out of its record. Writing is what its parts leave of the whole."""
    [path] = output.glob("*/result.json")
    result = json.loads(path.read_text())
    seconds = result["performance"]["seconds"]
    scores = {name: score["selections"]["last"] for name, score in result["scores"].items()}
    parts = {
        "imports": wall - seconds["total"],
        "data": seconds["prepare"],  # tokenising and the model as well
        "training": seconds["train"],
        "scoring": seconds["validate"] + seconds["score"],
        "writing": seconds["total"] - sum(seconds[name] for name in ("prepare", "train", "validate", "score")),
    }
    return {"parts": parts, "errors": {name: score["error"] for name, score in scores.items()}}


def store(key: str, rows: int | None, turns: dict[str, list[dict[str, Any]]]) -> None:
    path = RESULTS / file_name(hardware()["name"])
    content = json.loads(path.read_text()) if path.exists() else {}
    content |= hardware() | {"measured": time.strftime("%Y-%m-%d")}
    name = f"{key} of {rows}" if rows else key
    kept = content.setdefault("job", {}).get(name, {}).get("turns", {})  # other programs and seeds of another call
    for program, new in turns.items():
        seeds = {turn["seed"] for turn in new}
        kept[program] = [turn for turn in kept.get(program, []) if turn["seed"] not in seeds] + new
    content["job"][name] = {"job": key, "rows": rows, "turns": kept}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")
    mine = turns.get("ours")
    for program, theirs in turns.items():
        if mine and program != "ours":
            ratios = [a["wall"] / b["wall"] for a, b in zip(theirs, mine, strict=True)]
            spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
            print(f"{key}: {statistics.median(ratios):.2f} x as fast as {program} ({spread})")


if __name__ == "__main__":
    main()
