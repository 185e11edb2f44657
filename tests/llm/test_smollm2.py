"""A real language model behind a real server: SmolLM2-135M-Instruct, which is weak, by llama.cpp."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from tests.helpers.runs import ROOT
from tests.helpers.smollm2 import NAME, missing, smollm2

from sentiment_transfer import cli
from sentiment_transfer.results.predictions import read_predictions
from sentiment_transfer.results.record import RunResult, read_result

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())
pytest.importorskip("openai", reason="openai is not installed: pip install 'sentiment-transfer[llm]'")
WRITTEN = "targets=[written_en,written_ja,written_id]"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with smollm2() as address:
        yield address


def evaluated(url: str, folder: Path, *overrides: str) -> RunResult:
    targets = next((each for each in overrides if each.startswith("targets=")), WRITTEN)
    limits = [f"targets.{name}.limit=8" for name in ("written_en", "written_ja", "written_id") if name in targets]
    asked = ["checkpoint=llm", f"llm.base_url={url}", f"llm.model={NAME}", targets, *limits, "llm.concurrency=4"]
    overrides = tuple(each for each in overrides if each != targets)
    with initialize_config_dir(version_base="1.3", config_dir=str(ROOT / "conf")):
        config = compose("evaluate", overrides=[*asked, *overrides])
    folder.mkdir(parents=True)
    cli.evaluate(config, str(folder))
    return read_result(folder)


@pytest.mark.parametrize("prompt", ["en", "target"])
def test_a_real_server_s_log_probabilities_become_probabilities(
    prompt: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENTIMENT_CACHE_DIR", str(tmp_path / "cache"))
    result = evaluated(url, tmp_path / "run", f"llm.prompt={prompt}")
    assert result["llm"]["probabilities"] == "logprobs" and result["device"]["kind"] == "server"
    for name, answers in result["llm"]["answers"].items():
        assert answers["prompt_tokens"] > 8 * 30 and 0 <= answers["label_mass"] <= 1  # type: ignore[operator]
        found = read_predictions(tmp_path / "run", name).probabilities["last"]
        assert found.shape == (8, 2)
    found = read_predictions(tmp_path / "run", "written_en").probabilities["last"]
    assert len({round(float(value), 3) for value in found[:, 1]}) > 3  # shares, and not labels


def test_samples_are_answered_by_it(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTIMENT_CACHE_DIR", str(tmp_path / "cache"))
    samples = ("llm.probabilities=samples", "llm.samples=2", "targets=written_en")
    result = evaluated(url, tmp_path / "run", *samples)
    answers = result["llm"]["answers"]["written_en"]
    assert result["llm"]["samples"] == 2 and answers["unparsable"] <= 8
    assert answers["completion_tokens"] >= 16
