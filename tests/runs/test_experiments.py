"""Every experiment of conf/experiment, in miniature."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.helpers.runs import ROOT, trained

from sentiment_transfer.checkpoints.opening import open_model
from sentiment_transfer.data.amazon import AmazonReviewsDataModule
from sentiment_transfer.data.catalog import NUSAX_LANGUAGES
from sentiment_transfer.report.command import main as report
from sentiment_transfer.results.record import RunResult

# Of these see test_sweeps.py.
SWEEPS = ("scaling", "epochs", "folds", "few_shot")
MINIATURE = ("trainer.max_epochs=1", "logger=none", "trainer.keep_weights=false")
REAL = {
    "smsa_supervised": ("source.smsa_id.limit=200",),
    "indolem_supervised": ("source.indolem_id.limit=200", "source.indolem_id.fold=3"),
    "uci_zero_shot": (
        "source.uci_en.limit=200",
        "targets.indolem_id.limit=100",
        "targets.smsa_id.limit=100",
        "targets.jalan_ja.limit=100",
    ),
}
SMALL_REAL = (
    "data.max_length=64",
    "source.uci_en.limit=100",
    *(f"targets.{name}.limit=50" for name in ("smsa_id", "indolem_id", "jalan_ja")),
)
# With a tiny encoder in place of mBERT and IndoBERT.
BASELINES = {
    "baselines_smsa": ("source.smsa_id.limit=100", "source.smsa_id.classes=3"),
    "baselines_indolem": ("source.indolem_id.limit=100", "source.indolem_id.fold=4"),
}
SMALL_ULMFIT = ("model.embedding_size=16", "model.hidden_size=24", "model.start_epochs=1", "model.tune_epochs=1")
ULMFIT = {
    "baselines_ulmfit_smsa": ("source.smsa_id.limit=100", "model.corpora.indolem_id.limit=100"),
    "baselines_ulmfit_indolem": ("source.indolem_id.limit=100", "model.corpora.smsa_id.limit=100"),
}


def test_every_experiment_has_a_miniature_here() -> None:
    found = {path.stem for path in (ROOT / "conf" / "experiment").glob("*.yaml")}
    recipes = {f"recipe_{name}" for name in ("xtreme", "stable", "discriminative", "reinit", "linear_probe")}
    alone = {*recipes, "demo", "example", "tiny", "paper", "real", "nusax", "own_files", "baselines_zero_shot"}
    assert found == alone.union(REAL, SWEEPS, BASELINES, ULMFIT)


LIMITS = ("source.written_en.limit=64", "targets.written_ja.limit=20", "targets.written_id.limit=20")


def test_tiny_in_miniature(tmp_path: Path) -> None:
    result = trained(tmp_path, "experiment=tiny", *LIMITS, *MINIATURE)
    assert set(result["scores"]) == {"written_en", "written_ja", "written_id"}
    assert result["caveats"] == ["trained from scratch"]


@pytest.mark.parametrize("name", ["demo", "example"])
def test_demo_and_example_in_miniature(name: str, tmp_path: Path, tiny_xlm_r: Path) -> None:
    encoder = ("model=local", f"model.encoder={tiny_xlm_r}", "data.max_length=64")
    result = trained(tmp_path, f"experiment={name}", "model.layers=null", *encoder, *LIMITS, *MINIATURE)
    assert set(result["scores"]) == {"written_en", "written_ja", "written_id"}
    assert result["caveats"] == []


def test_own_files_in_miniature(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    for name, header, words in (
        ("reviews.en.csv", "text,label", ("positive", "negative")),
        ("shop/reviews.ja.csv", "text,label", ("良い", "悪い")),
        ("shop/export.csv", "Bewertung,Sterne", ("5", "1")),
    ):
        rows = "".join(f"{words[row % 2]} {row},{words[row % 2]}\n" for row in range(40))
        (tmp_path / name).write_text(f"{header}\n{rows}", encoding="utf-8")
    result = trained(tmp_path / "run", "experiment=own_files", f"paths.data_dir={tmp_path}", *MINIATURE)
    assert {name: (entry["language"], entry["n"]) for name, entry in result["scores"].items()} == {
        "reviews_en": ("en", 4), "reviews_ja": ("ja", 40), "shop_de": ("de", 40),
    }  # fmt: skip
    assert result["audit"]["reading"]["reviews_ja"]["labels"] == {"良い": "positive", "悪い": "negative"}


@pytest.mark.real_data
@pytest.mark.parametrize("experiment", REAL)
def test_an_experiment_on_real_files_in_miniature(tmp_path: Path, real_data: Path, experiment: str) -> None:
    result = trained(tmp_path, f"experiment={experiment}", f"paths.data_dir={real_data}", *REAL[experiment], *MINIATURE)
    assert result["unavailable"] == {}
    assert result["caveats"] == ["trained from scratch"]
    published = {"smsa_id": "macro_f1", "indolem_id": "f1_positive", "uci_en": "macro_f1", "jalan_ja": "macro_f1"}
    for name, entry in result["scores"].items():
        folds = "_mean_folds" if "folds" in entry["selections"]["last"] else ""
        assert entry["metric"] == published[name] + folds
    if experiment == "uci_zero_shot":
        assert [entry["protocol"] for entry in result["scores"].values()] == ["supervised", *3 * ["zero-shot"]]
        assert len(result["scores"]["indolem_id"]["selections"]["last"]["folds"]) == 5


@pytest.mark.real_data
def test_real_in_miniature(tmp_path: Path, real_data: Path, tiny_xlm_r: Path) -> None:
    result = trained(
        tmp_path, "experiment=real", "model=base", f"model.encoder={tiny_xlm_r}", f"paths.data_dir={real_data}",
        *SMALL_REAL, *MINIATURE,
    )  # fmt: skip
    protocols = {name: entry["protocol"] for name, entry in result["scores"].items()}
    assert protocols == {"uci_en": "supervised", **dict.fromkeys(("smsa_id", "indolem_id", "jalan_ja"), "zero-shot")}
    assert {name for entry in result["scores"].values() for name in entry["selections"]} == {"last", "source_dev"}


@pytest.mark.real_data
def test_nusax_in_miniature(tmp_path: Path, real_data: Path, tiny_xlm_r: Path) -> None:
    limits = [f"targets.nusax_{code}.limit=20" for code in NUSAX_LANGUAGES]
    result = trained(
        tmp_path, "experiment=nusax", "model=base", f"model.encoder={tiny_xlm_r}", f"paths.data_dir={real_data}",
        "data.max_length=64", "source.uci_en.limit=100", *limits, *MINIATURE,
    )  # fmt: skip
    protocols = {name: entry["protocol"] for name, entry in result["scores"].items()}
    languages = dict.fromkeys((f"nusax_{code}" for code in NUSAX_LANGUAGES), "zero-shot")
    assert protocols == {"uci_en": "supervised", **languages, "nusax_en": "cross-domain"}
    assert result["unavailable"] == {}


@pytest.mark.real_data
@pytest.mark.parametrize("experiment", BASELINES)
def test_a_baseline_in_miniature(tmp_path: Path, real_data: Path, tiny_xlm_r: Path, experiment: str) -> None:
    result = trained(
        tmp_path, f"experiment={experiment}", f"paths.data_dir={real_data}", f"model.encoder={tiny_xlm_r}",
        "data.max_length=64", *BASELINES[experiment], *MINIATURE,
    )  # fmt: skip
    [(name, entry)] = result["scores"].items()
    assert (result["caveats"], entry["protocol"]) == ([], "supervised")
    assert result["config"]["model"]["name"] == "indobert"
    assert len(entry["classes"]) == (3 if name == "smsa_id" else 2)


@pytest.mark.real_data
@pytest.mark.parametrize("experiment", ULMFIT)
def test_ulmfit_in_miniature(tmp_path: Path, real_data: Path, experiment: str) -> None:
    result = trained(
        tmp_path, f"experiment={experiment}", f"paths.data_dir={real_data}", *SMALL_ULMFIT, *ULMFIT[experiment],
        *MINIATURE,
    )  # fmt: skip
    [entry] = result["scores"].values()
    assert (result["caveats"], entry["protocol"]) == (["language model trained here"], "supervised")
    assert len(result["model"]["language_model"]["corpora"]) == 1


def write_marc(folder: Path, language: str, rows: range = range(20)) -> None:
    """The three files of MARC as they were published, with four reviews a star (or these ``rows``)."""
    folder.mkdir(parents=True)
    for split in ("train", "dev", "test"):
        lines = [
            {"review_id": f"{split}_{row}", "stars": 1 + row // 4, "review_title": f"{language} title {row}",
             "review_body": f"{language} {split} body {row}", "language": language}
            for row in rows
        ]  # fmt: skip
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / f"dataset_{language}_{split}.json").write_text(text)


def paper(
    tmp_path: Path, tiny_xlm_r: Path, monkeypatch: pytest.MonkeyPatch, *overrides: str, experiment: str = "paper"
) -> RunResult:
    monkeypatch.setattr(AmazonReviewsDataModule, "rows_per_star", dict.fromkeys(("train", "dev", "test"), 4))
    for language in ("en", "ja"):
        write_marc(tmp_path / "data" / f"amazon_{language}", language)
    return trained(
        tmp_path / "run", f"experiment={experiment}", f"model.encoder={tiny_xlm_r}",
        f"paths.data_dir={tmp_path}/data", "data.max_length=64", "logger=none", *overrides,
    )  # fmt: skip


def test_paper_in_miniature(tmp_path: Path, tiny_xlm_r: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = paper(tmp_path, tiny_xlm_r, monkeypatch)
    assert len(result["history"]) == result["config"]["trainer"]["max_epochs"] == 4
    assert result["config"]["trainer"]["batch_size"] == 32
    assert {name: entry["n"] for name, entry in result["scores"].items()} == {"amazon_en": 16, "amazon_ja": 16}
    assert result["scores"]["amazon_ja"]["protocol"] == "zero-shot"
    assert set(result["unavailable"]) == {"rakuten_ja", "indolem_id", "smsa_id"}
    assert "Put test.csv.xz" in result["unavailable"]["rakuten_ja"]
    assert "by hand" in result["unavailable"]["smsa_id"]
    assert result["caveats"] == []
    assert result["model"]["name"] == "base"


def test_a_part_of_a_test_set_is_labelled_wherever_it_is_shown(
    tmp_path: Path, tiny_xlm_r: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_marc(tmp_path / "data" / "amazon_de", "de", rows=range(0, 20, 3))
    part = ("targets=amazon_de", "targets.amazon_de.complete=false", "trainer.max_epochs=1")
    result = paper(tmp_path, tiny_xlm_r, monkeypatch, *part)
    caveat = "amazon_de: 6 of 16 test reviews (complete=false)"
    assert result["caveats"] == [caveat]
    assert result["scores"]["amazon_de"]["n"] == 6
    assert result["audit"]["reading"]["amazon_de"]["notes"] == [
        "6 of the 16 reviews of the test split (complete=false)"
    ]
    printed = capsys.readouterr().out
    assert caveat.upper() in printed and "amazon_de: 6 of the 16 reviews of the test split" in printed
    assert open_model(str(tmp_path / "run")).caveats == ()  # it is about one of its scores, not about the model
    assert report([str(tmp_path / "run"), "--out", str(tmp_path / "report")]) == 0
    for page in ("report.html", "summary.md"):
        text = (tmp_path / "report" / page).read_text()
        assert "6 of 16 test reviews" in text and "not comparable with those on all of it" in text


def test_zero_shot_baselines_in_miniature(tmp_path: Path, tiny_xlm_r: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = paper(tmp_path, tiny_xlm_r, monkeypatch, "trainer.max_epochs=1", experiment="baselines_zero_shot")
    assert result["scores"]["amazon_ja"]["protocol"] == "zero-shot"
    assert result["config"]["model"]["name"] == "mbert"


def test_the_papers_mixture_in_miniature(tmp_path: Path, tiny_xlm_r: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = paper(tmp_path, tiny_xlm_r, monkeypatch, "source=amazon_enja", "targets=amazon_ja")
    assert len(result["history"]) == 2
    assert result["source"] == {"names": ["amazon_en", "amazon_ja"], "rows": {"train": 32, "dev": 32}}
    assert {entry["protocol"] for entry in result["scores"].values()} == {"supervised"}
