"""Keys of the metrics that a run logs, on which dashboards are built, and where W&B keeps its login.

Imports neither Lightning nor wandb: the report reads these as well.
"""

from __future__ import annotations

import netrc
import os
import shlex
import shutil
import sys
from pathlib import Path
from urllib.parse import urlparse

LEARNING = {"loss": "dev/{dataset}/loss", "accuracy": "dev/{dataset}/accuracy"}
STEP = "trainer/global_step"
STEP_METRICS = ("train/step_loss", "train/lr")  # the other curves have a point per epoch
PARAMETERS, SECONDS = "parameters", "seconds"


def score_key(dataset: str, selection: str, metric: str) -> str:
    """The summary key of a test score: ``smsa_id/macro_f1``, with other weights than the last epoch's
    ``smsa_id/macro_f1/source_dev``."""
    return f"{dataset}/{metric}" + ("" if selection == "last" else f"/{selection}")


def wandb_command() -> str:
    """W&B's program as it can be typed here: without an active environment its folder is not on PATH."""
    return "wandb" if shutil.which("wandb") else f"{shlex.quote(sys.executable)} -m wandb"


def logged_in() -> bool:
    """True if W&B has credentials: WANDB_API_KEY, an identity token or an entry in .netrc. The key is not read."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    for file in (os.environ.get("NETRC", ""), "~/.netrc", "~/_netrc"):
        path = Path(file).expanduser()
        try:
            if file and path.is_file() and netrc.netrc(path).authenticators(host):
                return True
        except (netrc.NetrcParseError, OSError):
            continue
    return False
