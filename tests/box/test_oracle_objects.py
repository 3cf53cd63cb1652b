"""What honest checks do with values, functions and objects, once in one process and once across two."""

import ast
from pathlib import Path

import pytest
from oracle_pairs import Pairs

SUBJECT = Path(__file__).parent / "oracle_subject"
CHECKS = ("checks_values.py", "checks_objects.py")
NAMED = (
    "Account", "Animal", "BankError", "Bare", "Box", "Caller", "Celsius", "Coded", "Color", "Dog", "Headers",
    "Level", "Money", "Mood", "Node", "Ordered", "Pixel", "Place", "Playlist", "Point", "Registry", "Rights",
    "Room", "Savings", "Slotted", "Stack", "Tag", "TooPoor", "Version",
)  # fmt: skip


def sources():
    files = {p.relative_to(SUBJECT).as_posix(): p.read_text() for p in sorted(SUBJECT.rglob("*.py"))}
    judged = {name: files.pop(name) for name in CHECKS}
    return files, judged


def names():
    for file in CHECKS:
        for node in ast.parse((SUBJECT / file).read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
                yield f"{file}::{node.name}"
            elif isinstance(node, ast.ClassDef):
                parts = [part.name for part in node.body if isinstance(part, ast.FunctionDef)]
                yield from (f"{file}::{node.name}::{part}" for part in parts if part.startswith("test"))


@pytest.fixture(scope="module")
def sessions():
    files, judged = sources()
    with Pairs() as pairs:
        yield {
            entry: pairs.run(files, judged, entry=entry, named=NAMED, cpu_s=20, wall_s=60)
            for entry in ("pytest", "split")
        }


@pytest.mark.parametrize("entry", ["pytest", "split"])
@pytest.mark.parametrize("name", list(names()))
def test_check(sessions, entry, name):
    session = sessions[entry]
    found = {check: outcome for check, outcome in session.outcomes.items() if check.partition("[")[0] == name}
    assert found, session.stdout
    assert set(found.values()) == {"passed"}, [session.details[check] for check in found]
    assert not session.inexpressible.keys() & found


@pytest.mark.parametrize("entry", ["pytest", "split"])
def test_nothing_else_went_wrong(sessions, entry):
    assert sessions[entry].passed, (sessions[entry].broken, sessions[entry].tampered)
