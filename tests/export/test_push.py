"""Uploads to a small hub served here; what they do on the real one was never tried.

In a process of its own, since the hub's address is read when its client is imported.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.programs import said_by

PROGRAM = """
    import json, os, sys, time
    from pathlib import Path

    checkout, root, home, run = map(Path, sys.argv[1:])
    sys.path.insert(0, str(checkout))
    from tests.helpers.push_hub import TOKEN, PushHub

    time.sleep = lambda seconds: None  # the hub's client waits between its retries
    with PushHub(root) as hub:
        os.environ |= hub.environment(home)
        from hydra import compose, initialize_config_dir

        from sentiment_transfer.config.checks import validate
        from sentiment_transfer.config.registration import register
        from sentiment_transfer.config.program_options import ExportConfig
        from sentiment_transfer.errors import UserError
        from sentiment_transfer.export.command import export
        from sentiment_transfer.checkpoints.opening import open_model

        register()
        said = {}

        def attempt(name, *overrides, token=TOKEN, fault=None, on="*"):
            os.environ["HF_TOKEN"] = token
            hub.fault, hub.fault_on = fault, on
            output = home / name
            with initialize_config_dir(version_base="1.3", config_dir=str(checkout / "conf")):
                settings = compose("export", overrides=[f"checkpoint={run}", f"output={output}", *overrides])
            try:
                export(validate(settings, ExportConfig))
                said[name] = "done"
            except UserError as error:
                said[name] = str(error)
            said[name + " wrote"] = output.exists()

        attempt("nobody", "push=me/model", token="")
        attempt("stranger", "push=me/model", token="hf_other")
        attempt("misnamed", "push=not/a/name")
        attempt("nameless", "push=model")
        attempt("refused", "push=me/model", fault="500", on="*commit*")
        attempt("again", "push=me/model")
        attempt("first", "push=me/first")
        attempt("first", "push=me/first", "overwrite=true", "selection=last")
        model = open_model("me/first")
        said["opened"] = [model.origin.kind, list(model.classes), model.max_length]
    print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hub")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def said(tiny_run: Path, hub: Path, home: Path) -> dict[str, Any]:
    return said_by(PROGRAM, hub, home, tiny_run, timeout=120)


@pytest.mark.parametrize(
    ("attempt", "sentence"),
    [
        ("nobody", "needs a login: type `hf auth login`"),
        ("stranger", "the hub refuses or cannot be reached"),
        ("misnamed", "is no name of a repository: give user/name"),
        ("nameless", "is no name of a repository: give user/name"),
    ],
)
def test_what_cannot_be_pushed_is_said_before_anything_is_computed(
    said: dict[str, Any], attempt: str, sentence: str
) -> None:
    assert sentence in said[attempt]
    assert not said[f"{attempt} wrote"]


def test_a_failed_upload_leaves_the_export_and_says_how_to_upload_it(said: dict[str, Any]) -> None:
    assert "The upload to me/model failed (the hub answered 500" in said["refused"]
    assert "upload it with: hf upload me/model " in said["refused"]
    assert said["refused wrote"]


def test_a_repository_that_exists_is_not_overwritten_unasked(said: dict[str, Any]) -> None:
    assert "push=me/model exists: type overwrite=true" in said["again"]
    assert not said["again wrote"]


def test_the_hub_holds_what_was_exported(said: dict[str, Any], hub: Path, home: Path) -> None:
    assert said["first"] == "done"
    remote, local = hub / "models" / "me" / "first", home / "first"
    files = {str(path.relative_to(local)) for path in local.rglob("*") if path.is_file()}
    assert {"README.md", "config.json", "model.safetensors", "tokenizer.json"} <= files
    assert files == {str(path.relative_to(remote)) for path in remote.rglob("*") if path.is_file()}
    assert all((remote / file).read_bytes() == (local / file).read_bytes() for file in files)
    assert 'pipeline("text-classification", "me/first")' in (remote / "README.md").read_text()
    assert json.loads((hub / "visibility.json").read_text()) == {"me/first": True}


def test_what_was_pushed_is_opened_by_its_name(said: dict[str, Any]) -> None:
    assert said["opened"] == ["hub", ["negative", "positive"], 64]
