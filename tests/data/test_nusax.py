from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from tests.helpers.file_server import serving
from tests.helpers.runs import composed

from sentiment_transfer.data import nusax
from sentiment_transfer.data.catalog import NUSAX_LANGUAGES
from sentiment_transfer.data.nusax import NusaXDataModule
from sentiment_transfer.errors import UserError

ROWS = 'id,text,label\n411,"Enak, murah",positive\n729,Dia di toko,neutral\n16,"Pelayanan ""buruk""",negative\n'
ALL = [f"nusax_{code}" for code in ("en", "id", "jv", "su", "min", "ace", "ban", "bjn", "bug", "mad", "nij", "bbc")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder in which small files count as the published ones of Indonesian and Toba Batak."""
    for language in ("indonesian", "toba_batak"):
        (tmp_path / "nusax" / language).mkdir(parents=True)
        for name in nusax.FILES.values():
            (tmp_path / "nusax" / language / name).write_text(ROWS)
            monkeypatch.setitem(nusax.SHA256, f"{language}/{name}", hashlib.sha256(ROWS.encode()).hexdigest())
    return tmp_path


def test_neutral_is_dropped_and_the_ids_are_those_of_the_file(folder: Path) -> None:
    module = NusaXDataModule("bbc", data_dir=folder)
    rows = module.reviews("test")
    assert (module.name, rows.language) == ("nusax_bbc", "bbc")
    assert rows.ids == ["411", "16"]
    assert rows.table["text"].to_pylist() == ["Enak, murah", 'Pelayanan "buruk"']
    assert rows.labels.tolist() == [1, 0]
    assert rows.dropped == {"neutral": 1}


def test_three_classes_keep_neutral(folder: Path) -> None:
    rows = NusaXDataModule(language="id", classes=3, data_dir=folder).reviews("dev")
    assert rows.labels.tolist() == [2, 1, 0] and rows.dropped == {}


def test_a_changed_local_file_is_refused(folder: Path) -> None:
    (folder / "nusax" / "indonesian" / "test.csv").write_text(ROWS * 2)
    with pytest.raises(UserError, match=r"nusax/indonesian/test\.csv is not the published file"):
        NusaXDataModule(data_dir=folder).reviews("test")


def test_each_language_is_downloaded_into_a_folder_of_its_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(ROWS.encode()) as web:
        monkeypatch.setenv("SENTIMENT_DOWNLOAD_MIRROR", web.url)
        for language in ("id", "bbc", "id"):
            module = NusaXDataModule(language, data_dir=folder / "none", cache_dir=folder / "cache")
            assert len(module.reviews("test")) == 2
    parts = f"/IndoNLP/nusax/{nusax.COMMIT}/datasets/sentiment"
    assert web.asked == [f"{parts}/indonesian/test.csv", f"{parts}/toba_batak/test.csv"]


def test_a_download_that_fails_names_address_licence_and_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        NusaXDataModule("ace", data_dir=tmp_path / "data", cache_dir=tmp_path).reviews("test")
    said = str(caught.value)
    assert f"IndoNLP/nusax/{nusax.COMMIT}/datasets/sentiment/acehnese/test.csv" in said
    assert f"into {tmp_path}/data/nusax/acehnese by hand (licence: CC BY-SA 4.0)" in said


def test_another_language_is_refused_with_those_there_are() -> None:
    with pytest.raises(UserError, match=r"nusax\.language=ja is invalid.*en, id, jv"):
        NusaXDataModule("ja")


def test_all_languages_are_one_group_of_targets() -> None:
    assert list(composed("targets=nusax").targets) == ALL
    experiment = composed("experiment=nusax")
    assert list(experiment.source) == ["uci_en"] and list(experiment.targets) == ALL
    assert experiment.model.name == "e5_small" and experiment.data.max_length == 128


@pytest.mark.real_data
def test_the_published_sizes_are_read(real_data: Path) -> None:
    for classes, expected in ((2, (381, 76, 304)), (3, (500, 100, 400))):
        module = NusaXDataModule("jv", classes=classes, data_dir=real_data)
        assert tuple(len(module.reviews(split)) for split in ("train", "dev", "test")) == expected
    assert module.reviews("test").label_counts() == {"negative": 153, "neutral": 96, "positive": 151}


@pytest.mark.real_data
def test_the_twelve_languages_are_parallel_by_id(real_data: Path) -> None:
    ids: list[str] = []
    for split in ("train", "dev", "test"):
        languages = [NusaXDataModule(code, data_dir=real_data).reviews(split) for code in NUSAX_LANGUAGES]
        assert len({tuple(zip(rows.ids, rows.labels.tolist(), strict=True)) for rows in languages}) == 1
        assert len({rows.text_digest() for rows in languages}) == len(languages) == 12
        ids += languages[0].ids
    assert len(set(ids)) == len(ids) == 381 + 76 + 304
