"""A hub that hangs, floods or lies: a sentence within seconds, and not one file outside the cache."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.tiny import random, tiny_folder

ROOT = Path(__file__).parents[2]
# Every case: the harm, the requests that it is done to, and a part of the sentence.
CASES: dict[str, tuple[str, str, str]] = {
    "retry-after of an hour": ("wait", "", "answers 429 and asks to wait 3,600 seconds"),
    "unavailable for an hour": ("unavailable", "", "answers 503 and asks to wait 3,600 seconds"),
    "no answer": ("hang", "", "has not answered for 1 seconds"),  # of a first answer, asked for once
    "no answer for a file": ("hang", "config.json", "has not answered for 2 seconds"),
    "headers that never end": ("dribble_headers", "safetensors$", "has not answered for 2 seconds"),
    "a body that never ends": ("dribble", "safetensors$", "bytes in 1 seconds; try again later"),
    "a body without end": ("endless", "config.json", "without announcing any"),
    "a gzip bomb": ("bomb", "config.json", "compressed with gzip, which was not asked for"),
    "a gzip bomb of the API": ("bomb", "/api/", "loaded"),  # the files alone are needed
    "a tag that leads out": ("tag", "config.json", "as the tag of a file, which would lead out of the cache"),
    "a linked tag that leads out": ("linked_tag", "config.json", "as the tag of a file, which would lead out"),
    "a commit that leads out": ("commit", "config.json", "as a commit, which is none"),
    "a commit of an absent file that leads out": ("absent", "adapter_config.json", "as a commit, which is none"),
    "a commit of the API that leads out": ("sha", "/api/", "as a commit, which is none"),
}
PROGRAM = """
    import json, os, shutil, sys, time
    from pathlib import Path

    sys.path.insert(0, sys.argv[1])
    from tests.helpers.hostile_hub import HostileHub

    root, home, cases = Path(sys.argv[2]), Path(sys.argv[3]), json.loads(sys.argv[4])
    sleep = time.sleep
    time.sleep = lambda seconds: sleep(min(seconds, 0.2))  # between the client's retries
    said = {}
    with HostileHub(root) as hub:
        os.environ |= hub.environment(home)
        del os.environ["HF_HUB_DISABLE_XET"]
        import huggingface_hub
        from sentiment_transfer.errors import UserError
        from sentiment_transfer.files import hub_client
        from sentiment_transfer.model.network import load_network

        hub_client.ANSWER, hub_client.UNANNOUNCED = 1.0, 2**24
        for name, (harm, harm_on, _) in cases.items():
            hub.harm, hub.harm_on, hub.patience = harm, harm_on, 4.0
            shutil.rmtree(home, ignore_errors=True)
            huggingface_hub.close_session()
            started = time.monotonic()
            try:
                load_network("owner/tiny", classes=("negative", "positive"), vocabulary=0, seed=0)
                sentence = "loaded"
            except UserError as error:
                sentence = str(error)
            said[name] = [sentence, time.monotonic() - started]
        hub.harm = None
        huggingface_hub.close_session()
        load_network("owner/tiny", classes=("negative", "positive"), vocabulary=0, seed=0)
        hub.harm, hub.harm_on = "hang", ""
        huggingface_hub.close_session()
        started = time.monotonic()
        load_network("owner/tiny", classes=("negative", "positive"), vocabulary=0, seed=0)
        from huggingface_hub.utils._runtime import is_xet_available
        said["xet"] = is_xet_available()
        said["from the cache, as the hub hangs"] = ["loaded", time.monotonic() - started]
    print(json.dumps(said))
    sys.stdout.flush()
    os._exit(0)  # not waiting for answers that never come
"""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    folder = tmp_path_factory.mktemp("hub")
    random(tiny_folder(folder / "config")).save_pretrained(folder / "root" / "models" / "owner" / "tiny")
    home = folder.joinpath(*"abcdefgh", "home")  # deep, so that what leads out of it is still in the folder
    arguments = [str(ROOT), str(folder / "root"), str(home), json.dumps(CASES)]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), *arguments],
        env=os.environ | {"NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), folder


@pytest.mark.parametrize("case", CASES)
def test_a_hostile_hub_gives_a_sentence_soon(case: str, outcome: tuple[dict[str, Any], Path]) -> None:
    sentence, seconds = outcome[0][case]
    assert CASES[case][2] in sentence
    assert sentence.startswith("The model owner/tiny cannot be loaded: ") or sentence == "loaded"
    assert seconds < 10


def test_what_is_in_the_cache_is_read_though_the_hub_hangs(outcome: tuple[dict[str, Any], Path]) -> None:
    sentence, seconds = outcome[0]["from the cache, as the hub hangs"]
    assert sentence == "loaded" and seconds < 10


def test_a_mirror_cannot_send_xets_client_to_another_server(outcome: tuple[dict[str, Any], Path]) -> None:
    assert outcome[0]["xet"] is False


def test_nothing_is_written_outside_the_cache(outcome: tuple[dict[str, Any], Path]) -> None:
    folder = outcome[1]
    home = folder.joinpath(*"abcdefgh", "home")
    outside = [path for path in folder.rglob("*") if path.is_file() and not path.is_relative_to(home)]
    assert {path.relative_to(folder).parts[0] for path in outside} == {"root", "config"}
    assert not [path for path in folder.rglob("*escaped*")]
