"""``report``: finished runs side by side. ``report.py`` at the root shows how."""

from __future__ import annotations

import sys

from sentiment_transfer.files.arguments import refuse_unreadable_names
from sentiment_transfer.files.output import outlast_output, output_was_lost
from sentiment_transfer.report.command import main


def run() -> None:
    outlast_output()
    refuse_unreadable_names()
    code = main()
    sys.exit(code or output_was_lost())
