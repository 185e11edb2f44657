"""Standard output that is closed, full or ASCII: a sentence at most, and the program goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.helpers.runs import ROOT

PROGRAM = """
import sys
from sentiment_transfer.files.output import outlast_output, output_was_lost
outlast_output()
for _ in range(20_000):
    print("four words and", chr(0x661F))
print("finished", file=sys.stderr)
sys.exit(output_was_lost())
"""


def printed(redirection: str, **environment: str) -> tuple[int, str, str]:
    """Exit code, output and errors of PROGRAM, run by a shell; the exit code is the program's own."""
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -c '{PROGRAM}' {redirection}"],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "PYTHONIOENCODING": "utf-8"} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_reader_that_has_seen_enough_ends_nothing() -> None:
    assert printed("| head -1") == (0, "four words and 星\n", "finished\n")


@pytest.mark.parametrize("redirection", [">&-", ">&- <&-"])
def test_an_output_that_was_closed_from_the_start_ends_nothing(redirection: str) -> None:
    assert printed(redirection) == (0, "", "finished\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_output_is_said_once_at_the_end() -> None:
    code, _, errors = printed("> /dev/full")
    assert code == 1
    lost = "Standard output could not be written (No space left on device): what was printed is incomplete.\n"
    assert errors == "finished\n" + lost
    assert printed("> /dev/full 2>&1")[0] == 1


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_characters_that_cannot_be_shown_are_escaped(environment: dict[str, str]) -> None:
    code, output, errors = printed("| tail -1", **environment)
    assert (code, output, errors) == (0, "four words and \\u661f\n", "finished\n")
