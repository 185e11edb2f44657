"""A made-up answer with its runs, for tests of how a report is written: no statistics is behind it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.helpers.example_result import example_result

from sentiment_transfer.report.analysis.collect import Collection
from sentiment_transfer.report.analysis.effects import Effect, SizeVerdict
from sentiment_transfer.report.analysis.findings import (
    Answer,
    Best,
    Calibration,
    Cell,
    Comparison,
    Entry,
    Estimate,
    McNemar,
    Published,
    TransferGap,
    Trend,
)
from sentiment_transfer.report.rendering.contents import Contents, drawing, gather
from sentiment_transfer.report.rendering.page import build_page
from sentiment_transfer.report.rendering.parts import svg
from sentiment_transfer.results.predictions import Mistake, write_mistakes
from sentiment_transfer.results.published import PublishedNumber
from sentiment_transfer.results.record import RunResult, write_result

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SELECTIONS = ("last", "source_dev")
HOSTILE = (
    "<script>document.title='taken'</script>",
    "</td></table><img src=x onerror=alert(1)>",
    "\u202egnp.exe\u202c {{ 7 * 7 }} \x00 😀 これは",
    "\"' onmouseover='alert(1) </script><!-- ]]>",
)
PUBLISHED = PublishedNumber(
    "written_ja", "error", 2, "English", "A & B", "nano", None, "zero-shot", 19.0, "%", "quoted", "x"
)


def around(value: float, width: float = 0.02) -> Estimate:
    return Estimate(value, value - width, value + width, "seeds and examples")


def example_runs(models: tuple[str, ...], targets: tuple[str, ...], seeds: int, **changed: Any) -> list[RunResult]:
    runs = []
    for size, model in enumerate(models):
        for seed in range(seeds):
            errors = {name: 0.30 - 0.03 * size - 0.01 * seed + 0.02 * at for at, name in enumerate(targets)}
            run = example_result(errors, model=model, seed=seed, run_id=f"run-{size}-{seed}")
            run["performance"]["seconds"]["total"] = 60.0 * (1 + size)
            run["model"]["parameters"] = 10**6 * (1 + size)
            run["history"] = [
                {"epoch": epoch, "dev": {name: {"error": error - 0.01 * epoch} for name, error in errors.items()}}
                for epoch in range(2)
            ]
            run.update(changed)  # type: ignore[typeddict-item]
            runs.append(run)
    return runs


def example_answer(runs: list[RunResult], published: tuple[Published, ...] = ()) -> Answer:
    entries = [entry(model, runs) for model in dict.fromkeys(run["model"]["name"] for run in runs)]
    targets = list(runs[0]["scores"])
    first, last = entries[0], entries[-1]
    changes = {name: around(-0.06) for name in targets}
    return Answer(
        selection="last",
        entries=tuple(entries),
        cells=tuple(
            cell(e, name, selection, runs, published) for e in entries for name in targets for selection in SELECTIONS
        ),
        comparisons=tuple(
            Comparison(
                "written_en", name, "last", "error", first.key, last.key, change, 0.001, 0.0004, 3,
                (McNemar(0, 4, 20, 0.002),), 0.03, "better", True, 1000,
            )
            for name, change in changes.items()
        ),
        best=tuple(
            Best(
                "written_en", name, "last", "error", last.key, (), len(entries) > 1, len(entries), "seeds and examples",
            )
            for name in targets
        ),
        trends=tuple(
            Trend(
                "demo", "written_en", name, "last", "error", (first.key, last.key), (10**6, 10**7), "parameters",
                (0.3, 0.2), around(-0.02), 0.01, 0.02, len(targets),
            )
            for name in targets
        ),
        gaps=tuple(
            TransferGap(e.key, targets[0], name, "last", around(0.1), 0.01, 0.02)
            for e in entries
            for name in targets[1:]
        ),
        verdicts=(
            SizeVerdict(
                "written_en", "demo", first.key, last.key, (first.parameters, last.parameters), "parameters", 3,
                tuple(
                    Effect(
                        name, "ja", "reviews", "error", 1000, around(0.3), around(0.2), around(0.02), 0.01, 0.02, 0.03,
                        "better", True, 3, 0.01,
                    )
                    for name in targets[1:]
                ),
                len(targets) - 1,
            ),
        ) if first is not last else (),
        caveats=tuple(dict.fromkeys(caveat for run in runs for caveat in run["caveats"])),
        unavailable={},
        unfinished=(),
        unusable=(),
    )  # fmt: skip


def entry(model: str, runs: list[RunResult]) -> Entry:
    own = [run for run in runs if run["model"]["name"] == model]
    seeds = tuple(run["seed"] for run in own)
    parameters = own[0]["model"]["parameters"]
    run_ids = tuple(run["run_id"] for run in own)
    return Entry(
        f"{model}|written_en|",
        model,
        model,
        "written_en",
        {},
        "demo",
        parameters,
        seeds,
        (),
        tuple(dict.fromkeys(label for run in own for label in run["caveats"])),
        run_ids,
    )


def cell(of: Entry, target: str, selection: str, runs: list[RunResult], published: tuple[Published, ...]) -> Cell:
    own = [run for run in runs if run["run_id"] in of.run_ids]
    scores = [run["scores"][target]["selections"][selection] for run in own]
    record = own[0]["scores"][target]
    values = {run["seed"]: score["error"] for run, score in zip(own, scores, strict=True)}
    curve = Calibration(0.05, (0.6, 0.9), (0.55, 0.8), (0.5, 0.75), (0.6, 0.85), (100, 900))
    return Cell(
        of.key, of.model, of.source, target, record["role"], record["protocol"], record["language"], record["domain"],
        selection, record["metric"], tuple(record["classes"]), record["n"], values, (),
        around(sum(values.values()) / len(values)), None, 0.5, tuple(map(tuple, scores[0]["confusion"])), curve,
        published, of.run_ids, True,
    )  # fmt: skip


def example_mistake(text: str, name: str = "r1", confidence: float = 0.99) -> Mistake:
    return Mistake(id=name, text=text, gold="positive", predicted="negative", confidence=confidence)


def written_runs(folder: Path, runs: list[RunResult], mistakes: dict[str, list[Mistake]]) -> dict[str, Path]:
    """The runs on disk as a sweep leaves them: records, mistakes and Hydra's overrides."""
    folders = {}
    for run in runs:
        place = folder / run["run_id"]
        write_result(place, run)
        write_mistakes(place, mistakes)
        (place / ".hydra").mkdir()
        overrides = [f"- model={run['model']['name']}", f"- seed={run['seed']}"]
        (place / ".hydra" / "overrides.yaml").write_text("\n".join(overrides))
        folders[run["run_id"]] = place
    return folders


def example_contents(
    folder: Path,
    models: tuple[str, ...] = ("nano", "mini"),
    targets: tuple[str, ...] = ("written_en", "written_ja"),
    seeds: int = 3,
    texts: bool = True,
    reviews: tuple[str, ...] = ("a review",),
    **changed: Any,
) -> Contents:
    """To be called inside ``drawing()``."""
    runs = example_runs(models, targets, seeds, **changed)
    mistakes = {name: [example_mistake(text, f"r{at}") for at, text in enumerate(reviews)] for name in targets}
    found = Collection(results=runs)
    found.folders = written_runs(folder, runs, mistakes)
    beside = Published(PUBLISHED, True, "", True)
    return gather(example_answer(runs, (beside,)), found, [folder], texts, NOW)


def example_page(folder: Path, **changed: Any) -> str:
    with drawing():
        contents = example_contents(folder, **changed)
        return build_page(contents, {plot.key: svg(plot) for plot in contents.plots})
