"""What cannot be pushed is refused at a small hub served here; an upload itself was not tried.

In a process of its own, since the hub's address is read when its client is imported.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]

PROGRAM = """
    import json, os, sys, time
    from pathlib import Path

    tests, root, home, run = map(Path, sys.argv[1:])
    sys.path.insert(0, str(tests))
    from push_hub import TOKEN, PushHub

    time.sleep = lambda seconds: None  # the hub's client waits between its retries
    with PushHub(root) as hub:
        os.environ |= hub.environment(home)
        from hydra import compose, initialize_config_dir

        from sentiment_transfer import config
        from sentiment_transfer.errors import UserError
        from sentiment_transfer.export.command import export

        config.register()
        said = {}

        def attempt(name, *overrides, token=TOKEN, fault=None, on="*"):
            os.environ["HF_TOKEN"] = token
            hub.fault, hub.fault_on = fault, on
            output = home / name
            with initialize_config_dir(version_base="1.3", config_dir=str(tests.parent / "conf")):
                settings = compose("export", overrides=[f"checkpoint={run}", f"output={output}", *overrides])
            try:
                export(settings)
                said[name] = "done"
            except UserError as error:
                said[name] = str(error)
            said[name + " wrote"] = output.exists()

        attempt("nobody", "push=me/model", token="")
        attempt("stranger", "push=me/model", token="hf_other")
        attempt("misnamed", "push=not/a/name")
        attempt("nameless", "push=model")
    print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hub")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def said(nano_run: Path, hub: Path, home: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), str(TESTS), str(hub), str(home), str(nano_run)],
        env=os.environ | {"HF_HUB_OFFLINE": "0"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answers


@pytest.mark.parametrize(
    ("attempt", "sentence"),
    [
        ("nobody", "needs a login: type hf auth login"),
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
