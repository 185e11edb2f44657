"""The names on a command line, as far as the locale can read them."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def refuse_unreadable_names() -> None:
    """End the program where an argument, or the folder it runs in, has characters that the locale lacks.

    pyarrow and others fail at them late, with a run's result in hand.
    """
    names = sys.argv[1:]
    with suppress(FileNotFoundError):  # of a folder that was removed: whatever is read or written there will say so
        names.append(os.getcwd())
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            shown, encoding = os.fsencode(name).decode(errors="backslashreplace"), sys.getfilesystemencoding()
            print(
                f"error: {shown} has characters that this locale's encoding ({encoding}) lacks. Type LC_ALL=C.UTF-8 in "
                "front of the command, or rename it.",
                file=sys.stderr,
            )
            sys.exit(1)
