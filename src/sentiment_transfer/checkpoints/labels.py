"""What a foreign classifier's label names mean in this project's classes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sentiment_transfer.data.labels import NAMES, STARS, canonical, checked_labels
from sentiment_transfer.errors import UserError

NEEDED = ("negative", "positive")


def outputs_of(
    names: Sequence[str], labels: Mapping[str, str | None] | None, checkpoint: str
) -> tuple[str | None, ...]:
    """The class of each of the classifier's label ``names``, in the order of its logits; None leaves one out.

    ``labels`` maps every name to ``negative``, ``neutral``, ``positive`` or None. Without it, names that can mean one
    thing only are understood (see ``data/labels.py``; also ``1 star`` to ``5 stars``). Raises UserError where names
    are missing, unknown or mean nothing, or where nothing is negative or nothing positive.
    """
    mapping = _said(names, labels, checkpoint) if labels else _understood(names, checkpoint)
    outputs = tuple(mapping[canonical(name)] for name in names)
    if absent := [name for name in NEEDED if name not in outputs]:
        raise UserError(
            f"None of the labels of {checkpoint} ({', '.join(names)}) is {' or '.join(absent)}: a sentiment classifier "
            f"has both. {_example(names)}"
        )
    return outputs


def _said(names: Sequence[str], labels: Mapping[str, str | None], checkpoint: str) -> Mapping[str, str | None]:
    mapping = checked_labels(labels, checkpoint)
    known = {canonical(name) for name in names}
    if missing := [name for name in names if canonical(name) not in mapping]:
        raise UserError(
            f"labels= does not say what {', '.join(missing)} of {checkpoint} is: name every label, with null for one "
            f"that is left out. {_example(names)}"
        )
    if unknown := [word for word in mapping if word not in known]:
        raise UserError(
            f"labels= names {', '.join(unknown)}, but the labels of {checkpoint} are {', '.join(names)}. "
            f"{_example(names)}"
        )
    return mapping


def _understood(names: Sequence[str], checkpoint: str) -> Mapping[str, str | None]:
    words = {canonical(name) for name in names}
    if words <= NAMES.keys():
        return dict(NAMES)
    stars = {word: re.sub(r" ?stars?$", "", word) for word in words}
    if set(stars.values()) == STARS.keys() and all("star" in word for word in words):
        return {word: STARS[number] for word, number in stars.items()}
    raise UserError(
        f"The labels of {checkpoint} are {', '.join(names)}, and what they mean cannot be told. {_example(names)}"
    )


def _example(names: Sequence[str]) -> str:
    mapping = ", ".join(f"{name}: <class>" for name in names)
    return f"Type 'labels={{{mapping}}}', with negative, positive, neutral or null (leaves it out) for <class>."
