"""The one exception that is meant for the person at the keyboard."""


class UserError(Exception):
    """Something the user can mend: a configuration, a file, the network, the disk.

    The message is a sentence (or a few): what was wrong, where, and what to type instead. Entry points print
    it after ``error:`` and exit with code 1; no traceback is shown.
    """

    reported = False  # whether it has been printed already
    exit_code = 1


class OutOfMemory(UserError):
    """Memory was short, on the accelerator or the machine: smaller parts of a batch may fit."""

    exit_code = 77  # by which the launcher knows it: hydra.launcher.out_of_memory_exit_code
