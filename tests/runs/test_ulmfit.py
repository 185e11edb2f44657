"""``model=ulmfit`` from the command line to the record, in small."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest
import torch
from tests.helpers.processes import Command
from tests.helpers.runs import composed, trained
from tests.helpers.stopping import Steps, differences, send, stopped

from sentiment_transfer.config.checks import validate
from sentiment_transfer.errors import UserError
from sentiment_transfer.results.record import read_result
from sentiment_transfer.runs.build import make_data
from sentiment_transfer.runs.language_stage import corpora
from sentiment_transfer.training.language_model import LanguageModelTraining

TINY = (
    "model=ulmfit",
    "source=written_en",
    "targets=none",
    "logger=none",
    "data.max_length=64",
    "model.embedding_size=24",
    "model.hidden_size=32",
    "trainer.precision=32-true",
)
# Three windows an epoch of the language model, five steps an epoch of the classifier.
RUN = (*TINY, "source.written_en.limit=96", "trainer.batch_size=20", "trainer.max_epochs=3", "model.start_epochs=2",
       "model.tune_epochs=1")  # fmt: skip
ELSEWHERE = ["config"]  # where two runs differ that have caches of their own


@pytest.fixture
def cache(tmp_path: Path) -> str:
    """A cache of the test's own, so that no other test's language model is found in it."""
    return f"paths.cache_dir={tmp_path}/cache"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ulmfit")
    trained(folder / "run", *RUN, f"paths.cache_dir={folder}/cache")
    return folder / "run"


class Windows:
    """Counts the steps of the language models, and calls ``then`` after number ``at`` (from 1)."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.names: list[str] = []
        self.at, self.then = 0, send(signal.SIGTERM)
        step = LanguageModelTraining._train

        def count(training: LanguageModelTraining, window: torch.Tensor) -> None:
            step(training, window)
            self.names.append(training.name.split()[0])
            if len(self.names) == self.at:
                self.then()

        patch.setattr(LanguageModelTraining, "_train", count)


def test_the_record_says_what_was_trained_here_and_on_what(whole: Path) -> None:
    result = read_result(whole)
    assert result["caveats"] == ["language model trained here"]
    model = result["model"]
    assert (model["name"], model["layers"], model["weights"]) == ("ulmfit", 3, "language model trained here")
    facts = model["language_model"]
    assert facts["corpora"] == [] and facts["tokens"] > 900
    assert [len(facts[stage]["perplexity"]) for stage in ("start", "tuned")] == [2, 1]
    assert all(facts[stage]["dev_perplexity"] > 1 for stage in ("start", "tuned"))
    assert result["scores"]["written_en"]["protocol"] == "supervised"
    assert set(result["selections"]) >= {"last", "source_dev"}
    assert result["performance"]["batching"] == "padded"
    assert "take no packed input" in result["performance"]["fallback_reason"]
    assert result["performance"]["seconds"]["language_model"] > 0
    assert (whole / "predictions" / "written_en.parquet").exists()
    assert not (whole / "checkpoints").exists()


@pytest.mark.parametrize("at", [1, 4, 7])
def test_a_run_stopped_in_its_language_model_goes_on_and_ends_the_same(
    tmp_path: Path, whole: Path, cache: str, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    windows = Windows(monkeypatch)
    windows.at = at
    assert "language model, epoch " in stopped(tmp_path / "run", *RUN, cache).saved
    trained(tmp_path / "run", *RUN, cache)
    assert windows.names == 6 * ["starting"] + 3 * ["tuned"]  # none twice
    assert differences(tmp_path / "run", whole, least=2) == ELSEWHERE


@pytest.mark.parametrize("part", [3, 5, 11])
def test_a_run_stopped_in_its_classifier_ends_the_same_and_trains_no_language_model_again(
    tmp_path: Path, whole: Path, cache: str, monkeypatch: pytest.MonkeyPatch, steps: Steps, part: int
) -> None:
    windows = Windows(monkeypatch)
    steps.at, steps.then = part, send(signal.SIGTERM)
    stopped(tmp_path / "run", *RUN, cache)
    trained(tmp_path / "run", *RUN, cache)
    assert len(windows.names) == 9 and len(steps.rows) == 15
    assert differences(tmp_path / "run", whole, least=2) == ELSEWHERE


def test_a_run_killed_at_every_stage_reaches_the_same_result(tmp_path: Path, whole: Path, cache: str) -> None:
    command = (*RUN, cache, "trainer.save_every_minutes=0.0001")
    for pattern in ["cache/language_models/*.state", "outputs/*/checkpoints/language-model.s*",
                    "outputs/*/checkpoints/last.ckpt", "outputs/*/predictions/*.parquet"]:  # fmt: skip
        there = lambda pattern=pattern: any(tmp_path.glob(pattern))  # noqa: E731
        assert Command(tmp_path, *command).until(there).stop(signal.SIGKILL) == -signal.SIGKILL
    last = Command(tmp_path, *command)
    assert last.wait() == 0, last.output
    [folder] = (tmp_path / "outputs").iterdir()
    assert differences(folder, whole, least=2) == ELSEWHERE


def test_seeds_share_the_starting_language_model_and_tune_their_own(
    tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = Windows(monkeypatch)
    shutil.copytree(whole.parent / "cache", tmp_path / "cache")
    other = trained(tmp_path / "run", *RUN, f"paths.cache_dir={tmp_path}/cache", "seed=1")
    assert windows.names == 3 * ["tuned"]
    assert len(list((tmp_path / "cache" / "language_models").glob("*.safetensors"))) == 1
    trained(tmp_path / "less", *RUN, f"paths.cache_dir={tmp_path}/cache", "source.written_en.limit=60")
    assert "starting" in windows.names  # other texts: another model
    assert other["performance"]["seconds"]["language_model"] > 0


def test_a_language_model_is_not_taken_from_where_others_can_write(tmp_path: Path, cache: str) -> None:
    models = tmp_path / "cache" / "language_models"
    models.mkdir(parents=True)
    models.chmod(0o777)
    with pytest.raises(UserError, match=f"can be written by other users.*chmod go-w {models}"):
        trained(tmp_path / "run", *RUN, cache)
    assert not list(models.iterdir())


def test_texts_that_the_run_is_scored_on_are_left_out_of_the_language_model(tmp_path: Path) -> None:
    def write(name: str, texts: list[str]) -> str:
        (tmp_path / name).write_text("text,label\n" + "".join(f"{t},{i % 2}\n" for i, t in enumerate(texts)))
        return f"{tmp_path}/{name}"

    own = [f"text number {row}" for row in range(40)]
    other = write("other.csv", ["Text number 3", *own[20:30], *(f"another {row}" for row in range(10))])
    config = composed(
        "model=ulmfit", "source=csv", "targets=none", f"source.csv.path={write('own.csv', own)}",
        "source.csv.language=en", "+dataset@model.corpora.other=csv", "model.corpora.other.language=en",
        f"model.corpora.other.path={other}", "model.corpora.other.test_fraction=0.0",
        "model.corpora.other.dev_fraction=0.0",
        f"paths.cache_dir={tmp_path}/cache",
    )  # fmt: skip
    validate(config)
    settings = validate(config)
    data = make_data(settings)
    data.read()
    [kept] = corpora(settings, data)
    scored = {t.lower() for s in [*data.dev_sets, *data.test_sets] for t in s.reviews.table["text"].to_pylist()}
    texts = {text.lower() for text in kept.table["text"].to_pylist()}
    assert texts.isdisjoint(scored)
    assert texts == {t.lower() for t in ["text number 3", *own[20:30], *(f"another {r}" for r in range(10))]} - scored
    assert 10 <= len(texts) < 21


def test_without_a_language_model_it_is_random_and_labelled_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    windows = Windows(monkeypatch)
    result = trained(tmp_path, *RUN, "model.weights=random", "trainer.max_epochs=1")
    assert windows.names == []
    assert result["caveats"] == ["random weights"]
    assert "language_model" not in result["model"]


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (("targets=smsa_id",), "model=ulmfit cannot be scored on smsa_id: it is fully supervised"),
        (("trainer.micro_batch_size=2",), "trainer.micro_batch_size=2 is invalid with model=ulmfit: its head"),
        (("trainer.micro_batch_size=4",), "Use a smaller trainer.batch_size."),
        (("model.lora_rank=4",), "model.lora_rank=4 is invalid with model=ulmfit"),
        (("model.freeze_embeddings=true",), "model.freeze_embeddings=true is invalid with model=ulmfit"),
        (("model.start_epochs=0",), "model.start_epochs=0 is invalid: it must be an integer >= 1."),
        (("model.tune_learning_rate=0",), "model.tune_learning_rate=0.0 is invalid: it must be a number > 0."),
        (("model.language_model_dropout=2",), "model.language_model_dropout=2.0 is invalid: it must be a number in"),
        (("+dataset@model.corpora.more=indolem_id",), "model.corpora.more.fold is not set"),
        (("+dataset@model.corpora.more=csv", "model.corpora.more.path=a", "model.corpora.more.language=en",
          "model.corpora.more.dev_fraction=7"), "model.corpora.more.dev_fraction=7.0 is invalid"),
    ],
)  # fmt: skip
def test_what_ulmfit_cannot_do_is_refused_before_anything_is_read(overrides: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(UserError) as refused:
        validate(composed(*TINY, *overrides))
    assert sentence in str(refused.value)


def test_its_encoder_is_refused_under_another_model() -> None:
    with pytest.raises(UserError, match="has its own options: type model=ulmfit"):
        validate(composed("model=scratch", "model.encoder=builtin:ulmfit", "targets=none"))


def test_a_run_that_needs_more_memory_than_there_is_names_a_smaller_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentiment_transfer.runs.memory.available_memory", lambda _: 1.7 * 2**30)
    large = ("trainer.batch_size=4096", "data.max_length=256", "source.written_en.limit=70")
    with pytest.raises(UserError, match=r"Type trainer\.batch_size=\d+\."):
        trained(tmp_path, *TINY, *large)


def test_a_small_run_learns(tmp_path: Path, cache: str) -> None:
    praise, blame = ("good", "great", "lovely", "superb"), ("bad", "awful", "dull", "broken")
    things = ("room", "food", "phone", "film", "staff", "bed", "view", "price")
    rows = [
        f"the {things[row % 8]} was {(praise, blame)[row % 2][row // 8 % 4]} and the {things[row % 7]} was there,"
        f"{('positive', 'negative')[row % 2]}\n"
        for row in range(3000)
    ]
    (tmp_path / "own.csv").write_text("text,label\n" + "".join(rows))
    result = trained(
        tmp_path / "run", *TINY, cache, "source=csv", f"source.csv.path={tmp_path}/own.csv",
        "source.csv.language=en", "source.csv.test_fraction=0.3", "trainer.batch_size=16", "model.dropout=0.1",
        "model.start_epochs=1", "model.tune_epochs=1", "trainer.max_epochs=6",
    )  # fmt: skip
    last = result["scores"]["csv"]["selections"]["last"]
    assert last["floor"]["error"] > 0.4
    assert last["error"] < 0.05
