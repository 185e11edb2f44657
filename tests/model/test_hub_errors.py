"""Hub failures in sentences: made up, and as a hub on 127.0.0.1 gives them to a fresh process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from tests.helpers.learnt import learnt_tokenizer
from tests.helpers.runs import ROOT
from tests.helpers.tiny import VOCABULARY, tiny_folder

from sentiment_transfer.checkpoints.opening import open_model
from sentiment_transfer.data.reviews import BINARY
from sentiment_transfer.errors import UserError
from sentiment_transfer.export.command import refuse_no_run
from sentiment_transfer.model.hub import sentences_for_hub_errors
from sentiment_transfer.model.network import load_network
from sentiment_transfer.model.tokenizer import load_tokenizer

INSTEAD = "model=local model.encoder=/path/to/folder"
NOT_THERE = "the hub has no such repository, revision or file"
NO_NETWORK = "it is not in the local Hugging Face cache and the hub cannot be reached"


def said(error: Exception, cause: Exception | None = None, name: str = "owner/name") -> str:
    with pytest.raises(UserError) as raised, sentences_for_hub_errors("model", name, INSTEAD):
        raise error from cause
    return str(raised.value)


def named(kind: str, text: str = "", status: int | None = None) -> Exception:
    """An exception of a class called ``kind``, as one of the libraries would raise it."""
    error = type(kind, (Exception,), {})(text)
    if status is not None:
        error.response = SimpleNamespace(status_code=status)  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (named("RepositoryNotFoundError", status=404), NOT_THERE),
        (named("RevisionNotFoundError"), NOT_THERE),
        (named("RemoteEntryNotFoundError"), NOT_THERE),
        (named("HfHubHTTPError", "Server error '503'", 503), "the hub answered 503, a server error"),
        (named("LocalEntryNotFoundError", "cannot find the requested files in the local cache"), NO_NETWORK),
        (named("ConnectError", "[Errno 111] Connection refused"), NO_NETWORK),
        (named("ReadTimeout"), NO_NETWORK),
        (named("OfflineModeIsEnabled"), NO_NETWORK),
        (named("RemoteProtocolError", "peer closed connection"), "the download broke off"),
        (OSError("Consistency check failed: file should be of size 10"), "the download broke off"),
        (named("SafetensorError", "header too large"), "its weights file is damaged or was cut short"),
        (
            OSError("owner/name does not appear to have a file named model.safetensors or model.safetensors.index"),
            "it has no safetensors weights, and pickled ones are never loaded; try model.revision=refs/pr/1",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_the_cause_of_an_error_is_what_is_said(cause: Exception, reason: str) -> None:
    for sentence in (said(cause), said(OSError("We couldn't connect to the hub"), cause)):
        assert sentence.startswith(f"The model owner/name cannot be loaded: {reason}")
        assert sentence.endswith(f". To use a copy on disk, type {INSTEAD}.")


def test_a_server_error_behind_a_missing_cache_entry_is_the_servers() -> None:
    unreachable = named("LocalEntryNotFoundError")
    unreachable.__cause__ = named("HfHubHTTPError", status=500)
    assert "the hub answered 500" in said(OSError("We couldn't connect"), unreachable)


def test_a_number_in_a_message_is_no_status_of_the_hub() -> None:
    sentence = said(ValueError("max_position_embeddings=514 and 404 rows\nand more"))
    assert sentence == (
        f"The model owner/name cannot be loaded: max_position_embeddings=514 and 404 rows. To use a copy on disk, "
        f"type {INSTEAD}."
    )


def test_a_folder_is_not_looked_for_on_the_hub(tmp_path: Path) -> None:
    assert said(OSError("x"), name="/no/folder") == "The model folder /no/folder does not exist."
    assert said(OSError("x"), name="~/no-folder-of-mine") == "The model folder ~/no-folder-of-mine does not exist."
    assert (
        said(OSError("first\nsecond"), name=str(tmp_path))
        == f"The model in the folder {tmp_path} cannot be read: first"
    )


def test_an_error_without_words_is_named_by_its_kind() -> None:
    assert "cannot be loaded: ValueError." in said(ValueError())


def test_a_sentence_is_passed_on_and_a_wish_to_stop_too() -> None:
    assert said(UserError("As it is.")) == "As it is."
    with pytest.raises(KeyboardInterrupt), sentences_for_hub_errors("model", "owner/name", INSTEAD):
        raise KeyboardInterrupt


def test_without_a_network_the_network_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # between the client's retries
    with pytest.raises(UserError, match=f"The model owner/name cannot be loaded: {NO_NETWORK}; check the network"):
        load_network("owner/name", classes=BINARY, vocabulary=0, seed=0)
    with pytest.raises(UserError, match=rf"The tokenizer owner/name .* {NO_NETWORK}.*model\.tokenizer=/path"):
        load_tokenizer("owner/name")


HUB = """
    import json, os, shutil, sys, time
    from pathlib import Path

    sys.path.insert(0, sys.argv[1])
    root, home = Path(sys.argv[2]), Path(sys.argv[3])
    from tests.helpers.hub_server import TinyHub

    time.sleep = lambda seconds: None  # the hub's client waits up to 23 s between its retries
    said = {}
    with TinyHub(root) as hub:
        os.environ |= hub.environment(home)
        from sentiment_transfer.errors import UserError
        from sentiment_transfer.model.network import load_network
        from sentiment_transfer.model.tokenizer import load_tokenizer

        def model(name="owner/tiny"):
            network = load_network(name, classes=("negative", "positive"), vocabulary=0, seed=0)
            return sum(p.double().sum().item() for p in network.parameters())

        def tokenizer(name="owner/tiny"):
            return load_tokenizer(name)("good food")["input_ids"]

        def attempt(name, act, fault=None, files="*"):
            hub.fault, hub.fault_on = fault, files
            shutil.rmtree(home, ignore_errors=True)
            try:
                said[name] = act()
            except UserError as error:
                said[name] = str(error)

        attempt("model 404", model, "404")
        attempt("model 500", model, "500")
        attempt("model half", model, "half", "*.safetensors")
        attempt("tokenizer 404", tokenizer, "404")
        attempt("tokenizer 500", tokenizer, "500")
        attempt("tokenizer half", tokenizer, "half", "tokenizer.json")
        attempt("absent", lambda: model("owner/absent"))
        attempt("pickled", lambda: model("owner/pickled"))
        attempt("tokenizer", tokenizer)
        attempt("model", model)
        asked = len(hub.requests)
        model()
        said["downloaded again"] = sum("safetensors" in line and line[:3] == "GET" for line in hub.requests[asked:])
        said["code or pickles"] = [line for line in hub.requests if line.endswith((".py", ".bin"))]
        said["conversions"] = [line for line in hub.requests if "commits" in line or "discussions" in line]
    print(json.dumps(said))
"""


def test_a_hub_gives_a_whole_model_or_a_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "root" / "models" / "owner" / "tiny"
    config = str(tiny_folder(tmp_path / "config"))
    network = load_network(config, classes=BINARY, vocabulary=VOCABULARY, seed=0, random_weights=True)
    network.save_pretrained(folder)
    learnt_tokenizer().save_pretrained(folder)
    pickled = folder.with_name("pickled")
    pickled.mkdir()
    shutil.copy(folder / "config.json", pickled)
    torch.save(network.state_dict(), pickled / "pytorch_model.bin")
    arguments = [str(Path(__file__).parents[2]), str(tmp_path / "root"), str(tmp_path / "home")]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(HUB), *arguments],
        env=os.environ | {"NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    for what in ("model", "tokenizer"):
        assert NOT_THERE in answers[f"{what} 404"]
        assert "the hub answered 500" in answers[f"{what} 500"]
        assert "the download broke off" in answers[f"{what} half"]
    assert NOT_THERE in answers["absent"] and "owner/absent" in answers["absent"]
    assert "it has no safetensors weights, and pickled ones are never loaded" in answers["pickled"]
    assert answers["tokenizer"] == learnt_tokenizer()("good food")["input_ids"]
    assert answers["model"] == pytest.approx(sum(p.double().sum().item() for p in network.parameters()))
    assert answers["downloaded again"] == 0
    assert answers["code or pickles"] == answers["conversions"] == []


@pytest.mark.parametrize("name", ["./gone", "../gone", "~/gone-of-mine", "a/b/c", r"runs\gone", "gone/", "last.CKPT"])
def test_nobody_is_asked_for_a_path(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    asked: list[object] = []
    monkeypatch.setattr("socket.getaddrinfo", lambda *address, **_: asked.append(address))
    monkeypatch.setattr("sentiment_transfer.files.hub_client.limit_the_hub", lambda: asked.append(name))
    for answer in (
        lambda: load_tokenizer(name),
        lambda: load_network(name, classes=BINARY, vocabulary=VOCABULARY, seed=0),
        lambda: open_model(name),
        lambda: refuse_no_run(name, Path(name).expanduser()),
    ):
        with pytest.raises(UserError, match="does not exist"):
            answer()
    assert asked == []


def test_a_hub_hears_of_no_path_that_a_program_is_given(tmp_path: Path) -> None:
    from tests.helpers.hub_server import TinyHub

    (tmp_path / "texts.csv").write_text("text\ngood\n", encoding="utf-8")
    with TinyHub(tmp_path) as hub:
        ended = subprocess.run(
            [sys.executable, ROOT / "predict.py", "checkpoint=last.CKPT", "input=texts.csv", "output=out.csv"],
            cwd=tmp_path,
            env=os.environ | hub.environment(tmp_path / "home"),
            capture_output=True,
            text=True,
        )
        assert hub.requests == []
    assert ended.returncode == 1 and ended.stderr.startswith("error: last.CKPT does not exist.")
