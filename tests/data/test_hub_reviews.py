"""A dataset of the hub that the user names, against a small hub on 127.0.0.1, in a process of its own: the endpoint is
fixed at import."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.helpers.programs import said_by
from tests.helpers.runs import composed

from sentiment_transfer.config.checks import validate
from sentiment_transfer.config.overrides import adapted
from sentiment_transfer.config.run_name import run_name
from sentiment_transfer.errors import UserError

PROGRAM = """
    import json, os, sys, time
    from pathlib import Path

    checkout, root, home = map(Path, sys.argv[1:])
    sys.path.insert(0, str(checkout))
    from tests.helpers.hub_server import TinyHub

    time.sleep = lambda seconds: None  # the hub's client waits up to 23 s between its retries
    said = {}
    with TinyHub(root) as hub:
        os.environ |= hub.environment(home)
        from sentiment_transfer.data.hub_reviews import HubDataModule
        from sentiment_transfer.errors import UserError
        from tests.helpers.runs import SMALL, composed, trained
        from sentiment_transfer.config.overrides import adapted

        card = root / "datasets" / "ann" / "outside" / "README.md"
        card.write_text(card.read_text().replace("HUB", hub.url))

        def attempt(name, repository, *, fault=None, **options):
            hub.fault = fault
            try:
                module = HubDataModule(repository=repository, language="en", **options)
                said[name] = {
                    split: [module.reviews(split).table["text"].to_pylist(), module.reviews(split).labels.tolist()]
                    for split in ("train", "dev", "test") if module.has(split)
                }
                said[name]["ids"] = module.reviews("test").table["id"].to_pylist()
            except UserError as error:
                said[name] = str(error)

        attempt("whole", "ann/whole")
        attempt("target", "ann/whole", test_fraction=1.0)
        attempt("cut", "ann/train_only", text="review", label="stars")
        attempt("cut target", "ann/train_only", text="review", label="stars", test_fraction=1.0)
        attempt("named", "ann/whole", test="validation", dev="test")
        attempt("subset", "ann/several", subset="ja")
        attempt("mapped", "ann/whole", labels={"0": "positive", "1": "negative"})
        attempt("no subset", "ann/several")
        attempt("other subset", "ann/several", subset="id")
        attempt("columns", "ann/train_only")
        attempt("split", "ann/whole", test="tset")
        attempt("no train", "ann/test_only")
        attempt("jsonl", "ann/jsonl")
        attempt("outside", "ann/outside")
        attempt("nowhere", "ann/nowhere")
        attempt("500", "ann/unread", fault="500")
        attempt("500 again", "ann/train_only", fault="500", text="review", label="stars")
        hub.fault = None
        small = [override for override in SMALL if not override.startswith(("targets.", "source."))]
        result = trained(home / "run", *adapted([
            *small, "logger=none", "source=hub", "source.hub.repository=ann/whole", "source.hub.language=en",
            "targets={only: {repository: ann/train_only, language: ja, text: review, label: stars}}",
        ]))
        said["run"] = {name: [e["n"], e["metric"], e["protocol"]] for name, e in result["scores"].items()}
    print(json.dumps(said))
"""


def features(**columns: Any) -> dict[bytes, bytes]:
    return {b"huggingface": json.dumps({"info": {"features": columns}}).encode()}


NAMED = features(
    text={"dtype": "string", "_type": "Value"}, label={"names": ["bad", "good"], "_type": "ClassLabel"},
    label_text={"dtype": "string", "_type": "Value"},
)  # fmt: skip


def write(path: Path, rows: int, **columns: Any) -> None:
    """Rows whose label alternates, the numbers of ClassLabel names unless ``columns`` are given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = [f"{path.stem} {row}" for row in range(rows)]
    if columns:
        values = {name: texts if each is str else each * (rows // 2) for name, each in columns.items()}
        pq.write_table(pa.table(values), path)
        return
    spelt = {"label": [0, 1] * (rows // 2), "label_text": ["negative", "positive"] * (rows // 2)}
    pq.write_table(pa.table({"text": texts, **spelt}).replace_schema_metadata(NAMED), path)


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What every attempt gave: reviews by split, or an error."""
    root, home = tmp_path_factory.mktemp("hub"), tmp_path_factory.mktemp("home")
    ann = root / "datasets" / "ann"
    for split, rows in (("train", 20), ("validation", 4), ("test", 6)):
        write(ann / "whole" / "data" / f"{split}-00000-of-00001.parquet", rows)
    write(ann / "train_only" / "data" / "train-00000-of-00001.parquet", 40, review=str, stars=[5, 1])
    write(ann / "test_only" / "data" / "test-00000-of-00001.parquet", 4)
    card = "---\nconfigs:\n"
    for language in ("en", "ja"):
        write(ann / "several" / language / "train.parquet", 40)
        card += f"- config_name: {language}\n  data_files:\n  - {{split: train, path: {language}/train.parquet}}\n"
    (ann / "several" / "README.md").write_text(card + "---\n")
    (ann / "jsonl").mkdir()
    (ann / "jsonl" / "train.jsonl").write_text('{"text": "a", "label": 0}\n')
    write(ann / "outside" / "x.parquet", 4)
    (ann / "outside" / "README.md").write_text(
        "---\nconfigs:\n- config_name: default\n  data_files:\n"
        "  - {split: train, path: 'HUB/datasets/ann/whole/resolve/main/data/train-00000-of-00001.parquet'}\n---\n"
    )
    return said_by(PROGRAM, root, home)


def texts(said: dict[str, Any], attempt: str) -> dict[str, int]:
    """The number of reviews of each split."""
    assert isinstance(said[attempt], dict), said[attempt]
    return {split: len(rows[0]) for split, rows in said[attempt].items() if split != "ids"}


def test_the_splits_of_the_hub_are_those_of_the_run(said: dict[str, Any]) -> None:
    assert texts(said, "whole") == {"train": 20, "dev": 4, "test": 6}
    names, labels = said["whole"]["test"]
    assert names == [f"test-00000-of-00001 {row}" for row in range(6)]
    assert labels == [0, 1] * 3, "by the names that the dataset gives its labels"
    assert said["whole"]["ids"] == [f"test:{row}" for row in range(1, 7)]
    assert texts(said, "target")["test"] == 6, "a target's fraction does not replace its test split"


def test_splits_that_are_missing_are_cut_as_those_of_a_file(said: dict[str, Any]) -> None:
    assert texts(said, "cut") == {"train": 32, "dev": 4, "test": 4}
    assert texts(said, "cut target") == {"test": 40}
    cut = [text for split in ("train", "dev", "test") for text in said["cut"][split][0]]
    assert sorted(cut) == sorted(said["cut target"]["test"][0])
    assert dict(zip(*said["cut target"]["test"], strict=True))["train-00000-of-00001 0"] == 1  # five stars


def test_splits_and_subsets_are_chosen_by_name(said: dict[str, Any]) -> None:
    assert texts(said, "named") == {"train": 20, "dev": 6, "test": 4}
    assert texts(said, "subset") == {"train": 32, "dev": 4, "test": 4}


def test_numbers_of_named_labels_are_mapped(said: dict[str, Any]) -> None:
    assert said["mapped"]["test"][1] == [1, 0] * 3


@pytest.mark.parametrize(
    ("attempt", "answer"),
    [
        ("no subset", "The dataset ann/several on the Hugging Face hub has several subsets: en, ja. Set subset="),
        ("other subset", "BuilderConfig 'id' not found. Available: ['en', 'ja']"),
        ("columns", "has no column 'text'. It has: review, stars. Set text= and label= to two of them."),
        ("split", "has no split 'tset'; it has train, validation, test. Set test= to one of them."),
        ("no train", "has no split 'train'; it has test. Set train= to one of them."),
        ("jsonl", "is not Parquet but json. Set revision=refs/convert/parquet"),
        ("outside", "don't belong to ann/outside"),
        ("nowhere", "the hub has no such repository"),
        ("500", "the hub answered 500"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(said: dict[str, Any], attempt: str, answer: str) -> None:
    assert answer in said[attempt]


def test_what_was_read_before_is_read_without_the_hub(said: dict[str, Any]) -> None:
    assert said["500 again"] == said["cut"]


def test_a_run_is_trained_and_scored_on_datasets_of_the_hub(said: dict[str, Any]) -> None:
    assert said["run"] == {"hub": [6, "macro_f1", "supervised"], "only": [40, "macro_f1", "zero-shot"]}


def refusal(*overrides: str) -> str:
    with pytest.raises(UserError) as error:
        validate(composed(*adapted(["experiment=tiny", *overrides])))
    return str(error.value)


def test_every_way_to_name_a_repository_is_one_run() -> None:
    ways = [
        ("targets={x: {repository: ann/r, language: id}}",),
        ("targets=[{x: {kind: hub, repository: ann/r, language: id}}]",),
        ("targets=none", "+targets.x.repository=ann/r", "+targets.x.language=id"),
        ("targets=none", "+dataset@targets.x=hub", "targets.x.repository=ann/r", "targets.x.language=id",
         "targets.x.test_fraction=1.0"),
    ]  # fmt: skip
    configs = [composed(*adapted(["experiment=tiny", *way])) for way in ways]
    for config in configs:
        validate(config)
    assert len({run_name(config) for config in configs}) == 1


def test_what_is_wrong_is_told_before_the_hub_is_asked() -> None:
    hub = ("source=hub", "source.hub.language=en")
    assert "source.hub.repository is not set" in refusal("source=hub")
    assert "type user/name" in refusal(*hub, "source.hub.repository=https://huggingface.co/x")
    assert "source.hub.test_fraction=1.0 leaves nothing to train on" in refusal(
        *hub, "source.hub.repository=a/b", "source.hub.test_fraction=1.0"
    )
    assert "two files under one name" in refusal(
        *hub, "source.hub.repository=a/b", "targets=hub", "targets.hub.repository=a/c", "targets.hub.language=en"
    )
