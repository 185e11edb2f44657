"""The first sentence of the report: what a larger encoder buys on languages it was not trained on, as far as shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sentiment_transfer.commands import command
from sentiment_transfer.formatting import (
    counted,
    interval_text,
    listed,
    lower_is_better,
    metric_noun,
    number_text,
    parameter_count,
    points,
)
from sentiment_transfer.report.analysis.effects import Effect, SizeVerdict
from sentiment_transfer.report.analysis.findings import Answer, Cell, Entry
from sentiment_transfer.report.prose.cautions import estimate_text
from sentiment_transfer.report.prose.llms import llm_text
from sentiment_transfer.results.languages import language
from sentiment_transfer.statistics.comparisons import ALPHA
from sentiment_transfer.statistics.interval import ENOUGH_SEEDS
from sentiment_transfer.statistics.planning import MOST_SEEDS

ONE_BY_ONE = 3  # targets: of more, the range is given and the extremes are named
DEPTH = ", first layers"  # the end of a family's name where its encoders are one that was cut


def verdict_texts(answer: Answer) -> list[str]:
    """For each source and family of encoders, in the order of ``ordered_verdicts``, a sentence and what qualifies it.

    Where no two sizes were run, one text that says what was found instead and what to type.
    """
    texts = [text for verdict in ordered_verdicts(answer) for text in verdict_text(answer, verdict)]
    against = [llm_text(answer, verdict) for verdict in answer.llms]
    return [*(texts or [without_sizes(answer)]), *against]


def ordered_verdicts(answer: Answer) -> list[SizeVerdict]:
    """The most targets first, then the most seeds."""
    return sorted(answer.verdicts, key=lambda verdict: (-len(verdict.effects), -verdict.seeds))


def verdict_text(answer: Answer, verdict: SizeVerdict) -> list[str]:
    """``Shown on 2 of 3 targets: trained on uci_en, from 3 to 12 layers of ..., error fell by ...``; then, where
    something was not shown, what these seeds could have shown and how many would be enough."""
    start = f"trained on {verdict.source}, {span(answer, verdict)}, "
    if not verdict.enough_seeds:
        more = counted(ENOUGH_SEEDS - verdict.seeds, "more seed")
        return [
            f"Open: with {counted(verdict.seeds, 'seed')} each this is about single networks. They were {start}"
            f"{gains(verdict.effects)}, by intervals over test reviews alone; {more} of each would make it about sizes."
        ]
    parts = [gains(effects) for effects in (verdict.better, verdict.worse) if effects]
    if verdict.open:
        parts.append(not_shown(verdict))
    sentence = f"{prefix(verdict)}: {start}{'; '.join(parts)}."
    return [sentence, f"{reach(verdict)} {more_seeds(verdict)}"] if verdict.open else [sentence]


def prefix(verdict: SizeVerdict) -> str:
    every = len(verdict.effects)
    shown = [(len(verdict.better), "Shown"), (len(verdict.worse), "Shown to be worse")]
    if not any(count for count, _ in shown):
        return "Not shown"
    if every == 1:
        return next(word for count, word in shown if count)
    texts = [
        f"{word} on {f'all {every}' if count == every else f'{count} of {every}'} targets"
        for count, word in shown
        if count
    ]
    return ", ".join([texts[0], *(text[0].lower() + text[1:] for text in texts[1:])])


def span(answer: Answer, verdict: SizeVerdict) -> str:
    """``from 3 to 12 layers of multilingual-e5-small``, ``from base (278 M) to large (560 M parameters)``."""
    entries = {entry.key: entry for entry in answer.entries}
    smallest, largest = entries[verdict.smallest], entries[verdict.largest]
    if verdict.unit == "layers":
        return f"from {smallest.layers} to {largest.layers} layers of {verdict.family.removesuffix(DEPTH)}"
    sizes = [parameter_count(size) for size in verdict.sizes]
    return f"from {smallest.name} ({sizes[0]}) to {largest.name} ({sizes[1]} parameters)"


def gains(effects: Sequence[Effect]) -> str:
    """``error fell by 4.4 points on Japanese jalan_ja (95 % CI 0.7 to 8.1) and by 2.9 on ...``, by metric."""
    return " and ".join(moved(of_change) for of_change in by_change(effects))


def by_change(effects: Sequence[Effect]) -> list[list[Effect]]:
    """Effects in one metric and direction together."""
    groups: dict[tuple[str, bool], list[Effect]] = {}
    for effect in effects:
        groups.setdefault((effect.metric, effect.gain.value >= 0), []).append(effect)
    return list(groups.values())


def moved(effects: Sequence[Effect]) -> str:
    """How one metric moved on some targets."""
    first = effects[0]
    verb = "fell" if (first.gain.value >= 0) == lower_is_better(first.metric) else "rose"
    if len(effects) > ONE_BY_ONE:
        least, most = extremes(effects, lambda effect: abs(effect.gain.value))
        amount = f"{number_text(abs(least.gain.value))} ({least.target}) to {points(abs(most.gain.value))}"
        return f"{metric_noun(first.metric)} {verb} by {amount} ({most.target}) on {len(effects)} targets"
    amounts = []
    for place, effect in enumerate(effects):
        change = effect.gain.magnitude
        amount = points(change.value) if place == 0 else number_text(change.value)
        ends = interval_text(change.low, change.high).removeprefix("" if place == 0 else "95 % CI ")
        amounts.append(f"by {amount} on {place_name(effect)} ({ends})")
    return f"{metric_noun(first.metric)} {verb} {listed(amounts)}"


def extremes(effects: Sequence[Effect], of: Callable[[Effect], float]) -> tuple[Effect, Effect]:
    return min(effects, key=of), max(effects, key=of)


def place_name(effect: Effect | Cell) -> str:
    """``Japanese jalan_ja``"""
    known = language(effect.language)
    return f"{known.name} {effect.target}" if known else effect.target


def not_shown(verdict: SizeVerdict) -> str:
    """The targets without a verdict, and the gains observed there."""
    effects = verdict.open
    if not verdict.better and not verdict.worse:
        return gains(effects)
    if len(effects) <= ONE_BY_ONE:
        return f"not shown on {named(effects)} ({gains(effects)})"
    least, most = extremes(effects, lambda effect: effect.gain.value)
    return (
        f"not shown on the other {len(effects)}, where it gained {number_text(least.gain.value)} to "
        f"{points(most.gain.value)}"
    )


def reach(verdict: SizeVerdict) -> str:
    """``After correction for 2 tests that is not enough; 5 seeds could have shown 7.7 and 5.4 points.``"""
    effects = verdict.open
    detectable = [effect.minimum_detectable_difference for effect in effects]
    if len(detectable) > ONE_BY_ONE:
        amounts = f"{number_text(min(detectable))} to {points(max(detectable))}"
    else:
        amounts = listed([*(number_text(value) for value in detectable[:-1]), points(detectable[-1])])
    shown = f"{counted(verdict.seeds, 'seed')} could have shown {amounts}"
    if verdict.better or verdict.worse:
        shown += f" on {named(effects)}"
    by_themselves = [effect for effect in effects if effect.p < ALPHA]
    if not by_themselves:
        return f"{shown}."
    exclude = "excludes" if len(by_themselves) == 1 else "exclude"
    return (
        f"The interval{'s' * (len(by_themselves) > 1)} on {named(by_themselves)} {exclude} 0, which is not enough "
        f"after correction for {counted(verdict.family_size, 'test')}; {shown}."
    )


def named(effects: Sequence[Effect]) -> str:
    """``nusax_id, nusax_jv and nusax_su``, ``7 targets``"""
    names = [effect.target for effect in effects]
    return listed(names) if len(names) <= ONE_BY_ONE else counted(len(names), "target")


def more_seeds(verdict: SizeVerdict) -> str:
    """How many more seeds would show gains as large as those observed."""
    within = [e for e in verdict.open if e.seeds_needed is not None and e.seeds_needed <= MOST_SEEDS]
    beyond = [effect for effect in verdict.open if effect not in within]
    more = max([1, *(e.seeds_needed - verdict.seeds for e in within if e.seeds_needed)])
    seeds = counted(more, "more seed")
    limits = [effect.limit for effect in beyond if effect.limit is not None]
    least = f": their reviews could show {points(max(limits))} or more" if limits else ""
    size = "gains of that size" if len(verdict.open) > 1 else "a gain of that size"
    if not beyond:
        return f"{seeds} would show {size}."
    if not within:
        where = "these targets" if len(beyond) > 1 else "this target"
        return f"No practical number of seeds would show {size} on {where}{least}."
    return (
        f"{seeds} would show {size} on {named(within)}; on {'the others' if len(beyond) > 1 else beyond[0].target} no "
        f"practical number would{least}."
    )


def without_sizes(answer: Answer) -> str:
    """Where there is no pair of sizes on a zero-shot target: what was found, and the command that asks for sizes."""
    entries = {entry.key: entry for entry in answer.entries}
    cells = [cell for cell in answer.selected if not entries[cell.entry].prompted]
    zero_shot = [cell for cell in cells if (cell.role, cell.protocol) == ("target", "zero-shot")]
    asks = command("train", "-m", "model=base,large", "seed=0,1,2")
    if not zero_shot:
        return f"No zero-shot target was scored, so there is no verdict on transfer: run one, e.g. {asks}."
    if len({cell.entry for cell in zero_shot}) == 1:
        return (
            f"One model, so no comparison of sizes: {entries[zero_shot[0].entry].name} trained on "
            f"{zero_shot[0].source} has {listed(list(scores(zero_shot)), ONE_BY_ONE)}. A second size answers the "
            f"question: {asks}."
        )
    certain = [best for best in answer.best if best.certain and any(c.target == best.target for c in zero_shot)]
    targets = dict.fromkeys(cell.target for cell in zero_shot)
    models = listed([entries[key].name for key in dict.fromkeys(cell.entry for cell in zero_shot)])
    shown = [f"{entries[best.entry].name} on {best.target}" for best in certain]
    return (
        f"No two sizes of one encoder family, so no comparison of sizes: of {models}, "
        + (f"{listed(shown, 6)} was shown to be the best" if shown else "none was shown to be the best on any")
        + f" ({counted(len(targets), 'zero-shot target')})."
    )


def scores(cells: Sequence[Cell]) -> Iterator[str]:
    for cell in cells:
        yield f"{metric_noun(cell.metric)} {estimate_text(cell.mean)} on {place_name(cell)}"


def seed_commands(answer: Answer) -> list[str]:
    """The commands for seeds that the first verdict lacks or, without one, that entries have too few of."""
    entries = {entry.key: entry for entry in answer.entries}
    wanted = {entry.key: ENOUGH_SEEDS for entry in answer.entries if len(entry.seeds) < ENOUGH_SEEDS}
    for verdict in ordered_verdicts(answer)[:1]:
        needed = [e.seeds_needed for e in verdict.open if e.seeds_needed and e.seeds_needed <= MOST_SEEDS]
        total = max(needed, default=0) if verdict.enough_seeds else ENOUGH_SEEDS
        wanted = {key: total for key in (verdict.smallest, verdict.largest) if total > len(entries[key].seeds)}
    commands = [command_for_seeds(entries[key], total) for key, total in wanted.items() if not entries[key].averaged]
    return list(dict.fromkeys(filter(None, commands)))


def command_for_seeds(entry: Entry, seeds: int) -> str:
    """The command that gives ``entry`` this many seeds in all; empty where its own command is not known."""
    if not entry.command:
        return ""
    once, start = entry.command, command("train")
    return f"{once.replace(start, f'{start} -m', 1)} seed={','.join(map(str, range(seeds)))}"
