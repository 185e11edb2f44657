"""evaluate.py checkpoint=llm: a language model is scored under the contract of a run, and stands beside encoders."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from tests.helpers.llm_stub import MODEL, Stub, review_of, served
from tests.helpers.runs import ROOT, SMALL, trained

from sentiment_transfer import cli
from sentiment_transfer.report.analysis.answer import answer
from sentiment_transfer.report.analysis.collect import collect
from sentiment_transfer.report.command import main as report
from sentiment_transfer.report.prose.cautions import cautions
from sentiment_transfer.report.prose.findings import findings
from sentiment_transfer.results.predictions import read_predictions
from sentiment_transfer.results.record import RunResult, read_result

pytest.importorskip("openai", reason="openai is not installed: pip install 'sentiment-transfer[llm]'")
TARGETS = ("targets=[written_ja,written_id]", "targets.written_ja.limit=100", "targets.written_id.limit=100")
SECRET = "sk-very-secret-0123456789"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("SENTIMENT_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def stub() -> Iterator[Stub]:
    with served() as each:
        yield each


def evaluate(stub: Stub, folder: Path, *overrides: str, targets: Sequence[str] = TARGETS) -> None:
    """``python evaluate.py checkpoint=llm ...`` in ``folder``."""
    given = {each.partition("=")[0] for each in overrides}
    asked = ["checkpoint=llm", f"llm.base_url={stub.url}", f"llm.model={MODEL}", *targets]
    with initialize_config_dir(version_base="1.3", config_dir=str(ROOT / "conf")):
        config = compose("evaluate", overrides=[*(a for a in asked if a.partition("=")[0] not in given), *overrides])
    folder.mkdir(parents=True, exist_ok=True)
    cli.evaluate(config, str(folder))


def evaluated(stub: Stub, folder: Path, *overrides: str, targets: Sequence[str] = TARGETS) -> RunResult:
    evaluate(stub, folder, *overrides, targets=targets)
    return read_result(folder)


def refused(
    stub: Stub,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    *overrides: str,
    targets: Sequence[str] = TARGETS,
) -> str:
    with pytest.raises(SystemExit) as caught:
        evaluate(stub, folder, *overrides, targets=targets)
    assert caught.value.code == 1
    printed = capsys.readouterr().err
    assert "Traceback" not in printed
    return printed


def test_scores_are_those_of_the_answers(stub: Stub, tmp_path: Path) -> None:
    result = evaluated(stub, tmp_path / "run")
    for name, entry in result["scores"].items():
        found = read_predictions(tmp_path / "run", name)
        probabilities = found.probabilities["last"]
        assert entry["n"] == len(probabilities) == 100 and entry["protocol"] == "zero-shot"
        assert sorted(set(probabilities.max(1).round(4).tolist())) == [pytest.approx(0.75 / 0.95, abs=1e-3)]
        wrong = np.mean(probabilities.argmax(1) != found.gold)
        assert entry["selections"]["last"]["error"] == pytest.approx(wrong) and "ece" in entry["selections"]["last"]
        assert 0.2 < wrong < 0.8  # the stub answers by chance
    assert stub.seen.total() == 200 and set(stub.seen.values()) == {1}
    llm = result["llm"]
    assert (llm["probabilities"], llm["shots"], llm["examples"], llm["model"]) == ("logprobs", 0, [], MODEL)
    assert llm["answers"]["written_ja"]["label_mass"] == pytest.approx(0.95, abs=1e-3)
    assert llm["answers"]["written_ja"]["prompt_tokens"] > 1_000 and llm["answers"]["written_ja"]["cost"] is None
    assert result["source"] == {"names": ["prompted"], "rows": {"train": 0}}
    assert "training data unknown" in result["caveats"]


def test_each_review_gets_the_answer_that_was_given_to_it(tmp_path: Path) -> None:
    said = {}

    def answer_to(body: dict[str, Any]) -> str:
        return said.setdefault(review_of(body), "positive" if len(said) % 3 == 0 else "negative")

    with served(Stub(answer=answer_to, logprobs=False)) as stub:
        result = evaluated(stub, tmp_path / "run", "llm.concurrency=4")
    positive = sum(
        entry["selections"]["last"]["predicted_fraction"]["positive"] * entry["n"]
        for entry in result["scores"].values()
    )
    assert round(positive) == sum(word == "positive" for word in said.values())


def test_without_log_probabilities_there_is_no_calibration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with served(Stub(logprobs=False)) as stub:
        result = evaluated(stub, tmp_path / "run")
        assert "no probabilities, so no calibration error" in " ".join(capsys.readouterr().out.split())
        assert stub.seen.total() == 201  # one was asked with log-probabilities, to find out
    assert result["llm"]["probabilities"] == "labels"
    assert all("ece" not in entry["selections"]["last"] for entry in result["scores"].values())
    [cell, _] = answer(collect([tmp_path / "run"])).selected
    assert cell.calibration is None


def test_a_server_that_refuses_the_field_is_asked_without_it(tmp_path: Path) -> None:
    with served(Stub(reject="logprobs")) as stub:
        assert evaluated(stub, tmp_path / "run")["llm"]["probabilities"] == "labels"


def test_samples_are_asked_one_by_one_with_their_seeds(tmp_path: Path) -> None:
    def answer_to(body: dict[str, Any]) -> str:
        return "positive" if body["seed"] % 3 else "negative"

    with served(Stub(answer=answer_to)) as stub:
        result = evaluated(stub, tmp_path / "run", "llm.probabilities=samples", "llm.samples=3")
        assert stub.seen.total() == 600 and all(body["temperature"] == 1 for body in stub.bodies)
    assert result["llm"]["samples"] == 3
    found = read_predictions(tmp_path / "run", "written_ja").probabilities["last"]
    np.testing.assert_allclose(found[:, 1], 2 / 3, atol=1e-6)


def test_examples_come_from_the_source_and_a_seed_is_a_draw_of_them(stub: Stub, tmp_path: Path) -> None:
    shots = ("source=written_en", "llm.shots=2")
    first = evaluated(stub, tmp_path / "s0", *shots)
    again = evaluated(stub, tmp_path / "s1", *shots, "llm.seed=1")
    assert len(first["llm"]["examples"]) == 4 and first["llm"]["examples"] != again["llm"]["examples"]
    assert again["seed"] == 1 and first["llm"]["source"] == ["written_en"]
    assert len(stub.bodies[0]["messages"]) == 1 + 8 + 1
    assert stub.seen.total() == 400
    own = ("targets=written_en", "targets.written_en.limit=10")
    both = evaluated(stub, tmp_path / "own" / "s0", *shots, targets=own)
    assert len(both["llm"]["examples"]) == 4 and both["scores"]["written_en"]["role"] == "source"
    [entry] = answer(collect([tmp_path / "s0", tmp_path / "s1"])).entries
    assert entry.seeds == (0, 1) and entry.prompted and not entry.deterministic


def test_answers_are_kept_between_evaluations(stub: Stub, tmp_path: Path) -> None:
    one = evaluated(stub, tmp_path / "one")
    two = evaluated(stub, tmp_path / "two", "llm.concurrency=3")
    assert stub.seen.total() == 200 and one["scores"] == two["scores"]
    evaluated(stub, tmp_path / "three", "llm.prompt=target")
    assert stub.seen.total() == 400


def test_answers_that_name_no_class_are_errors_and_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer_to(body: dict[str, Any]) -> str | None:
        number = len(review_of(body)) % 4
        return (None, "I'd rather not say", "positive", "negative")[number]

    with served(Stub(answer=answer_to, logprobs=False)) as stub:
        result = evaluated(stub, tmp_path / "run")
    for name, each in result["llm"]["answers"].items():
        assert each["unparsable"] > 10 and each["refused"] == 0
        assert result["scores"][name]["selections"]["last"]["error"] > each["unparsable"] / 100 - 1e-9
    output = " ".join(capsys.readouterr().out.split())
    assert "answers named no class" in output and "they count as errors" in output
    found = answer(collect([tmp_path / "run"]))
    count = result["llm"]["answers"]["written_ja"]["unparsable"]
    said = f"On written_ja, stub-1 named no class in {count} of 100 answers, which count as errors."
    assert said in [text for text, _, _ in cautions(found)]


def test_it_runs_where_an_event_loop_does_as_in_a_notebook(stub: Stub, tmp_path: Path) -> None:
    async def cell() -> RunResult:
        return evaluated(stub, tmp_path / "run")

    assert asyncio.run(cell())["llm"]["probabilities"] == "logprobs"


def test_the_key_is_sent_and_stands_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    with served(Stub(key=SECRET)) as stub:
        evaluated(stub, tmp_path / "run")
        assert {headers.get("authorization") for headers in stub.headers} == {f"Bearer {SECRET}"}
    monkeypatch.setenv("OPENAI_API_KEY", SECRET + "x")
    with served(Stub(key=SECRET)) as stub:
        printed = refused(stub, tmp_path / "other", capsys)
    assert report([str(tmp_path / "run")]) == 0
    captured = capsys.readouterr()
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert SECRET.encode() not in written and SECRET not in printed + captured.out + captured.err
    assert "refuses the key" in printed


def test_texts_leave_the_machine_only_when_that_is_confirmed(
    stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    printed = refused(Stub(url="http://llm.example.org/v1"), tmp_path / "no", capsys)
    assert "llm.example.org" in printed and "written_ja: CC0-1.0" in printed and "llm.confirm=true" in printed
    assert not (tmp_path / "no").exists() or not list((tmp_path / "no").glob("*.json"))
    printed = refused(
        Stub(url="http://llm.example.invalid/v1"), tmp_path / "yes", capsys, "llm.confirm=true", "llm.retries=0"
    )
    assert "cannot be reached" in printed


def test_a_dry_run_estimates_and_sends_nothing(
    stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "prices.yaml").write_text(f"models: {{{MODEL}: {{input: 10, output: 20}}}}\n")
    monkeypatch.chdir(tmp_path)
    evaluate(stub, tmp_path / "run", "llm.dry_run=true")
    printed = capsys.readouterr().out
    assert "200 requests to send, about" in printed and "$0." in printed and stub.seen.total() == 0
    result = evaluated(stub, tmp_path / "run", "llm.max_cost=5")
    assert sum(each["cost"] or 0 for each in result["llm"]["answers"].values()) > 0.05
    assert "; $" in capsys.readouterr().out.replace("\n", " ")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("llm.max_requests=199", "200 requests would be sent, more than llm.max_requests=199"),
        ("llm.max_cost=1", "needs the price of stub-1: add it to conf/prices.yaml"),
        ("llm.model=other", "has no model other. It lists stub-1"),
    ],
)
def test_what_is_wrong_is_a_sentence_before_anything_is_asked(
    override: str, said: str, stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in refused(stub, tmp_path / "run", capsys, override)
    assert stub.seen.total() == 0


def test_targets_without_data_are_listed_or_refused(
    stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = ("targets=[smsa_id,written_ja]", "targets.written_ja.limit=10")
    assert "smsa_id" in evaluated(stub, tmp_path / "one", targets=one)["unavailable"]
    assert "no target is available" in refused(stub, tmp_path / "none", capsys, targets=("targets=smsa_id",))


def test_more_examples_than_there_are_and_log_probabilities_that_are_required(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(Stub(logprobs=False)) as stub:
        printed = refused(stub, tmp_path / "run", capsys, "source=written_en", "llm.shots=100000")
        assert "llm.shots=100000 is more than written_en has" in printed and "protocol" not in printed
        printed = refused(stub, tmp_path / "run", capsys, "llm.probabilities=logprobs")
        assert f"gives no log-probabilities for {MODEL}" in printed and "llm.probabilities=labels" in printed


def test_it_stands_beside_encoders_in_the_report(
    stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / "runs"
    for seed in range(3):
        trained(runs / f"tiny-{seed}", *SMALL, f"seed={seed}")
    evaluated(stub, runs / "llm")
    found = answer(collect([runs]))
    [verdict] = found.llms
    assert {each.target for each in verdict.comparisons} == {"written_ja", "written_id"}
    assert all(each.paired for each in verdict.comparisons)
    assert all(each.gain.scope == "seeds and examples" for each in verdict.comparisons)
    text = next(each for each in findings(found) if each.startswith("Against stub-1"))
    assert (
        "on Japanese written_ja and Indonesian written_id, scratch is " in text and "1,000 reviews take stub-1" in text
    )
    assert report([str(runs)]) == 0
    page = (runs / "report" / "report.html").read_text()
    assert "Against stub-1" in page and "prompted" in page
    assert "Against stub-1" in " ".join(capsys.readouterr().out.split())
    alone = answer(collect([runs / f"tiny-{seed}" for seed in range(3)]))
    assert alone.comparisons == found.comparisons and alone.trends == found.trends and alone.gaps == found.gaps


def test_the_record_is_valid_json_with_the_prompt(stub: Stub, tmp_path: Path) -> None:
    evaluated(stub, tmp_path / "run", "llm.prompt=target")
    record = json.loads((tmp_path / "run" / "result.json").read_text())
    assert record["llm"]["answers"]["written_ja"]["prompt"] == "ja"
    assert record["llm"]["answers"]["written_ja"]["words"] == ["否定的", "肯定的"]
    assert len(record["llm"]["answers"]["written_ja"]["prompt_digest"]) == 16
    assert set(record["config"]["prompts"]) == {"ja", "id"} and "concurrency" not in record["config"]["llm"]
