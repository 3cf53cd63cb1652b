"""Fills the bytecode caches of the Python that runs it: plain modules, and what pytest rewrites.

Runs once, while the box is made. pytest rewrites the asserts of its plugins (all of Hypothesis among them) and
caches the result under a name of its own; on a read-only root that is lost at every start: 1.4 s against 0.63 s.
"""

from __future__ import annotations

import compileall
import os
import py_compile
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

_SESSION = """
import importlib
import pkgutil

import hypothesis
from hypothesis import given, settings, strategies as st


def test_import_all():
    for module in pkgutil.walk_packages(hypothesis.__path__, "hypothesis.", onerror=lambda name: None):
        # Bridges to packages that the box does not have.
        if module.name.startswith(("hypothesis.extra", "hypothesis.vendor.", "hypothesis.__main__")):
            continue
        try:
            importlib.import_module(module.name)
        except ImportError:
            continue


@settings(max_examples=20, database=None)
@given(st.lists(st.integers()), st.text(), st.floats(), st.dictionaries(st.text(), st.booleans()))
def test_generate(numbers, text, number, table):
    assert sorted(numbers) == sorted(reversed(numbers))


def test_coverage():
    import coverage

    assert coverage.Coverage(data_file=None)
"""


def main() -> int:
    """Compile everything installed, then run one pytest session with the caches writable. Exit status of either."""
    site = sysconfig.get_path("purelib")
    compileall.compile_dir(site, quiet=2, workers=1, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    env = {k: v for k, v in os.environ.items() if k not in {"PYTHONDONTWRITEBYTECODE", "PYTEST_ADDOPTS"}}
    # Hypothesis's table of characters: a second for every job that draws text, and nowhere else to keep it.
    env["HYPOTHESIS_STORAGE_DIRECTORY"] = str(Path(sys.prefix) / "share" / "hypothesis")
    with tempfile.TemporaryDirectory() as folder:
        test = Path(folder) / "test_warm.py"
        test.write_text(_SESSION)
        argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder, str(test)]
        code = subprocess.run(argv, cwd=folder, env=env, check=False).returncode
    rewritten = list(Path(site).glob("hypothesis/__pycache__/*-pytest-*.pyc"))
    if code == 0 and not rewritten:
        print("pytest ran and left no rewritten bytecode behind", file=sys.stderr)
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
