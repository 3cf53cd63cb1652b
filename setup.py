"""What pyproject.toml cannot say: `sandbox/` and `tasks/` lie at the top of a checkout and inside a wheel."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ASSETS = ("sandbox", "tasks")


class BuildWithAssets(build_py):
    """`build_py`, then the assets copied to `moa_code/_assets/`; an editable install finds them where they are."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        for name in ASSETS:
            target = Path(self.build_lib) / "moa_code" / "_assets" / name
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(name, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", ".hypothesis"))


setup(cmdclass={"build_py": BuildWithAssets})
