"""``sync``: upload the W&B runs that were logged offline."""

from __future__ import annotations

import sys

from sentiment_transfer.files.arguments import refuse_unreadable_names
from sentiment_transfer.tracking.sync import main


def run() -> None:
    refuse_unreadable_names()
    sys.exit(main(sys.argv[1:]))
