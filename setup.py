"""The build copies ``conf/`` into the package, so that the installed command finds it; pyproject.toml has the rest."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

CONF = Path("conf")


class WithConf(build_py):
    def run(self) -> None:
        super().run()
        if self.editable_mode:  # the package is then used where it is, beside conf/
            return
        copy = Path(self.build_lib, "sentiment_transfer", "conf")
        shutil.rmtree(copy, ignore_errors=True)  # of an earlier build: a file may have been removed since
        shutil.copytree(CONF, copy, ignore=shutil.ignore_patterns("__pycache__", ".*"))


setup(cmdclass={"build_py": WithConf})
