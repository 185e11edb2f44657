"""Captions of the tables, descriptions of the figures (their alternative texts), and the lines below the matrix."""

from __future__ import annotations

from collections.abc import Iterator

from sentiment_transfer.formatting import SELECTIONS, counted
from sentiment_transfer.report.analysis.findings import Answer

TABLES = {
    "matrix": (
        "{source}Mean over seeds in percent, 95 % interval below it. Error: lower is better; F1 and accuracy: higher "
        "is better. Weights: {selection}. A best is marked only where all others of its column and source were shown "
        "to be worse. Every number leads to its commands."
    ),
    "comparisons": (
        "Difference in points, in the order that the pair names, with its 95 % interval. The verdict is by the p-value "
        "after Holm's correction. Detectable: the smallest difference shown with 80 % power. McNemar compares the two "
        "trained networks of one seed, not the models, by the reviews that only one of them got right."
    ),
    "published": (
        "Status: checked was read in the cited source; quoted comes from a secondary summary of it; doubtful is "
        "marked unverified there."
    ),
    "trends": (
        "A line through the means over the logarithm of the size (parameters, or layers where one encoder was cut), "
        "per family of encoders that differ by size alone."
    ),
    "calibration": (
        "Expected calibration error in points, mean over runs, 15 bins (Guo et al. 2017); 0 is perfect. It is biased "
        "upwards, so it has no interval."
    ),
    "labels": (
        "Mean over seeds and draws in percent, 95 % interval below it. A draw is a choice of examples; where each "
        "draw has another seed, the interval covers both. Labels alone and in full: supervised in the target."
    ),
    "distance": (
        "{corpus}, trained on {source}: error in points above that on {reference}, with its 95 % interval over seeds "
        "and reviews. Distance: typological, from {language}. Tokens seen: tokens of the test reviews that occur in "
        "the source's training texts. Last row: the slope, whose interval covers other languages as well, and its "
        "p-value after Holm's correction."
    ),
    "slices": (
        "Error on {target} in percent, trained on {source}, mean over seeds, 95 % interval below it. Against the rest: "
        "error on the slice minus error on all other reviews, in points, mean of the models ({models}); Holm's "
        "correction is over all slices of all datasets of this source. Slices of fewer than {smallest} reviews are "
        "not tested. Coverage: tokens that occur in the source's training texts, by the first run's tokenizer."
    ),
    "mistakes": (
        "{target} ({language}, {domain}): up to {each} reviews per model, those that most runs have among their "
        "{most} most confident mistakes, then by confidence. Last epoch."
    ),
    "cost": (
        "Wall-clock time of one seed (all folds together), mean and range over seeds; speed in non-padding tokens "
        "per second; memory: the peak of the process on a CPU, of all accelerators on a GPU. 1,000 reviews: what "
        "predicting them takes (language models: with several requests at once); US dollars by conf/prices.yaml, per "
        "hour of the machine or per token."
    ),
    "audit": (
        "Duplicates: the text occurred before; conflicting: with another label; truncated: beyond data.max_length."
    ),
    "leaks": (
        "Error in percent as measured, and its bounds without the shared rows (all of them wrong, all of them "
        "right): arithmetic, not a measurement. data.dedup=true measures it."
    ),
    "problems": "Runs and datasets that are missing from the numbers above, or should be read with care.",
    "commands": "Runs of {entry}, trained on {source}.",
    "environments": "The environments named above.",
}
FIGURES = {
    "forest": (
        "{pair}: the points gained on each zero-shot target with their 95 % interval, and a line at zero. Filled: "
        "shown after Holm's correction. The numbers are in the table below."
    ),
    "size": (
        "{metric} on {target} over the number of {unit} on a log scale: means with 95 % intervals, a thin line for "
        "each seed, the majority class dashed, comparable published numbers as hollow diamonds. Figures of one metric "
        "have one range. The numbers are in the table below."
    ),
    "gap": (
        "Transfer gap: error on {target} minus error on {source_set}, in points, over the number of {unit}, with 95 % "
        "intervals. The numbers are in the table below."
    ),
    "distance": (
        "Transfer gap on {languages} over their typological distance from {language}, in points with 95 % intervals; "
        "a straight line per model, its band the 95 % interval over languages, seeds and reviews. The numbers are in "
        "the table below."
    ),
    "labels": (
        "{metric} over the number of labelled reviews of {target} that were trained on, on a log scale, with 95 % "
        "intervals; zero-shot as a level line with its interval. The numbers are in the table below."
    ),
    "slices": (
        "Error on slices of {target} with 95 % intervals, one row per slice, one marker per model; names in "
        "bold differ from the rest after correction. The dashed line is the error on all reviews."
    ),
    "learning": "Error on the development sets after each epoch: mean over runs, band from lowest to highest.",
    "seeds": "{metric} of every seed as a dot, one row per model, with a stroke at the mean of the seeds.",
    "selection": "{metric}, mean over seeds, of the weights that each selection points to; one row per model.",
    "confusion": "Predictions of each class in percent of the gold class, over all seeds.",
    "calibration": (
        "Accuracy against mean confidence in 15 bins, over all seeds, with 95 % intervals; a curve below the "
        "diagonal is overconfident."
    ),
}
SELECTION_NOTES = {
    "average": "; it needs no label to choose an epoch (Schmidt et al. 2023)",
    "oracle": "; not a zero-shot number: it shows how much the choice of the epoch could gain",
}
CERTAIN = "*"  # marks the best of a column, where it is certain


def selection_texts() -> dict[str, str]:
    """Every selection with the weights that it scores."""
    return {name: text + SELECTION_NOTES.get(name, "") for name, text in SELECTIONS.items()}


def matrix_legend(answer: Answer) -> Iterator[str]:
    """The lines below the matrix on the terminal."""
    yield f"Selection {answer.selection}. Mean over seeds [95 % interval over other seeds and other test reviews]."
    if any(cell.mean.scope == "examples" for cell in answer.selected):
        yield "~ fewer than three seeds: the interval covers other test reviews only."
    if any(best.certain for best in answer.best):
        yield f"{CERTAIN} shown to be the best of those trained on its source. Floor: the best constant prediction."


def missing_runs(answer: Answer) -> Iterator[str]:
    """Unfinished and unusable runs, by name."""
    for folder in answer.unfinished:
        yield f"Unfinished, not shown (the same command continues it): {folder}"
    yield from answer.unusable
    if answer.unusable:
        yield f"{counted(len(answer.unusable), 'result')} left out."
