"""Speed of training and scoring against ``transformers.Trainer``: ``make bench``, or ``python -m benchmarks.speed``.

XLM-R base from random weights, its real tokenizer, SmSA and IndoLEM texts, batches of 32, at most 256 tokens. Each peer
is paired with the packed path: two processes alternate step by step, so that both see the same machine load. Reported
are medians, and medians of the ratios of adjacent turns. Between turns the rate of a large bf16 matrix product is
measured: the fraction of it that a step reaches is the distance to the arithmetic floor.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
ENCODER_WEIGHTS = 12 * (4 * 768 * 768 + 2 * 768 * 3072)  # parameters of XLM-R base that multiply every token
OPERATIONS = {"train": 6 * ENCODER_WEIGHTS, "score": 2 * ENCODER_WEIGHTS}  # per token


class Contestant:
    def __init__(self, name: str, task: str, encoder: str) -> None:
        self.name = name
        command = [sys.executable, "-m", "benchmarks.contestants", name, task, encoder]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._answer("ready")

    def turn(self) -> dict[str, float]:
        self._write("go")
        return self._answer("seconds")

    def stop(self) -> None:
        self._write("stop")
        self.process.wait(60)

    def _write(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def _answer(self, key: str) -> dict[str, float]:
        assert self.process.stdout is not None
        for line in self.process.stdout:  # libraries print as well
            if line.startswith("{") and key in (answer := json.loads(line)):
                return answer
        raise SystemExit(f"error: {self.name} ended with exit code {self.process.wait()} before its turn was over.")


def product_rate() -> float:
    """Operations per second of a bf16 matrix product of 4096 x 4096, the best of three."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    a = torch.randn(4096, 4096, device=device, dtype=torch.bfloat16)
    best = float("inf")
    for _ in range(3):
        begun = time.perf_counter()
        a @ a
        if device == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - begun)
    return 2 * 4096**3 / best


def duel(task: str, peer: str, encoder: str, turns: int, warm_up: int) -> dict[str, Any]:
    """The packed path against ``peer``, turn by turn, with alternating order."""
    pair = {name: Contestant(name, task, encoder) for name in (peer, "packed")}
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in pair}
    rates = []
    try:
        for number in range(warm_up + turns):
            rates.append(product_rate())
            for name in list(pair)[:: 1 if number % 2 else -1]:
                taken[name].append(pair[name].turn())
    finally:
        for contestant in pair.values():
            contestant.stop()
    measured = {name: turns_of[warm_up:] for name, turns_of in taken.items()}
    speed = {name: [t["tokens"] / t["seconds"] for t in turns_of] for name, turns_of in measured.items()}
    shares = [s * OPERATIONS[task] / rate for s, rate in zip(speed["packed"], rates[warm_up:], strict=True)]
    return {
        "task": task,
        "peer": peer,
        "ratio": median(ours / theirs for ours, theirs in zip(speed["packed"], speed[peer], strict=True)),
        "ratios": [ours / theirs for ours, theirs in zip(speed["packed"], speed[peer], strict=True)],
        "fraction_of_floor": median(shares),
        "matrix_product_gflops": median(rates[warm_up:]) / 1e9,
    } | {
        name: {
            "tokens_per_second": median(speed[name]),
            "examples_per_second": median(t["reviews"] / t["seconds"] for t in turns_of),
            "seconds_per_turn": median(t["seconds"] for t in turns_of),
            "peak_bytes": max(t["peak"] for t in turns_of),
        }
        for name, turns_of in measured.items()
    }


def hardware() -> dict[str, str]:
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    name = gpu or f"{os.cpu_count()} cores, {cpu} with {instructions()}"
    return {"name": name, "torch": torch.__version__.split("+")[0], "python": platform.python_version()}


def instructions() -> str:
    """What matters most of what the CPU multiplies with: a table holds for CPUs of its own kind alone."""
    if torch.cpu._is_amx_tile_supported():
        return "AMX"
    return "AVX-512 bf16" if torch.cpu._is_avx512_bf16_supported() else torch.backends.cpu.get_cpu_capability()


def file_name(name: str) -> str:
    return "".join(c.lower() if c.isalnum() else "-" for c in name).replace("--", "-").strip("-") + ".json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", default="FacebookAI/xlm-roberta-base", help="for its config and tokenizer")
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--warm-up", type=int, default=2)
    parser.add_argument("--only", help="task:peer, e.g. train:tuned; several separated by commas")
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count()))
    pairs = [("train", p) for p in ("trainer", "tuned", "compiled", "padded")]
    pairs += [("score", p) for p in ("trainer", "tuned", "padded")]
    if arguments.only:
        pairs = [tuple(pair.split(":")) for pair in arguments.only.split(",")]  # type: ignore[misc]
    path = RESULTS / file_name(hardware()["name"])
    content = json.loads(path.read_text()) if path.exists() else {}
    for task, peer in pairs:
        content |= hardware() | {"measured": time.strftime("%Y-%m-%d")}
        outcome = duel(task, peer, arguments.encoder, arguments.turns, arguments.warm_up)
        content.setdefault("duels", {})[f"{task}:{peer}"] = outcome
        ours, theirs = (outcome[name]["tokens_per_second"] for name in ("packed", peer))
        print(
            f"{task:6} {peer:9} {outcome['ratio']:5.2f}x   packed {ours:7,.0f} tokens/s, "
            f"{outcome['fraction_of_floor']:.0%} of the floor; {peer} {theirs:7,.0f} tokens/s",
            flush=True,
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
