"""The known traps of the real files, found by the data module that a configuration makes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.helpers.memory import overlap
from tests.helpers.runs import composed

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
