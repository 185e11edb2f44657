"""Where ``conf/`` lies: at the root of a checkout, or inside the installed package, into which the build copies it."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def conf_folder() -> Path:
    """The folder with the program's own configuration files."""
    installed = PACKAGE / "conf"
    return installed if installed.is_dir() else PACKAGE.parents[1] / "conf"
