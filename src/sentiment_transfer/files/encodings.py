"""Which encoding a text file is in: by its byte order mark, and, for an error message, by its look."""

from __future__ import annotations

import codecs
import shlex
from pathlib import Path

BOM = "\ufeff"  # at the start of a file, more than once where marked files were joined or converted twice
MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
# Tried in this order of groups: one whose bytes follow a pattern is never mistaken for one in which most bytes are
# letters. CP1252 comes before its regional relatives, which decode most of its text as well.
GROUPS = (("cp932", "euc_jp", "gb18030", "big5", "euc_kr", "cp1252", "cp1251"), ("cp1250", "cp1254", "cp1253"))
WIDER = {"shift_jis": "cp932", "gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949", "big5": "big5hkscs"}
ICONV = {"cp932": "CP932", "euc_jp": "EUC-JP", "gb18030": "GB18030", "big5": "BIG5", "euc_kr": "CP949"}


def marked_encoding(start: bytes) -> str | None:
    """The encoding that a file's first bytes name by a byte order mark; None without one."""
    return next((encoding for mark, encoding in MARKS.items() if start.startswith(mark)), None)


def bytes_of(line: str, encoding: str) -> bytes:
    """The bytes that a line was decoded from, those that are not in the encoding included."""
    try:
        return line.encode(encoding, "surrogateescape")
    except UnicodeEncodeError:  # UTF-16 and UTF-32 have no single bytes
        return line.encode("utf-8", "surrogateescape")


def fitting_encoding(sample: bytes) -> str | None:
    """The encoding that bytes which are not UTF-8 are likely in, by Python's name; None where that cannot be told."""
    from charset_normalizer import from_bytes

    for unlikely in (0.2, 0.8):  # the library's own bound on odd characters; few lines may be odder
        for group in GROUPS:
            found = from_bytes(sample, cp_isolation=list(group), threshold=unlikely, enable_fallback=False)
            if match := found.best():
                return str(match.encoding)
    return None


def is_mostly_utf8(sample: bytes) -> bool:
    """Whether text beyond ASCII in ``sample`` is UTF-8 but for few bytes: damaged, and in no other encoding."""
    decoded = sample.decode("utf-8", "replace")
    broken = decoded.count("\ufffd")
    return sum(character > "\x7f" for character in decoded) > 5 * broken


def advice(path: str | Path, sample: bytes, encoding: str) -> str:
    """Sentences on what to type for a file with this ``sample``, which is not in the ``encoding`` it is read in."""
    damaged = is_mostly_utf8(sample)
    fitting = None if damaged else _wider_encoding(sample, encoding) or fitting_encoding(sample)
    if fitting is not None:
        return (
            f"It looks like {fitting}. For a file of your own type encoding={fitting}, or convert it: "
            f"{iconv(fitting, path)}"
        )
    start = "Most of the file is UTF-8, so it is likely damaged there: mend the line, or" if damaged else ""
    return (
        f"{start or 'If you know its encoding,'} type encoding=..., or convert it: {iconv('WINDOWS-1252', path)}, with "
        "its encoding in place of WINDOWS-1252."
    )


def _wider_encoding(sample: bytes, encoding: str) -> str | None:
    """The encoding with more characters that is often called by the name of ``encoding``, if the sample is in it."""
    wider = WIDER.get(codecs.lookup(encoding).name)
    try:
        sample.decode(wider or "ascii")
    except UnicodeDecodeError:
        return None
    return wider


def iconv(encoding: str, path: str | Path) -> str:
    """The command that converts a file, by Python's or its own name of the encoding."""
    name = Path(path).name
    known = ICONV.get(encoding, encoding.upper().replace("CP125", "WINDOWS-125"))
    return f"iconv -f {known} -t UTF-8 {shlex.quote(name)} > {shlex.quote('utf8-' + name)}"
