"""Writes ``benchmarks/results/*.json`` as Markdown tables between the markers of docs/speed.md."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

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
        "| | against | ratio | packed, tokens/s | peer, tokens/s | packed, reviews/s | memory, GiB | of the floor |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
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
            f"{ours['tokens_per_second']:,.0f}",
            f"{theirs['tokens_per_second']:,.0f}",
            f"{ours['examples_per_second']:.1f}",
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
            rows.append(f"| {name.removeprefix('rows ')} | {first} | {again} |")
    prepared = ["", "| reviews | read + tokenise, first run | later runs |", "| ---: | ---: | ---: |", *rows]
    return "\n".join([*lines, *prepared])


def put(path: Path, marker: str, text: str) -> None:
    """Replace the text between ``<!-- marker -->`` and ``<!-- /marker -->``."""
    page = path.read_text()
    pattern = re.compile(f"(<!-- {marker} -->\n).*?(<!-- /{marker} -->)", re.DOTALL)
    if not pattern.search(page):
        raise SystemExit(f"error: {path} has no place for the table: <!-- {marker} --> ... <!-- /{marker} -->")
    path.write_text(pattern.sub(lambda found: f"{found[1]}{text}\n{found[2]}", page))


def main() -> None:
    contents = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]
    put(ROOT / "docs" / "speed.md", "duels", "\n\n".join(duels(c) for c in contents if "duels" in c))
    put(ROOT / "docs" / "speed.md", "growth", "\n\n".join(growth(c) for c in contents if "growth" in c))


if __name__ == "__main__":
    main()
