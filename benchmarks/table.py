"""Writes ``benchmarks/results/*.json`` as Markdown tables between the markers of docs/speed.md."""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

from benchmarks.job.recipe import jobs
from benchmarks.speed import RESULTS, ROOT

PEERS = {
    "trainer": "`Trainer`, defaults (fp32)",
    "tuned": "`Trainer`, tuned (bf16, grouped by length)",
    "compiled": "`Trainer`, tuned and compiled",
    "padded": "this project, padded and untrimmed",
}
GIB = 2**30


def duels(content: dict[str, Any]) -> str:
    lines = [
        "| | against | ratio | tokens/s, packed / peer | reviews/s | memory, GiB | of the floor |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    found = content["duels"]
    for outcome in (
        found[f"{task}:{peer}"] for task in ("train", "score") for peer in PEERS if f"{task}:{peer}" in found
    ):
        ours, theirs = outcome["packed"], outcome[outcome["peer"]]
        cells = (
            "training" if outcome["task"] == "train" else "scoring",
            PEERS[outcome["peer"]],
            f"{outcome['ratio']:.1f}x",
            f"{ours['tokens_per_second']:,.0f} / {theirs['tokens_per_second']:,.0f}",
            f"{ours['examples_per_second']:.1f} / {theirs['examples_per_second']:.1f}",
            f"{ours['peak_bytes'] / GIB:.1f} / {theirs['peak_bytes'] / GIB:.1f}",
            f"{outcome['fraction_of_floor']:.0%}",
        )
        lines.append("| " + " | ".join(cells) + " |")
    rates = [outcome["matrix_product_gflops"] for outcome in content["duels"].values()]
    versions = f"torch {content['torch']}, {content['measured']}"
    return "\n".join(
        [
            f"**{content['name']}**, {versions}; bf16 matrix product while measuring: {min(rates):,.0f} to "
            f"{max(rates):,.0f} GFLOP/s.\n",
            *lines,
        ]
    )


def growth(content: dict[str, Any]) -> str:
    lines = ["| | tokens/s | seconds per step | memory, GiB |", "| --- | ---: | ---: | ---: |"]
    rows = []
    for name, point in content.get("growth", {}).items():
        if "tokens_per_second" in point:
            cells = (name, f"{point['tokens_per_second']:,.0f}", f"{point['seconds_per_step']:.2f}")
            lines.append(f"| {' | '.join(cells)} | {point['peak_bytes'] / GIB:.1f} |")
        else:
            first = f"{point['first_read']:.1f} + {point['first_tokenise']:.1f} s"
            again = f"{point['again_read']:.1f} + {point['again_tokenise']:.1f} s"
            rows.append(f"| {int(name.removeprefix('rows ')):,} | {first} | {again} |")
    prepared = ["", "| reviews | read + tokenise, first run | later runs |", "| ---: | ---: | ---: |", *rows]
    return "\n".join([f"**{content['name']}**, torch {content['torch']}.\n", *lines, *prepared])


PROGRAMS = {
    "trainer": PEERS["trainer"],
    "tuned": PEERS["tuned"],
    "embeddings": "sentence-transformers, logistic regression",
    "padded": PEERS["padded"],
    "ours": "this project",
}


def job(content: dict[str, Any]) -> str:
    """Medians over the turns; the ratio is that of turns with the same seed."""
    blocks = [f"**{content['name']}**, torch {content['torch']}, {content['measured']}."]
    for measured in content["job"].values():
        turns, limit = measured["turns"], measured["rows"]
        most = f", at most {limit:,} reviews of every split" if limit else ""
        head = ["program", "seeds", "seconds", "against this project", "training", "scoring", "rest", "memory, GiB"]
        targets = list(next(iter(turns.values()))[0]["errors"])
        lines = ["| " + " | ".join([*head, *(f"error on {target}" for target in targets)]) + " |"]
        lines.append("| --- |" + " ---: |" * (len(head) - 1 + len(targets)))
        mine = {turn["seed"]: turn["wall"] for turn in turns.get("ours", [])}
        for name in (name for name in PROGRAMS if name in turns):
            own = turns[name]
            middle = {part: median(turn["parts"].get(part, 0.0) for turn in own) for part in ("training", "scoring")}
            wall = median(turn["wall"] for turn in own)
            ratios = [turn["wall"] / mine[turn["seed"]] for turn in own if turn["seed"] in mine]
            ratio = f"{median(ratios):.2f}x" if ratios and name != "ours" else ""
            cells = [PROGRAMS[name], str(len(own)), f"{wall:.0f}", ratio, *(f"{s:.0f}" for s in middle.values())]
            cells += [f"{wall - sum(middle.values()):.0f}", f"{max(turn['peak'] for turn in own) / GIB:.1f}"]
            cells += [spread([100 * turn["errors"][target] for turn in own]) for target in targets]
            lines.append("| " + " | ".join(cells) + " |")
        blocks.append(f"{jobs(architecture='')[measured['job']].name}, one epoch{most}:\n\n" + "\n".join(lines))
    return "\n\n".join(blocks)


def spread(errors: list[float]) -> str:
    """Mean and standard deviation over the seeds, in percent."""
    return f"{mean(errors):.1f} ± {stdev(errors):.1f} %" if len(errors) > 1 else f"{errors[0]:.1f} %"


def put(path: Path, marker: str, text: str) -> None:
    """Replace the text between ``<!-- marker -->`` and ``<!-- /marker -->``."""
    page = path.read_text()
    pattern = re.compile(f"(<!-- {marker} -->\n).*?(<!-- /{marker} -->)", re.DOTALL)
    if not pattern.search(page):
        raise SystemExit(f"error: {path} has no place for the table: <!-- {marker} --> ... <!-- /{marker} -->")
    path.write_text(pattern.sub(lambda found: f"{found[1]}{text}\n{found[2]}", page))


def main() -> None:
    contents = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]
    for name, table in (("job", job), ("duels", duels), ("growth", growth)):
        if measured := [table(content) for content in contents if name in content]:
            put(ROOT / "docs" / "speed.md", name, "\n\n".join(measured))


if __name__ == "__main__":
    main()
