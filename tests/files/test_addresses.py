"""Credentials in addresses reach the server, and nothing that is shown or stored."""

from __future__ import annotations

import gc
import hashlib
import json
import logging
import os
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import pytest
from tests.helpers.example_result import example_result
from tests.helpers.file_server import serving

from sentiment_transfer.data.download import mirrored, published_file
from sentiment_transfer.errors import UserError, without_credentials
from sentiment_transfer.files.logs import Record, hide_credentials
from sentiment_transfer.report.analysis.collect import command_of
from sentiment_transfer.results.record import read_result, write_result

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:hunter2@host/a.csv", "https://***@host/a.csv"),
        ("HTTPS://hunter2@host:8080", "HTTPS://***@host:8080"),
        ("http://user:p@hunter2@host/", "http://***@host/"),
        ("at https://host/a?token=hunter2&x=1#key=hunter2.", "at https://host/a?token=***&x=***#key=***."),
        ("exceeded with url: /a?token=hunter2 (Caused by", "exceeded with url: /a?token=*** (Caused by"),
        ("'socks5://u:hunter2@[::1]:1080'", "'socks5://***@[::1]:1080'"),
        ("hydra.job.env_set.HF_ENDPOINT=https://u:hunter2@h", "hydra.job.env_set.HF_ENDPOINT=https://***@h"),
        ("Authorization: Bearer hunter2", "Authorization: Bearer ***"),
        ("HF_TOKEN=hf_abcdhunter2hunter2hunter2", "HF_TOKEN=hf_abcd***"),
        # What is none is left alone.
        ("mail me@host.org, see https://host/a/b@c/d", "mail me@host.org, see https://host/a/b@c/d"),
        ("hf://datasets/owner/name@0123abc/file", "hf://datasets/owner/name@0123abc/file"),
        ("batch_size=32 is invalid. Is it model.layers=3?", "batch_size=32 is invalid. Is it model.layers=3?"),
    ],
)  # fmt: skip
def test_credentials_are_left_out(text: str, shown: str) -> None:
    assert without_credentials(text) == shown
    assert str(UserError(text)) == shown


def test_every_log_line_is_without_them(caplog: pytest.LogCaptureFixture) -> None:
    earlier = logging.getLogRecordFactory()
    try:
        hide_credentials()
        assert logging.getLogRecordFactory() is Record
        logging.getLogger("httpx").warning("HTTP Request: %s %s", "GET", f"https://user:{SECRET}@host/a?token={SECRET}")
    finally:
        logging.setLogRecordFactory(earlier)
    assert "GET https://***@host/a?token=***" in caplog.text and SECRET not in caplog.text


# pooch 1.9.0 leaves the response of a failed download to the garbage collector, which may come at any moment.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_mirrors_login_and_token_are_sent_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    caplog.set_level(logging.DEBUG, "sentiment_transfer")
    content = b"text,label\n"
    places = {"local": tmp_path / "local", "downloads": tmp_path / "downloads", "licence": "MIT"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()  # what earlier tests of this process left
    with serving(content) as web:
        mirror = web.url.replace("http://", f"http://user:{SECRET}@") + f"/all/?token={SECRET}"
        monkeypatch.setenv("SENTIMENT_DOWNLOAD_MIRROR", mirror)
        digest = hashlib.sha256(content).hexdigest()
        published_file("a.csv", digest, "https://host/x/a.csv", **places)
        assert web.asked == [f"/all/host/x/a.csv?token={SECRET}"]
        for name in ("404", "half"):
            with pytest.raises(UserError, match=r"http://\*\*\*@127\.0\.0\.1") as caught:
                published_file(name, digest, f"https://host/x/{name}", **places)
            assert SECRET not in str(caught.value)
        del caught
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
    assert "Downloading" in caplog.text
    assert SECRET not in "".join(record.getMessage() for record in caplog.records if record.name != "urllib3")
    assert not [path for path in tmp_path.rglob("*") if SECRET in path.name]


@pytest.mark.parametrize(
    "mirror", ["http://user:hunter2/x@host", "hunter2", "ftp://host/", "http://", "http://[hunter2"]
)
def test_a_mirror_that_is_no_address_is_refused_unseen(mirror: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTIMENT_DOWNLOAD_MIRROR", mirror)
    with pytest.raises(UserError, match="SENTIMENT_DOWNLOAD_MIRROR is no address") as caught:
        mirrored("https://host/a.csv")
    assert SECRET not in str(caught.value)


def test_a_record_that_has_them_is_read_without_them(tmp_path: Path) -> None:
    result = example_result()
    result["command"] = [f"hydra.job.env_set.HF_ENDPOINT=https://user:{SECRET}@host"]
    result["unavailable"] = {"smsa_id": f"https://{SECRET}@host/a answered 404."}
    write_result(tmp_path, result)
    assert SECRET not in json.dumps(read_result(tmp_path))
    assert SECRET not in command_of(result["command"])


HUB = """
    import logging, os, sys
    from pathlib import Path

    sys.path.insert(0, sys.argv[1])
    from tests.helpers.hub_server import TinyHub

    with TinyHub(Path(sys.argv[2])) as hub:
        os.environ |= hub.environment(Path(sys.argv[3]))
        os.environ["HF_ENDPOINT"] = hub.url.replace("http://", "http://user:hunter2@")
        from sentiment_transfer.errors import UserError
        from sentiment_transfer.files.logs import hide_credentials
        from sentiment_transfer.model.network import load_network

        logging.basicConfig(level=logging.DEBUG)
        hide_credentials()
        for fault in ("404", "half", None):
            hub.fault = fault
            try:
                load_network("owner/tiny", classes=("negative", "positive"), vocabulary=0, seed=0)
            except UserError as error:
                print("error:", error)
"""


def test_a_hubs_login_is_not_shown(tmp_path: Path) -> None:
    model = tmp_path / "root" / "models" / "owner" / "tiny"
    model.mkdir(parents=True)
    (model / "config.json").write_text("{}")
    arguments = [str(Path(__file__).parents[2]), str(tmp_path / "root"), str(tmp_path / "home")]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(HUB), *arguments],
        env=os.environ | {"NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0 and done.stdout.count("error:") == 3, done.stderr
    assert "***@127.0.0.1" in done.stderr  # the client logs every address
    assert SECRET not in done.stdout + done.stderr
