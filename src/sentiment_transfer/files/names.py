"""Names that become parts of paths: of datasets, models and files, read from records, configurations and indexes."""

from __future__ import annotations

from sentiment_transfer.errors import UserError

LONGEST = 200  # bytes; a file name has 255, with the endings that are added to it


def file_name(name: object, what: str) -> str:
    """``name``, which leads nowhere but to a file in the folder that it is put behind.

    ``what`` says whose it is: "the dataset", "a weights file of /path". Raises UserError for anything else than the
    name of one file: ``../x``, ``/x``, ``..``, an empty or an endless one, or no text.
    """
    text = name if isinstance(name, str) else ""
    separate = any(character in "/\\" or not character.isprintable() for character in text)
    if not text or separate or text in (".", "..") or len(text.encode(errors="replace")) > LONGEST:
        raise UserError(
            f"The name {str(name)[:LONGEST]!r} of {what} is refused: it becomes a part of paths. Use letters, digits, "
            "dots, dashes and underscores, and no slash."
        )
    return text
