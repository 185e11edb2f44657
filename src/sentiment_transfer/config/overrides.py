"""How a value is quoted on Hydra's command line, for overrides that its grammar refuses."""

from __future__ import annotations

import re
import shlex

ONLY_QUOTED = re.compile(r"[^\w/\-\\+.$%*@?|: ]", re.ASCII)


def refused_override(override: str) -> str | None:
    """The sentence for an override that cannot be parsed, with what to type; None where quoting is no remedy.

    ``override``: as typed, e.g. ``input=my reviews (1).csv``.
    """
    key, equals, value = override.partition("=")
    if not equals:
        return (
            f"{override} is not an option: options are typed key=value. If it is the end of a value with a space in "
            "it, quote the whole: 'key=\"first second\"'"
        )
    odd = list(dict.fromkeys(ONLY_QUOTED.findall(value)))
    if not odd or value[:1] in "\"'" or not re.fullmatch(r"[+~]{0,2}[\w./@-]+", key):
        return None
    shown = " ".join(odd[:8])
    if value.startswith(("{", "[")):
        return (
            f"{override} is not valid on the command line. In a list or mapping, put values with characters other than "
            "letters, digits and -_./ into double quotes; a key takes ASCII letters, digits, - and _ only, and others "
            "belong into a YAML file."
        )
    return (
        f"{override} is not valid on the command line: a value with {shown} needs double quotes, inside the shell's "
        f"own. Type {quoted(key, value)}"
    )


def ambiguous_override(override: str) -> str:
    """The sentence for a value with commas outside a sweep."""
    key, _, value = override.partition("=")
    return (
        f"{override} has a comma, and may be one value or several. For one type {quoted(key, value)}, for a list "
        f"{shlex.quote(f'{key}=[{value}]')}, and for a run with each add -m."
    )


def quoted(key: str, value: str) -> str:
    """``key=value`` as typed in a shell, with ``value`` as one string whatever it holds."""
    inside = re.sub(r'(\\*)"', r'\1\1\\"', value)
    return shlex.quote(f'{key}="{inside}"')
