"""Keys of the metrics that a run logs, on which dashboards are built, and where W&B keeps its login.

Imports neither Lightning nor wandb: the report reads these as well.
"""

from __future__ import annotations

import netrc
import os
from pathlib import Path
from urllib.parse import urlparse

LEARNING = {"loss": "dev/{dataset}/loss", "accuracy": "dev/{dataset}/accuracy"}
STEP = "trainer/global_step"
PARAMETERS, SECONDS = "parameters", "seconds"


def score_key(dataset: str, selection: str, metric: str) -> str:
    """The summary key of a test score: ``score/smsa_id/last/macro_f1``."""
    return f"score/{dataset}/{selection}/{metric}"


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
