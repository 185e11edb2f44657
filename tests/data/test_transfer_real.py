"""The known traps of the real files, found by the data module that a configuration makes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.helpers.memory import overlap
from tests.helpers.runs import composed

from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.results.tables import findings
from sentiment_transfer.runs.build import make_data


@pytest.mark.real_data
def test_the_known_traps_are_found_on_the_real_files(real_data: Path, tmp_path: Path) -> None:
    data = make_data(
        composed(
            "experiment=indolem_supervised",
            "source=[smsa_id,indolem_id]",
            "targets=[uci_en,jalan_ja]",
            "source.indolem_id.fold=3",
            f"paths.data_dir={real_data}",
            f"paths.cache_dir={tmp_path}",
        )
    )
    data.read()
    assert data.unavailable == {}
    assert [len(s.reviews) for s in data.train_sets] == [9852, 3638]
    assert {s.name: len(s.reviews) for s in data.test_sets} == {
        "smsa_id": 412,
        "indolem_id": 1011,
        "uci_en": 3000,
        "jalan_ja": len(data.targets["jalan_ja"].reviews("test")),
    }
    assert overlap(data, "smsa_id", "smsa_id", "dev")["shared"] == 14
    assert overlap(data, "smsa_id", "smsa_id", "test")["shared"] == 0
    assert overlap(data, "indolem_id", "indolem_id", "test")["shared"] == 55
    assert overlap(data, "indolem_id", "uci_en", "test")["shared"] == 0
    assert data.audit["splits"]["jalan_ja"]["test"]["dropped"] == {"neutral": 5553 - len(data.test_sets[-1].reviews)}
    assert {data.protocol(s.name) for s in data.test_sets} == {"supervised", "zero-shot"}


def with_nusax(real_data: Path, tmp_path: Path, *overrides: str) -> TransferDataModule:
    """A run in three classes on NusaX Indonesian, which was drawn from SmSA."""
    data = make_data(
        composed(
            *("experiment=smsa_supervised", "targets=nusax_id", "targets.nusax_id.classes=3"),
            *(f"paths.data_dir={real_data}", f"paths.cache_dir={tmp_path}", *overrides),
        )
    )
    data.read()
    return data


@pytest.mark.real_data
def test_the_texts_that_nusax_has_from_smsa_are_found(real_data: Path, tmp_path: Path) -> None:
    data = with_nusax(real_data, tmp_path, "source.smsa_id.classes=3", "trainer.oracle=true")
    test, dev = (overlap(data, "smsa_id", "nusax_id", split) for split in ("test", "dev"))
    assert (test["shared"], test["rows"]) == (217, 400)
    assert (dev["shared"], dev["rows"]) == (49, 100)
    said = list(findings(data.audit))
    assert "217 of 400 test rows of nusax_id (54.2%) are also in the training set of smsa_id" in " ".join(said)
    assert "data.dedup=true leaves such test rows out." in said


@pytest.mark.real_data
def test_dedup_removes_the_texts_that_nusax_has_from_smsa(real_data: Path, tmp_path: Path) -> None:
    data = with_nusax(real_data, tmp_path, "source.smsa_id.classes=3", "data.dedup=true")
    assert data.removed["nusax_id"] == 217
    assert len(next(s for s in data.test_sets if s.name == "nusax_id").reviews) == 400 - 217


@pytest.mark.real_data
def test_two_targets_that_share_texts_are_named(real_data: Path, tmp_path: Path) -> None:
    targets = ("source=uci_en", "targets=[smsa_id,nusax_id,nusax_jv]")
    data = make_data(composed(*targets, f"paths.data_dir={real_data}", f"paths.cache_dir={tmp_path}"))
    data.read()
    assert "between_tests" not in data.audit  # in two classes there is none
    three = [f"{place}.classes=3" for place in ("targets.smsa_id", "targets.nusax_id", "targets.nusax_jv")]
    sources = ("source=jalan_ja", "source.jalan_ja.classes=3", targets[1])
    data = make_data(composed(*sources, *three, f"paths.data_dir={real_data}", f"paths.cache_dir={tmp_path}"))
    data.read()
    [shared] = data.audit["between_tests"]
    assert (shared["test"], shared["scored"], shared["shared"], shared["rows"]) == ("smsa_id", "nusax_id", 2, 400)


@pytest.mark.real_data
def test_dedup_removes_the_known_leaks_of_a_fold(real_data: Path, tmp_path: Path) -> None:
    data = make_data(
        composed(
            "experiment=indolem_supervised",
            "source.indolem_id.fold=2",
            "data.dedup=true",
            f"paths.data_dir={real_data}",
            f"paths.cache_dir={tmp_path}",
        )
    )
    data.read()
    assert data.removed == {"indolem_id": 39}
    assert len(data.test_sets[0].reviews) == 1011 - 39
