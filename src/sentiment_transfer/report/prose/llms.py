"""One sentence per large language model: which encoders are better or worse on each target, and what each costs."""

from __future__ import annotations

from collections.abc import Sequence

from sentiment_transfer.formatting import listed, metric_noun, number_text, points
from sentiment_transfer.report.analysis.findings import Answer
from sentiment_transfer.report.analysis.llm_findings import Cost, LlmComparison, LlmVerdict
from sentiment_transfer.results.languages import language

WORDS = {"better": "shown to be better", "worse": "shown to be worse", "not shown": "not distinguishable from it"}
MOST = 6  # encoders that are named


def llm_text(answer: Answer, verdict: LlmVerdict) -> str:
    """``Against SmolLM2 (prompted): on Japanese written_ja, e5_small-12l is shown to be better by 20.1 points. ...``"""
    names = encoder_names(answer, verdict)
    by_target: dict[str, list[LlmComparison]] = {}
    for each in verdict.comparisons:
        by_target.setdefault(each.target, []).append(each)
    alike: dict[object, list[list[LlmComparison]]] = {}  # targets on which the same was shown
    for comparisons in by_target.values():
        outcome = tuple((each.encoder, each.shown, each.metric) for each in comparisons)
        alike.setdefault(outcome, []).append(comparisons)
    parts = [on_targets(names, targets) for targets in alike.values()]
    llm = answer.names[verdict.llm]
    return f"Against {llm} (prompted): {'; '.join(parts)}. {costs_text(answer, verdict.llm, names)}"


def encoder_names(answer: Answer, verdict: LlmVerdict) -> dict[str, str]:
    """By key; with the source where there are several."""
    keys = dict.fromkeys(each.encoder for each in verdict.comparisons)
    entries = [entry for entry in answer.entries if entry.key in keys]
    several = len({entry.source for entry in entries}) > 1
    return {e.key: f"{e.name} trained on {e.source}" if several else e.name for e in entries}


def on_targets(names: dict[str, str], targets: Sequence[Sequence[LlmComparison]]) -> str:
    """The encoders by what was shown of them on these targets, with the range of their gains."""
    places = listed([place_name(comparisons[0]) for comparisons in targets])
    said = []
    for shown, words in WORDS.items():
        of = [each for each in targets[0] if each.shown == shown]
        if not of:
            continue
        everyone = len(of) == len(targets[0]) and len(of) > MOST
        who = f"all {len(of)} encoders" if everyone else listed([names[each.encoder] for each in of], MOST)
        amount = by([e for each in targets for e in each if e.shown == shown]) if shown != "not shown" else ""
        said.append(f"{who} {'are' if len(of) > 1 else 'is'} {words}{amount}")
    return f"on {places}, {', '.join(said)}"


def place_name(comparison: LlmComparison) -> str:
    known = language(comparison.language)
    return f"{known.name} {comparison.target}" if known else comparison.target


def by(comparisons: Sequence[LlmComparison]) -> str:
    """`` by 4.1 to 20.3 points of error``"""
    amounts = sorted(abs(each.gain.value) for each in comparisons)
    noun = metric_noun(comparisons[0].metric)
    low, high = number_text(amounts[0]), points(amounts[-1])
    return f" by {high} of {noun}" if len(amounts) == 1 else f" by {low} to {high} of {noun}"


def costs_text(answer: Answer, llm: str, names: dict[str, str]) -> str:
    """``1,000 reviews take SmolLM2 31.2 s and $0.0300, e5_small-3l 0.8 s and ...``"""
    shown = {llm: answer.names[llm], **dict(list(names.items())[:MOST])}
    costs = {name: answer.cost(key) for key, name in shown.items()}
    priced = any(cost.dollars is not None for cost in costs.values())
    texts = [f"{name} {cost_text(cost, priced)}" for name, cost in costs.items()]
    return f"1,000 reviews take {listed(texts, MOST + 1)}{'' if priced else '; no price is known (conf/prices.yaml)'}."


def cost_text(cost: Cost, priced: bool) -> str:
    """``4.1 s``, where some price is known ``4.1 s and $0.0300``"""
    seconds = f"{cost.seconds:.1f} s" if cost.seconds is not None else "an unknown time"
    if not priced:
        return seconds
    return f"{seconds} and an unknown price" if cost.dollars is None else f"{seconds} and ${cost.dollars:.4f}"
