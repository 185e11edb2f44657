"""A run's scores and its data audit as tables on a terminal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from string import ascii_lowercase
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sentiment_transfer.formatting import DASH, SELECTIONS, counted, listed, metric_brief, metric_noun, percent
from sentiment_transfer.results.published import Comparison, PublishedNumber, compare
from sentiment_transfer.results.record import DatasetScores, RunResult
from sentiment_transfer.statistics.metrics import is_degenerate

COLLAPSED = "!"
PROVENANCE = {"checked": "read in", "quoted": "second-hand from", "doubtful": "second-hand and unverified from"}


def run_table(result: RunResult, verbose: bool = False) -> Group:
    """Everything one run found, for ``rich.print``; metrics in percent. 80 columns hold it.

    One row per dataset with its headline metric under each selection. Published numbers stand in the row where they
    are comparable (``published.compare``); where they are not, below it with the reason if ``verbose``, else counted.
    """
    compared = {
        name: compare(name, entry, result["source"]["names"], result["model"]["name"], result["config"])
        for name, entry in result["scores"].items()
    }
    parts: list[RenderableType] = [title(result), "", score_table(result, compared), ""]
    parts += [Text(line, style="dim") for line in footnotes(result, compared, verbose)]
    if verbose and any(not comparable for rows in compared.values() for _, comparable, _ in rows):
        parts += ["", Text("Published, but not comparable with this run:", style="dim"), not_comparable(compared)]
    parts += [Text(line, style="dim") for line in published_notes(compared, verbose)]
    return Group(*parts)


def title(result: RunResult) -> Text:
    """Model, source and seed, with the honesty labels in capitals so that no copy of it can lose them."""
    text = Text(f"{result['model']['name']} {how_made(result)}", style="bold")
    text.append(f"\n{result['run_id']}", style="not bold dim")
    for place, label in enumerate(result["caveats"]):
        text.append(" " if place else "\n")
        text.append(f" {label.upper()} ", style="bold reverse")
    if result["status"] == "degenerate":
        text.append("\n")
        text.append(" DEGENERATE: the run collapsed to one class ", style="bold reverse red")
    return text


def how_made(result: RunResult) -> str:
    """``trained on uci_en, seed 0``; ``prompted with 2 examples per class of uci_en, draw 0``"""
    if (llm := result.get("llm")) is None:
        return f"trained on {'+'.join(result['source']['names'])}, seed {result['seed']}"
    if not llm["shots"]:
        return "prompted without examples"
    examples = f"{counted(llm['shots'], 'example')} per class of {'+'.join(llm['source'])}"
    return f"prompted with {examples}, draw {result['seed']}"


def llm_notes(result: RunResult) -> Iterator[str]:
    """Where a language model's probabilities come from, what it did not answer, and what it took."""
    if (llm := result.get("llm")) is None:
        return
    answers = llm["answers"]
    yield {
        "logprobs": "probabilities: of the label words, from the server's log-probabilities",
        "samples": f"probabilities: shares of {llm['samples']} sampled answers",
        "labels": "one answer per review and no probabilities, so no calibration error",
    }[llm["probabilities"]]
    for name, each in answers.items():
        if each["unparsable"] or each["refused"]:
            yield (
                f"{name}: {counted(each['unparsable'], 'answer')} named no class and {each['refused']} were refused; "
                "they count as errors"
            )
    rows = sum(entry["n"] for entry in result["scores"].values())
    seconds = 1000 * result["performance"]["seconds"]["score"] / rows
    costs = [each["cost"] for each in answers.values()]
    price = "its price is not known (conf/prices.yaml)"
    if all(cost is not None for cost in costs):
        price = f"${1000 * sum(filter(None, costs)) / rows:.4f}"
    yield f"1,000 reviews: {seconds:.1f} s with {counted(llm['concurrency'], 'request')} at once; {price}"


def score_table(result: RunResult, compared: dict[str, list[Comparison]]) -> Table:
    """The languages are a column where a dataset's name does not end with its own, the published numbers where there
    are any: with both, and every selection, the table is wider than 80 columns."""
    entries = result["scores"]
    selections = [name for name in SELECTIONS if any(name in entry["selections"] for entry in entries.values())]
    letters = citation_letters(compared)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    table.add_column("scored on", overflow="fold")
    if show_languages := any(not name.endswith(f"_{entry['language']}") for name, entry in entries.items()):
        table.add_column("lang")
    table.add_column("protocol", no_wrap=True)
    table.add_column("n", justify="right", no_wrap=True)
    table.add_column("metric %", no_wrap=True)
    if show_zero_shot := any("zero_shot" in entry for entry in entries.values()):
        table.add_column("zero-\nshot", justify="right", no_wrap=True)
    for selection in selections:
        heading = selection.replace("_", "\n")
        table.add_column(heading, justify="right", style="bold" if selection == "last" else None, no_wrap=True)
    table.add_column("floor", justify="right", style="dim", no_wrap=True)
    if letters:
        table.add_column("pub-\nlished", no_wrap=True)
    for name, entry in entries.items():
        rows = [row for row, comparable, _ in compared[name] if comparable]
        published = "\n".join(f"{percent(row.fraction)} {letters[citation(row)]}" for row in rows) or DASH
        table.add_row(
            name,
            *([entry["language"]] if show_languages else []),
            entry["protocol"],
            f"{entry['n']:,}",
            metric_brief(entry["metric"]),
            *([percent(entry["zero_shot"]) if "zero_shot" in entry else DASH] if show_zero_shot else []),
            *(score_cell(entry, selection) for selection in selections),
            floor_cell(entry),
            *([published] if letters else []),
        )
    return table


def citation_letters(compared: dict[str, list[Comparison]]) -> dict[str, str]:
    """``a``, ``b``, ... for what stands in the table, by citation and in its order."""
    rows = [row for comparisons in compared.values() for row, comparable, _ in comparisons if comparable]
    return dict(zip(dict.fromkeys(map(citation, rows)), ascii_lowercase, strict=False))


def citation(row: PublishedNumber) -> str:
    return f"{row.system}, {row.protocol}, trained on {row.training}; {PROVENANCE[row.status]} {row.source}"


def score_cell(entry: DatasetScores, selection: str) -> str:
    if selection not in entry["selections"]:
        return DASH
    scores = entry["selections"][selection]
    mark = COLLAPSED if is_degenerate(scores["confusion"]) else ""
    return percent(scores[entry["metric"]]) + mark  # type: ignore[literal-required]


def floor_cell(entry: DatasetScores) -> str:
    """The best constant answer's score: it depends on the gold labels alone, so any selection has it."""
    floor = next(iter(entry["selections"].values()))["floor"]
    return percent(floor[entry["metric"]])  # type: ignore[literal-required]


def footnotes(result: RunResult, compared: dict[str, list[Comparison]], verbose: bool) -> Iterator[str]:
    entries = result["scores"]
    if any(COLLAPSED in score_cell(e, name) for e in entries.values() for name in e["selections"]):
        yield f"{COLLAPSED} one class only was predicted: a floor, not a score"
    for metric in dict.fromkeys(entry["metric"] for entry in entries.values()):
        if metric_brief(metric) != metric_noun(metric):
            on = listed([name for name, entry in entries.items() if entry["metric"] == metric])
            yield f"{metric_brief(metric)} on {on}: {metric_noun(metric)}"
    if any("oracle" in entry["selections"] for entry in entries.values()):
        yield "oracle: the checkpoint chosen on the target's own development set; not a zero-shot number"
    yield from llm_notes(result)
    if stopped := result.get("stopped"):
        yield f"training stopped after epoch {stopped['epoch']} of {stopped['max_epochs']}. {stopped['reason']}"
    for text, letter in citation_letters(compared).items():
        yield f"{letter} {text}"
    for target, reason in result["unavailable"].items():
        yield f"{target} was not scored: {reason}"
    hidden = sum(not comparable for rows in compared.values() for _, comparable, _ in rows)
    if hidden and not verbose:
        yield f"not comparable with this run: {counted(hidden, 'published number')} (--verbose lists them)"


def not_comparable(compared: dict[str, list[Comparison]]) -> Table:
    """The numbers that may not stand in the row, by the reason for it."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    for target, comparisons in compared.items():
        by_reason: dict[str, list[str]] = defaultdict(list)
        for row, comparable, reason in comparisons:
            if not comparable:
                by_reason[reason].append(named_number(row))
        for reason, numbers in by_reason.items():
            grid.add_row(target, ", ".join(numbers), reason, style="dim")
    return grid


def published_notes(compared: dict[str, list[Comparison]], verbose: bool) -> Iterator[str]:
    """Notes on the numbers that are shown."""
    for target, comparisons in compared.items():
        shown = [row for row, comparable, _ in comparisons if comparable or verbose]
        for note in dict.fromkeys(row.note for row in shown if row.note):
            yield f"{target}: {note}"


def named_number(row: PublishedNumber) -> str:
    doubt = "" if row.status == "checked" else f" ({row.status})"
    return f"{percent(row.fraction)} {row.system}{doubt}"


WORDS = 20  # of a file's labels, in a sentence
COLUMNS = ("rows", "positive", "empty", "twice", "disputed", "tokens", "p99", "cut")


def audit_table(audit: dict[str, Any]) -> Group:
    """``audit`` is a record's: ``splits`` {dataset: {split: ...}}, ``overlaps`` [...], ``removed`` {dataset: rows}, and
    ``between_tests`` [...] and ``reading`` {dataset: ...} where there are any."""
    table = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False)
    table.add_column("dataset", overflow="fold")
    table.add_column("split")
    for column in COLUMNS:
        table.add_column(column, justify="right")
    for dataset, splits in audit["splits"].items():
        for split, facts in splits.items():
            table.add_row(dataset, split, *split_cells(facts))
    key = (
        "twice: the text occurred before; disputed: with another label; tokens: the median; p99: of the longest 1 %; "
        "cut: reviews longer than data.max_length"
    )
    return Group(table, Text(key, style="dim"), *(Text(line) for line in findings(audit)), Text())


def split_cells(facts: dict[str, Any]) -> list[str]:
    return [
        f"{facts['rows']:,}",
        f"{facts['shares']['positive']:.1%}",
        count(facts["empty"]),
        count(facts["duplicates"]),
        count(facts["conflicting"]),
        *(f"{facts[name]:.0f}" if name in facts else DASH for name in ("tokens_p50", "tokens_p99")),
        f"{facts['truncated_fraction']:.1%}" if facts.get("truncated_fraction") else DASH,
    ]


def count(number: int) -> str:
    return f"{number:,}" if number else DASH


def reading_sentences(dataset: str, reading: dict[str, Any]) -> Iterator[str]:
    """``reading`` is that of a dataset in a record's audit: ``labels``, ``samples`` and ``notes``."""
    yield from (f"{dataset}: {note}." for note in reading["notes"])
    if reading["labels"]:
        meant = ", ".join(f"{word} is {name or 'left out'}" for word, name in list(reading["labels"].items())[:WORDS])
        more = len(reading["labels"]) - WORDS
        yield f"{dataset}: of the labels, {meant}{f' and {more} more' if more > 0 else ''}."
        yield from (f"{dataset}: {name}, for example: {text}" for name, text in reading["samples"].items())


def findings(audit: dict[str, Any]) -> Iterator[str]:
    """A sentence for how users' files were read, for every pair of splits that share text, and for what was dropped or
    removed."""
    for dataset in (name for name in audit.get("reading") or {} if name in audit["splits"]):
        yield from reading_sentences(dataset, audit["reading"][dataset])
    for overlap in audit["overlaps"]:
        if overlap["shared"]:
            contrary = f", {overlap['other_label']} of them with another label" if overlap["other_label"] else ""
            yield (
                f"{overlap['shared']:,} of {overlap['rows']:,} {overlap['split']} rows of {overlap['scored']} "
                f"({overlap['share']:.1%}) are also in the training set of {overlap['train']}{contrary}."
            )
    if any(overlap["shared"] and overlap["split"] == "test" for overlap in audit["overlaps"]) and not audit["dedup"]:
        yield "data.dedup=true leaves such test rows out."
    for overlap in audit.get("between_tests") or []:
        yield (
            f"{overlap['shared']:,} of {overlap['rows']:,} test rows of {overlap['scored']} ({overlap['share']:.1%}) "
            f"are also in the test set of {overlap['test']}: their scores are partly on the same texts."
        )
    for dataset, rows in audit["removed"].items():
        yield f"data.dedup=true removed {rows:,} test rows of {dataset} that the training set holds."
    for dataset, splits in audit["splits"].items():
        dropped = splits.get("test", {}).get("dropped", {})
        if dropped:
            listed = ", ".join(f"{rows:,} {reason}" for reason, rows in dropped.items())
            yield f"Of the test set of {dataset}, the reader left out: {listed}."
