"""The transfer gap against the typological distance of the target's language, and the effect of size on it.

Only datasets of one corpus lie on one line: between corpora, domain and construction change with the language.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sentiment_transfer.report.analysis.cells import ResampledCell
from sentiment_transfer.report.analysis.comparisons import difference, estimate, families_of, scope_of_cells, sizes
from sentiment_transfer.report.analysis.distance_findings import (
    STEP,
    DistanceLine,
    DistancePoint,
    DistanceTrend,
    Fit,
    SizeByDistance,
)
from sentiment_transfer.report.analysis.estimate import Estimate, Scope
from sentiment_transfer.report.analysis.findings import Entry
from sentiment_transfer.results.languages import typological_distance
from sentiment_transfer.results.record import RunResult
from sentiment_transfer.statistics.comparisons import ContrastTest, family_tests, slope_weights
from sentiment_transfer.statistics.interval import contrasts, intervals, variances
from sentiment_transfer.statistics.languages import LEAST_LANGUAGES, LanguageLine, line_at, line_over_languages
from sentiment_transfer.statistics.resampling import Scored

ALONE = np.ones(1)  # the weights of a line of one model
BAND = 25  # places at which a line's interval is computed

Corpus = tuple[str, str, tuple[str, ...]]  # name, domain, classes


@dataclass(frozen=True)
class ScoredLine:
    """The gaps of one entry with their resamples, by distance."""

    cells: tuple[ResampledCell, ...]
    points: tuple[DistancePoint, ...]
    scored: tuple[Scored, ...]
    own_reference: bool

    @property
    def distances(self) -> np.ndarray:
        return np.array([point.distance for point in self.points])


def corpus_of(dataset: str) -> str:
    """``nusax`` of ``nusax_jv``."""
    return dataset.rpartition("_")[0]


def distance_trends(
    cells: Sequence[ResampledCell], entries: Mapping[str, Entry], results: Mapping[str, RunResult]
) -> list[DistanceTrend]:
    """A trend for every corpus in which the entries of one source were scored on two languages or more besides its own,
    the corpus of most languages first.

    ``results`` are the runs by their ids.
    """
    if not cells:
        return []
    languages = source_languages(cells)
    grouped: dict[Corpus, dict[str, list[ResampledCell]]] = defaultdict(lambda: defaultdict(list))
    for resampled in cells:
        cell = resampled.cell
        grouped[corpus_of(cell.target), cell.domain, cell.classes][cell.entry].append(resampled)
    own_sets: dict[str, list[ResampledCell]] = defaultdict(list)
    for resampled in cells:
        if resampled.cell.role == "source":
            own_sets[resampled.cell.entry].append(resampled)
    trends = []
    for (corpus, domain, classes), by_entry in grouped.items():
        lines = {}
        for entry, of_corpus in by_entry.items():
            own = [resampled for resampled in own_sets[entry] if resampled.cell.classes == classes]
            if line := scored_line(of_corpus, own, languages, results):
                lines[entry] = line
        if corpus and lines:
            ordered = [lines[entry] for entry in entries if entry in lines]
            trends.append(trend(corpus, domain, languages, ordered, entries))
    return sorted(trends, key=lambda trend: -len(trend.languages))


def source_languages(cells: Sequence[ResampledCell]) -> tuple[str, ...]:
    """The languages that the entries were trained on; read from the datasets' names where none of them was scored."""
    scored = {resampled.cell.language for resampled in cells if resampled.cell.role == "source"}
    named = {name.rpartition("_")[2] for name in cells[0].cell.source.split("+")}
    return tuple(sorted(scored or named))


def scored_line(
    of_corpus: Sequence[ResampledCell],
    own: Sequence[ResampledCell],
    languages: Sequence[str],
    results: Mapping[str, RunResult],
) -> ScoredLine | None:
    """One entry's gaps on a corpus; None where fewer than two languages have one.

    The reference is the set of the same corpus in the source's language, else the source's own test set. Of several,
    it is the one in the source's language that is nearest to the target.
    """
    beside = [resampled for resampled in of_corpus if resampled.cell.language in languages]
    references = beside or own
    gaps = []
    for away in of_corpus:
        nearest = nearest_source(languages, away.cell.language)
        if nearest and references and away.cell.language not in languages:
            reference = next((r for r in references if r.cell.language == nearest[1]), references[0])
            scored = difference(away.error, reference.error)
            gaps.append((away, point(away, reference, scored, nearest[0], results), scored))
    if len({away.cell.language for away, _, _ in gaps}) < 2:
        return None
    gaps.sort(key=lambda gap: (gap[1].distance, gap[1].language))
    members, points, scores = zip(*gaps, strict=True)
    return ScoredLine(members, points, scores, own_reference=bool(beside))


def nearest_source(languages: Sequence[str], target: str) -> tuple[float, str] | None:
    """The smallest distance from a language of the source, and which; None where none is known."""
    known = [(typological_distance(source, target), source) for source in languages]
    return min(((distance, source) for distance, source in known if distance is not None), default=None)


def point(
    away: ResampledCell, reference: ResampledCell, gap: Scored, distance: float, results: Mapping[str, RunResult]
) -> DistancePoint:
    cell = away.cell
    test = family_tests([contrasts(np.ones((1, 1)), variances([gap]), extra_variance=1 / cell.n**2)])[0]
    records = [results[run]["scores"][cell.target] for run in cell.run_ids]
    shares = [record["tokens"]["seen"] for record in records if "tokens" in record]
    seen = [share for share in shares if share is not None]
    return DistancePoint(
        target=cell.target,
        language=cell.language,
        distance=distance,
        reference=reference.cell.target,
        gap=estimate(test, scope_of_cells([away])),
        paired=bool(away.rows) and away.rows == reference.rows,
        tokens_seen=float(np.mean(seen)) if seen else None,
    )


def trend(
    corpus: str, domain: str, languages: tuple[str, ...], lines: Sequence[ScoredLine], entries: Mapping[str, Entry]
) -> DistanceTrend:
    cell = lines[0].cells[0].cell
    fitted = [line for line in lines if can_be_fitted(line.distances)]
    models = [line_over_languages(line.distances, [line.scored], ALONE) for line in fitted]
    tests = family_tests([model.slope for model in models])
    fits = {
        line.cells[0].cell.entry: fit(test, model, scope_of_cells(line.cells), 1 / np.ptp(line.distances))
        for line, model, test in zip(fitted, models, tests, strict=True)
    }
    return DistanceTrend(
        source=cell.source,
        source_languages=languages,
        corpus=corpus,
        domain=domain,
        selection=cell.selection,
        own_reference=all(line.own_reference for line in lines),
        lines=tuple(drawn(line, fits.get(line.cells[0].cell.entry)) for line in lines),
        sizes=tuple(sizes_by_distance(fitted, entries)),
    )


def can_be_fitted(distances: np.ndarray) -> bool:
    return len(distances) >= LEAST_LANGUAGES and np.ptp(distances) > 0


def fit(test: ContrastTest, line: LanguageLine, scope: Scope, steepest: float) -> Fit:
    """``steepest`` is the largest slope that is possible: an error of 0 at one end, and of 1 at the other."""
    slope = estimate(test, scope, furthest=steepest).scaled(STEP)
    detectable = STEP * test.minimum_detectable_difference
    return Fit(slope, test.p, test.p_holm, test.family_size, detectable, line.tau)


def drawn(line: ScoredLine, fitted: Fit | None) -> DistanceLine:
    band: tuple[tuple[float, Estimate], ...] = ()
    if fitted:
        at = np.linspace(line.distances.min(), line.distances.max(), BAND)
        heights = line_at(at, line.distances, [line.scored], ALONE)
        ends = zip(at, heights.values, *intervals(heights), strict=True)
        scope = fitted.slope.scope
        band = tuple((float(x), Estimate(float(y), float(low), float(high), scope)) for x, y, low, high in ends)
    return DistanceLine(line.cells[0].cell.entry, line.points, fitted, band)


def sizes_by_distance(lines: Sequence[ScoredLine], entries: Mapping[str, Entry]) -> list[SizeByDistance]:
    """For every family of encoders, on the languages that all its members were scored on."""
    by_entry = {line.cells[0].cell.entry: line for line in lines}
    found: list[tuple[list[ResampledCell], list[ScoredLine], LanguageLine]] = []
    for family in families_of([line.cells[0] for line in lines], entries):
        common = on_common_languages([by_entry[resampled.cell.entry] for resampled in family])
        if can_be_fitted(common[0].distances):
            weights = slope_weights(np.array(sizes(family, entries), dtype=float))
            model = line_over_languages(common[0].distances, [line.scored for line in common], weights)
            found.append((family, common, model))
    tests = family_tests([model.slope for _, _, model in found])
    return [
        SizeByDistance(
            family=entries[family[0].cell.entry].family,
            entries=tuple(resampled.cell.entry for resampled in family),
            sizes=tuple(sizes(family, entries)),
            unit=entries[family[0].cell.entry].unit,
            languages=len(common[0].points),
            fit=fit(
                test,
                model,
                scope_of_cells([cell for line in common for cell in line.cells]),
                2 / np.ptp(common[0].distances),
            ),
        )
        for (family, common, model), test in zip(found, tests, strict=True)
    ]


def on_common_languages(lines: Sequence[ScoredLine]) -> list[ScoredLine]:
    """The same lines with the targets that all of them have."""
    common = set.intersection(*({point.target for point in line.points} for line in lines))
    kept = []
    for line in lines:
        places = [place for place, point in enumerate(line.points) if point.target in common]
        kept.append(
            replace(
                line,
                cells=tuple(line.cells[place] for place in places),
                points=tuple(line.points[place] for place in places),
                scored=tuple(line.scored[place] for place in places),
            )
        )
    return kept
