"""The command ``sentiment-transfer``: its verbs, its help, and the completion of its arguments.

Only a verb imports more than the standard library: help and version are answered at once.
"""

from __future__ import annotations

import difflib
import os
import shlex
import sys

from sentiment_transfer.commands import INSTALLED, NAME, called_as_command, command
from sentiment_transfer.programs.script import run, unfit

VERBS = {
    "train": "train on one language and score on others; with -m, a sweep of many runs",
    "predict": "label a file of texts with a trained model",
    "evaluate": "score a trained model on targets, beside the runs",
    "export": "write a run's model as a folder for transformers, for ONNX Runtime or the hub",
    "average": "average the weights of several runs, and score the mean",
    "report": "put finished runs side by side: table, intervals, tests, figures",
    "status": "show the jobs of a sweep: finished, running, failed, waiting",
    "sync": "upload the W&B runs that were logged offline",
}
WITH_HYDRA = ("train", "predict", "evaluate", "export")
COMPLETION = ("-sc", "--shell-completion", "--shell_completion")


def main() -> int:
    """Entry point of the command; returns the exit code where no verb has ended the process."""
    first = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if first in ("--help", "-h", "help"):
        print(overview())
        return 0
    if first == "--version":
        from importlib.metadata import version

        print(f"{NAME} {version(NAME)}")
        return 0
    arguments = sys.argv[2:]
    if first in COMPLETION:
        words = completed_verb(arguments)
        if words is not None:
            print(words)
            return 0
        first, arguments = verb_of_line(), sys.argv[1:]
    if first not in VERBS:
        print(f"error: {unknown(first)}", file=sys.stderr)
        return 1
    if problem := unfit():
        print(f"error: {problem}", file=sys.stderr)
        return 1
    # make status types python -m sentiment_transfer: in a checkout, the command need not be on the PATH.
    if INSTALLED or os.path.basename(sys.argv[0]) != "__main__.py":
        called_as_command()
    sys.argv = [NAME, *arguments]
    if first in WITH_HYDRA:
        _tell_the_launcher(first)
    if (here := os.getcwd()) not in sys.path:
        sys.path.append(here)  # modules of SENTIMENT_DATASETS, which a script finds beside it
    run(first)
    return 0


def _tell_the_launcher(verb: str) -> None:
    from hydra_plugins.slots_launcher._command import Program, started_by

    # -P: a job finds the modules that this process finds, in the same order.
    started_by(Program(("-P", "-m", "sentiment_transfer", verb), tuple(shlex.split(command(verb)))))


def overview() -> str:
    width = max(map(len, VERBS))
    listed = [f"  {verb:{width}}  {summary}" for verb, summary in VERBS.items()]
    return "\n".join(
        [
            f"usage: {NAME} VERB ...",
            "",
            "Zero-shot cross-lingual sentiment classification: train on one language, score on others.",
            "",
            *listed,
            "",
            f"{NAME} VERB --help shows what a verb takes; --version, which version this is.",
            f"{NAME} train experiment=demo is a first run, without a GPU and without a download.",
        ]
    )


def unknown(word: str) -> str:
    """The sentence on a first argument that is no verb."""
    near = difflib.get_close_matches(word, VERBS, n=1)
    if near:
        return f"{word} is not a verb of {NAME}. Did you mean {NAME} {near[0]}?"
    if "=" in word or word.startswith("-"):
        return f"{word} needs a verb in front of it, e.g. {NAME} train {word}. {NAME} --help lists the verbs."
    return f"{word} is not a verb of {NAME}: it has {', '.join(VERBS)}."


def completed_verb(arguments: list[str]) -> str | None:
    """The verbs that the shell may offer; None where there is a verb in the line already, or nothing to complete.

    The shell asks ``sentiment-transfer -sc query=bash`` with the line that is being typed in COMP_LINE.
    """
    shell = next((argument.partition("=")[2] for argument in arguments if argument.startswith("query=")), "")
    words = _line().split()
    if not shell or len(words) > 2 or (len(words) == 2 and _line().endswith(" ")):
        return "" if shell and words[1] not in WITH_HYDRA else None
    begun = words[1] if len(words) == 2 else ""
    return ("\n" if shell == "fish" else " ").join(verb for verb in VERBS if verb.startswith(begun))


def verb_of_line() -> str:
    """The verb of the line that is being typed, which is taken out of it: Hydra knows of none."""
    words = _line().split(maxsplit=2)
    if len(words) < 2 or words[1] not in WITH_HYDRA:
        return "train"  # it prints the script for the shell, which is the same for all
    rest = words[2] if len(words) > 2 else ""
    os.environ["COMP_LINE"] = f"{words[0]} {rest}"
    return words[1]


def _line() -> str:
    return os.environ.get("COMP_LINE", "")
