"""What is left out at the start is there when it is asked for."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sentiment_transfer.startup import let_threads_wait_briefly

IMPORTS = "from sentiment_transfer.startup import import_lightning, import_transformers; import sys;"


def said(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", IMPORTS + program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_parts_of_scipy_that_are_never_called_are_not_imported() -> None:
    program = (
        "import_transformers(); import_lightning(); print({'scipy.signal', 'scipy.optimize'} & sys.modules.keys())"
    )
    assert said(program) == "set()"


def test_they_are_themselves_when_they_are_imported_later() -> None:
    program = """
import_transformers(); import_lightning()
import scipy.signal, scipy.optimize
from transformers.loss import loss_for_object_detection as loss
rows, columns = loss.linear_sum_assignment([[4, 1], [2, 3]])
print(scipy.signal.windows.hamming(3).round(2).tolist(), rows.tolist(), columns.tolist(), scipy.optimize.__file__ != '')
"""
    assert said(program) == "[0.08, 1.0, 0.08] [0, 1] [1, 0] True"


def test_a_module_that_is_imported_already_stays_as_it_is() -> None:
    assert said("import scipy.signal; import_lightning(); print(scipy.signal is sys.modules['scipy.signal'])") == "True"


@pytest.mark.parametrize("name", ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT"])
def test_how_threads_wait_is_the_users_to_say(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(name, "own")
    let_threads_wait_briefly()
    assert (os.environ.get("OMP_WAIT_POLICY"), os.environ.get("GOMP_SPINCOUNT")) in [("own", None), (None, "own")]
