"""`moa-code implement`: what it refuses before anything runs, and the whole of it with models behind real sockets."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from cli_calls import command, contents

from moa_code.report import documents

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
from openai_server import Say, serving

STUB = '''"""Numbers."""


def second(numbers):
    """Return the second smallest of the different numbers.

    Equal numbers count once. Without a second one, return None.

    >>> second([3, 1, 2])
    2
    >>> second([5, 9])
    9
    """
    raise NotImplementedError


def written(numbers):
    """Return the largest. written([1]) == 1"""
    return max(numbers)


def vague(numbers):
    """Do something about the numbers."""
'''


@pytest.fixture
def lib(tmp_path):
    folder = tmp_path / "lib"
    folder.mkdir()
    (folder / "digits.py").write_text(STUB)
    return folder


def answer(*lines, name="second"):
    body = "\n".join(f"    {line}" for line in lines)
    return f"Here.\n\n```python\ndef {name}(numbers):\n{body}\n```\n"


RIGHT = answer("found = sorted(set(numbers))", "return found[1] if len(found) > 1 else None")
EQUAL_ONES = answer("found = sorted(numbers)", "return found[1] if len(found) > 1 else None")
WRONG = answer("return max(numbers)")
CHECKS = """
> Equal numbers count once.
```python
from digits import second


def test_equal_ones():
    assert second([1, 1, 2]) == 2
```

> Without a second one, return None.
```python
from digits import second


def test_all_equal():
    assert second([4, 4, 4]) is None
```

> Return the second smallest of the different numbers.
```python
from hypothesis import given, strategies as st
from digits import second


@given(st.lists(st.integers(), min_size=2, unique=True))
def test_it_is_second(numbers):
    assert sum(n < second(numbers) for n in numbers) == 1
```

> Equal numbers count twice.
```python
from digits import second


def test_invented():
    assert second([1, 1, 2]) == 1
```
"""


def implement(lib, server, proposers, strong, *more, target="digits.py::second", **options):
    """The command with models that answer over real sockets."""
    named = [part for name in proposers for part in ("--proposer", f"openai/{name}@{server.base_url}")]
    merging = ("--aggregator", f"openai/{strong}@{server.base_url}", "--budget", "none")
    return command(lib.parent, "implement", target, "--repo", lib, *named, *merging, *more, timeout=300, **options)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["digits.py"], "names no function"),
        (["digits::second"], "names no function"),
        (["other.py::second"], "there is no file other.py"),
        (["digits.py::third"], "name one of second, vague"),
        (["digits.py::written"], "has a body already (line 17)"),
        (["digits.py::second", "--tests", "{lib}/digits.py"], "is there already"),
        (["digits.py::second", "--tests", "{lib}/no/such.py"], "its folder does not exist"),
        (["digits.py::second", "--spec", "{lib}/nowhere.md"], "--spec"),
        (["digits.py::second", "--test", "make check"], "checked by pytest"),
    ],
)
def test_what_cannot_be_implemented_is_said_at_once(lib, words, message):
    given = [word.replace("{lib}", str(lib)) for word in words]
    done = command(lib.parent, "implement", *given, "--repo", lib)
    assert done.code == 2
    assert message in done.err
    assert "try: " in done.err
    assert done.out == ""


def test_without_a_model_nobody_can_write_it(lib):
    done = command(lib.parent, "implement", "digits.py::second", "--repo", lib)
    assert done.code == 4
    assert "no provider's key is set" in done.err


def valid(text):
    document = json.loads(text)
    jsonschema.Draft202012Validator(documents.schema("implement")).validate(document)
    jsonschema.Draft202012Validator(documents.schema("run")).validate(document["run"])
    return document


@pytest.mark.docker
def test_a_function_from_its_docstring(lib):
    before = contents(lib)
    proposed = lib.parent / "test_second.py"
    with serving({"one": Say(EQUAL_ONES), "two": Say(RIGHT), "strong": Say(CHECKS)}) as server:
        done = implement(
            lib, server, ["one", "two"], "strong", "--strategy", "vote", "--write-tests", "--json", "--tests", proposed
        )
        asked = [json.dumps(body["messages"]) for body in server.requests]
    assert done.code == 0, done.err
    document = valid(done.out)
    assert document["run"]["status"] == "verified"
    assert document["run"]["verdict"]["integrity"] == "oracle"
    assert "sorted(set(numbers))" in document["run"]["patch"]
    assert "-    Equal numbers count once." not in document["run"]["patch"], "the docstring is gone"
    assert [row["claim"] for row in document["examples"]["found"]] == ["2", "9"]
    rows = {row["name"]: row for row in document["written_checks"]}
    assert rows.keys() == {"test_equal_ones", "test_all_equal", "test_it_is_second"}
    assert all(row["vote"] for row in rows.values())
    (rejected,) = document["rejected_checks"]
    assert rejected == {
        "name": "test_invented",
        "reason": "the specification does not say 'Equal numbers count twice.'",
    }
    assert proposed.read_text() == document["proposed_tests"]
    names = {node.name for node in ast.parse(document["proposed_tests"]).body if isinstance(node, ast.FunctionDef)}
    assert {"test_example_1", "test_example_2", "test_equal_ones", "test_all_equal"} <= names
    assert any(words.startswith("no example says what second([") for words in document["ambiguities"])
    assert all("candidates split 1:1: " in words for words in document["ambiguities"])
    assert all(words.count("(this answer)") == 1 for words in document["ambiguities"])
    assert not [text for text in asked if "test_equal_ones" in text], "a proposer was shown the written checks"
    assert contents(lib) == before
    assert command(lib.parent, "apply", "last", cwd=lib).code == 0
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(proposed)],
        cwd=lib.parent,
        env={**os.environ, "PYTHONPATH": str(lib)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stdout


@pytest.mark.docker
def test_the_examples_decide_and_a_patch_is_printed(lib):
    with serving({"one": Say(WRONG), "strong": Say(RIGHT)}) as server:
        done = implement(lib, server, ["one"], "strong", "--no-write-tests")
    assert done.code == 0, done.err
    assert done.out.startswith("diff --git a/digits.py b/digits.py")
    assert "+    return found[1] if len(found) > 1 else None" in done.out
    assert [line for line in done.out.splitlines() if line.startswith("-") and "--" not in line] == [
        "-    raise NotImplementedError"
    ]
    applied = command(lib.parent, "apply", "last", cwd=lib)
    assert applied.code == 0, applied.err
    assert "Equal numbers count once." in (lib / "digits.py").read_text()
    assert "return found[1]" in (lib / "digits.py").read_text()
    assert "2 examples of the specification" in done.err
    assert "--tests FILE writes them" in done.err


@pytest.mark.docker
def test_a_specification_without_examples_verifies_nothing(lib):
    vague = answer("return sorted(numbers)", name="vague")
    with serving({"one": Say(vague), "strong": Say(vague)}) as server:
        done = implement(lib, server, ["one"], "strong", "--no-write-tests", "--json", target="digits.py::vague")
    document = valid(done.out)
    assert done.code == 1
    assert document["run"]["status"] == "unverified"
    assert document["run"]["patch"] is None
    assert "no example that could be read" in document["evidence"]
    assert "no example that could be read" in done.err
    assert document["proposed_tests"] is None


@pytest.mark.docker
def test_more_words_come_from_a_file(lib):
    spec = "vague([2, 1]) == [1, 2]\nvague([]) == []\nvague([1]) == [1]\n"
    with serving({"one": Say(answer("return sorted(numbers)", name="vague"))}) as server:
        done = implement(
            lib, server, ["one"], "one", "--no-write-tests", "--spec", "-", target="digits.py::vague", stdin=spec
        )
        (sent,) = {json.dumps(body["messages"][-1]) for body in server.requests}
    assert done.code == 0, done.err
    assert "+    return sorted(numbers)" in done.out
    assert "vague([2, 1]) == [1, 2]" in json.loads(sent)["content"]


METHOD = '''class Box:
    def __init__(self):
        self.items = []

    def put(self, item):
        """Take `item` in; how many are inside now is returned.

        >>> box = Box()
        >>> box.put("a")
        1
        >>> box.put("b")
        2
        >>> box.items
        ['a', 'b']
        >>> box.put(None)
        Traceback (most recent call last):
            ...
        ValueError: nothing to put
        """
'''


@pytest.mark.docker
def test_a_method_beside_tests_of_the_repository(lib):
    (lib / "boxes.py").write_text(METHOD)
    (lib / "test_old.py").write_text("from boxes import Box\n\n\ndef test_empty():\n    assert Box().items == []\n")
    body = '        if item is None:\n            raise ValueError("nothing to put")\n'
    body += "        self.items.append(item)\n        return len(self.items)\n"
    reply = f"```python\nclass Box:\n    def put(self, item):\n{body}```\n"
    with serving({"one": Say(reply)}) as server:
        target = "boxes.py::Box.put"
        done = implement(
            lib, server, ["one"], "one", "--no-write-tests", "--json", "--test", "test_old.py", target=target
        )
    assert done.code == 0, done.err
    document = valid(done.out)
    assert len(document["examples"]["found"]) == 4
    assert document["run"]["verdict"]["checks"]["passed"] == 5
    assert "self.items.append(item)" in document["run"]["patch"]
    assert "-        >>> box = Box()" not in document["run"]["patch"]


@pytest.mark.docker
def test_few_examples_bring_written_tests_which_take_no_pass_away(lib):
    """What passes the examples stays the answer; the tests that it fails are named, and not proposed."""
    with serving({"one": Say(EQUAL_ONES), "strong": Say(CHECKS)}) as server:
        done = implement(lib, server, ["one"], "strong", "--strategy", "single", "--json")
    assert done.code == 0, done.err
    document = valid(done.out)
    kinds = [step["kind"] for step in document["run"]["steps"]]
    assert kinds.index("writechecks") < kinds.index("vote") < kinds.index("confirm")
    votes = {row["name"]: (row["vote"], row["kept"]) for row in document["written_checks"]}
    assert votes["test_equal_ones"] == votes["test_all_equal"] == (False, False)
    assert votes["test_it_is_second"][0] is True
    assert "test_equal_ones" not in document["proposed_tests"]
    assert "it passes 1 of 3 tests that a model wrote" in document["evidence"]
    assert "disputed    it fails test_equal_ones, written for “Equal numbers count once.”" in done.err
