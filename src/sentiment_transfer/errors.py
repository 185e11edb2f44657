"""The one exception that is meant for the person at the keyboard."""


class UserError(Exception):
    """Something the user can mend: a configuration, a file, the network, the disk.

    The message is a sentence (or a few): what was wrong, where, and what to type instead. Entry points print
    it after ``error:`` and exit with code 1; no traceback is shown.
    """

    reported = False  # whether it has been printed already
