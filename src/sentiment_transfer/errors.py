"""The one exception that is meant for the person at the keyboard, and the one way to show an address."""

import re

# Of an address: what stands before the host's @, and the value of a field of the query. Of a text: the hub's tokens.
LOGIN = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/?#\"'<>]*@", re.IGNORECASE)
FIELD = re.compile(r"([?&#][\w.%\[\]-]+=)[^\s&#\"'<>)]*[^\s&#\"'<>).,;]")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # a terminal obeys them: names from files may hold any
TOKEN = re.compile(r"\b(hf_[A-Za-z]{4})[A-Za-z0-9]{12,}|(\bBearer )\S+")


def without_credentials(text: str) -> str:
    """``text`` with every login and token in its addresses replaced by ``***``: ``https://***@host/file?token=***``.

    For whatever is shown or stored: mirrors and endpoints are often given with a password.
    """
    if "://" in text or "=" in text:
        text = FIELD.sub(r"\1***", LOGIN.sub(r"\1***@", text))
    return TOKEN.sub(r"\1\2***", text)


class UserError(Exception):
    """Something the user can mend: a configuration, a file, the network, the disk.

    The message is a sentence (or a few): what was wrong, where, and what to type instead. Entry points print
    it after ``error:`` and exit with code 1; no traceback is shown. Credentials in addresses are left out of it.
    """

    def __init__(self, message: str = "") -> None:
        shown = CONTROL.sub(lambda found: f"[U+{ord(found[0]):04X}]", message)  # as escaping.visible shows them
        super().__init__(without_credentials(shown))

    def _render_traceback_(self) -> list[str]:
        """Shown by IPython: in a notebook as well, a sentence."""
        return [f"error: {self}"]

    reported = False  # whether it has been printed already
    exit_code = 1


class OutOfMemory(UserError):
    """Memory was short, on the accelerator or the machine: smaller parts of a batch may fit."""

    exit_code = 77  # by which the launcher knows it: hydra.launcher.out_of_memory_exit_code
