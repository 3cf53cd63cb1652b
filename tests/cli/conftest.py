"""The command line in this process and in one of its own, each with a home where nothing of the user's counts."""

import io
import os
import sys

import pytest
from cli_calls import KEYS, Done

from moa_code.cli import main


@pytest.fixture
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def moa(home, monkeypatch, capsysbinary):
    """Run a command in this process. Opening a sandbox is a fault here: bad input must be refused before that."""
    for name in list(os.environ):
        if name in KEYS or name.startswith(("MOA_CODE_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))

    def refuse(config, progress):
        raise AssertionError("a sandbox was about to be opened")

    monkeypatch.setattr("moa_code.cli.running.open_sandbox", refuse)

    def call(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        code = main.run([str(argument) for argument in arguments])
        out, err = capsysbinary.readouterr()
        return Done(int(code), out.decode(), err.decode())

    return call


@pytest.fixture
def shop(tmp_path):
    """A plain folder with one bug and one failing check."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "shop.py").write_text("def total(a, b):\n    return a - b\n")
    (folder / "test_shop.py").write_text("from shop import total\n\n\ndef test_total():\n    assert total(1, 2) == 3\n")
    return folder
