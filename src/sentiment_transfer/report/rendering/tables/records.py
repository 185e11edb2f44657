"""The tables of what the runs left beside their scores: cost, data audit, problems, mistakes, commands."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sentiment_transfer.formatting import DASH, counted, duration, gib, numbered
from sentiment_transfer.report.analysis.collect import Environment, RunInfo, last_sign, missing_seeds, one_fold
from sentiment_transfer.report.analysis.findings import Answer, Entry
from sentiment_transfer.report.analysis.llm_findings import Cost
from sentiment_transfer.report.prose.captions import TABLES
from sentiment_transfer.report.rendering.parts import Filters, Item, Row, Table, number

Runs = Mapping[str, RunInfo]


def cost(answer: Answer, filters: Filters, runs: Runs, environments: Sequence[Environment]) -> Table:
    """The cost of one seed of every entry: wall-clock time, speed, memory."""
    rows = []
    for entry in answer.entries:
        of = [runs[run_id] for run_id in entry.run_ids if run_id in runs]
        if of:
            rows.append(
                Row(
                    cost_items(entry, of, environments, answer.cost(entry.key)),
                    filters.tags(source=entry.source, model=entry.model),
                )
            )
    return Table(
        key="cost",
        caption=TABLES["cost"],
        columns=[
            "model",
            "trained on",
            "time per seed",
            "of it training",
            "training tokens/s",
            "scoring tokens/s",
            "1,000 reviews",
            "1,000 reviews, US dollars",
            "peak memory",
            "device",
        ],
        rows=rows,
    )


def cost_items(entry: Entry, runs: Sequence[RunInfo], environments: Sequence[Environment], cost: Cost) -> list[Item]:
    total, train = (seconds_per_seed(runs, stage) for stage in ("total", "train"))
    speeds = [mean_of(runs, "tokens_per_second", stage) for stage in ("train", "score")]
    memory = max((run.result["performance"].get("peak_memory_bytes") or 0 for run in runs), default=0)
    devices = dict.fromkeys(environments[run.environment].device for run in runs)
    spread = f"{duration(min(total))} to {duration(max(total))}" if len(total) > 1 else ""
    return [
        Item(entry.name),
        Item(entry.source),
        Item(duration(statistics.fmean(total)), statistics.fmean(total), spread) if total else Item(DASH),
        number(statistics.fmean(train), duration(statistics.fmean(train))) if train else Item(DASH),
        *(Item(DASH) if speed is None else number(speed) for speed in speeds),
        Item(DASH) if cost.seconds is None else number(cost.seconds, f"{cost.seconds:.1f} s"),
        Item(DASH) if cost.dollars is None else number(cost.dollars, f"{cost.dollars:.4f}"),
        number(memory, gib(memory, 2)) if memory else Item(DASH),
        Item("; ".join(devices), kind="sentence"),
    ]


def seconds_per_seed(runs: Sequence[RunInfo], stage: str) -> list[float]:
    by_seed: dict[int, float] = defaultdict(float)
    for run in runs:
        seconds = run.result["performance"].get("seconds", {}).get(stage)
        if isinstance(seconds, int | float):
            by_seed[run.result["seed"]] += seconds
    return list(by_seed.values())


def mean_of(runs: Sequence[RunInfo], what: str, stage: str) -> float | None:
    values: list[float] = [run.result["performance"].get(what, {}).get(stage) for run in runs]  # type: ignore[attr-defined]
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def audit(filters: Filters, runs: Runs) -> Table:
    """Every split that was read, each once; the tokens by the tokenizers that cut it."""
    found: dict[tuple[str, str, str], tuple[dict[str, Any], list[float]]] = {}
    for run in runs.values():
        for dataset, splits in (run.result["audit"].get("splits") or {}).items():
            for split, facts in splits.items():
                same = str((facts["rows"], facts["labels"], facts["duplicates"], facts["conflicting"]))
                known = found.setdefault((dataset, split, same), ({}, []))
                known[0].update(facts)  # a language model's tokens are not known
                known[1].extend([facts["tokens_p50"]] if "tokens_p50" in facts else [])
    rows = []
    for (dataset, split, _), (facts, tokens) in found.items():
        low, high = min(tokens, default=0), max(tokens, default=0)
        truncated = facts.get("truncated_fraction")
        items = [
            Item(dataset),
            Item(split),
            number(facts["rows"]),
            number(facts["shares"].get("positive", 0), f"{facts['shares'].get('positive', 0):.1%}"),
            *(number(facts[name]) for name in ("empty", "duplicates", "conflicting")),
            number(low, f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}") if tokens else Item(DASH),
            Item(DASH) if truncated is None else number(truncated, f"{truncated:.1%}"),
        ]
        rows.append(Row(items, filters.tags(target=dataset) if dataset in filters.target else {}))
    return Table(
        key="audit",
        caption=TABLES["audit"],
        columns=[
            "dataset",
            "split",
            "rows",
            "positive",
            "empty",
            "duplicates",
            "conflicting",
            "median tokens",
            "truncated",
        ],
        rows=rows,
    )


def leaks(answer: Answer, filters: Filters, runs: Runs) -> Table:
    """Test rows that the training set holds, and the most that they can have changed."""
    rows = []
    for entry, target, overlap in shared(answer, runs):
        cell = answer.cell(entry.key, target)
        if cell is None:
            continue
        counts = cell.confusion
        total = sum(map(sum, counts))
        error = 1 - sum(counts[i][i] for i in range(len(counts))) / total
        share = overlap["shared"] / overlap["rows"]
        highest, lowest = min(error / (1 - share), 1.0), max((error - share) / (1 - share), 0.0)
        items = [
            Item(entry.name),
            Item(overlap["train"]),
            Item(target),
            number(overlap["shared"], f"{overlap['shared']:,} of {overlap['rows']:,} ({share:.1%})"),
            number(overlap["other_label"]),
            number(100 * error, f"{100 * error:.2f}"),
            Item(f"{100 * lowest:.2f} to {100 * highest:.2f}", 100 * highest),
        ]
        rows.append(Row(items, filters.tags(source=entry.source, model=entry.model, target=target)))
    return Table(
        key="leaks",
        caption=TABLES["leaks"],
        columns=[
            "model",
            "trained on",
            "dataset",
            "shared rows",
            "other label",
            "error",
            "without them, between",
        ],
        rows=rows,
    )


def shared(answer: Answer, runs: Runs) -> Iterator[tuple[Entry, str, dict[str, Any]]]:
    """The overlaps of each entry's first run with rows in common that were scored."""
    for entry in answer.entries:
        first = next((runs[run_id] for run_id in entry.run_ids if run_id in runs), None)
        found = (
            (first.result["audit"].get("overlaps") or []) if first and not first.result["audit"].get("dedup") else []
        )
        for overlap in found:
            if overlap["split"] == "test" and 0 < overlap["shared"] < overlap["rows"]:
                yield entry, overlap["scored"], overlap


def problems(answer: Answer, now: datetime) -> Table:
    """Degenerate, unfinished, unusable and missing runs, and sets that were not scored."""
    rows = [
        Row(
            [
                Item("degenerate"),
                Item(f"{entry.name}, trained on {entry.source}"),
                Item(numbered("seed", entry.degenerate_seeds)),
                Item("One class only was predicted.", kind="sentence"),
            ]
        )
        for entry in answer.entries
        if entry.degenerate_seeds
    ]
    for folder in answer.unfinished:
        when, line = last_sign(Path(folder), now)
        why = f"No result: running, or stopped. The same command continues it. Last line of its log: {line or 'none'}"
        rows.append(Row([Item("unfinished"), Item(folder), Item(f"last wrote {when}"), Item(why, kind="sentence")]))
    rows += [Row([Item("left out"), Item(DASH), Item(""), Item(text, kind="sentence")]) for text in answer.unusable]
    rows += [
        Row(
            [
                Item("missing"),
                Item(f"{entry.name}, trained on {entry.source}"),
                Item(numbered("seed", lacking)),
                Item("Other models of this source have them.", kind="sentence"),
            ]
        )
        for entry, lacking in missing_seeds(answer)
    ]
    rows += [
        Row([Item("not scored"), Item(name), Item(""), Item(why, kind="sentence")])
        for name, why in answer.unavailable.items()
    ]
    return Table(
        "problems",
        TABLES["problems"],
        ["what", "which", "detail", "why"],
        rows,
    )


def commands(entry: Entry, filters: Filters, runs: Runs, place: int) -> Table:
    """Every run of one entry with the command that makes it."""
    rows = []
    for run_id in entry.run_ids:
        run = runs.get(run_id)
        if run is None:
            continue
        seed = run.result["seed"]
        epochs = len(run.result["history"])
        trained = counted(epochs, "epoch") if epochs else "evaluated"
        made = f"{run.result['created'][:16].replace('T', ' ')}, {trained}"
        items = [
            number(seed, f"seed {seed}" + (f", {one_fold(run.result)}" if one_fold(run.result) else "")),
            Item(run.command, kind="command", note="the command of the whole sweep" * run.of_sweep),
            Item(f"E{run.environment + 1}", link=f"environment-{run.environment + 1}"),
            Item(run_id, note=str(run.folder or "")),
            Item(made),
        ]
        rows.append(Row(items, filters.tags(seed=seed), run=run_id))
    caption = TABLES["commands"].format(entry=entry.name, source=entry.source)
    return Table(f"commands-{place}", caption, ["run", "command", "environment", "folder", "finished (UTC)"], rows)
