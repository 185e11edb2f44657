"""Log lines without the credentials of addresses: HTTP clients log every address that they ask."""

from __future__ import annotations

import logging

from sentiment_transfer.errors import without_credentials


class Record(logging.LogRecord):
    def getMessage(self) -> str:
        return without_credentials(super().getMessage())


def hide_credentials() -> None:
    """From now on, in every line that any library logs in this process."""
    logging.setLogRecordFactory(Record)
