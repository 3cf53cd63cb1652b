"""Whether the owner of a box lives: dead only when that is certain, and never for who cannot be seen."""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from moa_code.sandbox.docker import DEADLINE_LABEL, OWNER_LABEL, _is_orphan
from moa_code.sandbox.owner import Owner, is_dead, this_process

US = this_process()
PAST, FUTURE = "1", "99999999999"


def labels(owner, deadline):
    return {OWNER_LABEL: str(owner), DEADLINE_LABEL: deadline}


def test_a_label_says_all_of_an_owner():
    assert Owner.parse(str(US)) == US
    odd = replace(US, host="a/b")
    assert Owner.parse(str(odd)) == odd


@pytest.mark.parametrize("text", ["", "x", "a/b/c/1", "a/b/c/x/1", "a/b/c/1/", "a/b/c/²/1", "a/b/c/-1/1"])
def test_a_label_of_somebody_else_names_nobody(text):
    assert Owner.parse(text) is None


@pytest.mark.parametrize(
    ("change", "dead"),
    [
        ({}, False),
        ({"started": US.started + 1}, True),  # the number was given to another process
        ({"pid": 2**22 + 1}, True),
        ({"boot": "an earlier one"}, True),
        ({"host": "another", "pid": 2**22 + 1}, False),
        ({"namespace": "pid:[1]", "pid": 2**22 + 1}, False),  # a container with our host's name and its engine
        ({"namespace": "pid:[1]", "boot": "an earlier one"}, True),
    ],
)
def test_dead_is_only_who_certainly_is(change, dead):
    assert is_dead(replace(US, **change)) is dead


def test_a_process_that_has_ended_and_was_not_waited_for_is_dead():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)

    def stat():
        return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()

    owner = replace(US, pid=process.pid, started=int(stat()[19]))
    assert not is_dead(owner)
    process.stdin.close()
    deadline = time.monotonic() + 10
    while stat()[0] != "Z":
        assert time.monotonic() < deadline
    assert is_dead(owner)
    process.wait()
    assert is_dead(owner)


@pytest.mark.parametrize(
    ("owner", "deadline", "orphan"),
    [
        (US, FUTURE, False),
        (US, PAST, False),  # a long benchmark: it lives, so its boxes are its own
        (replace(US, started=US.started + 1), FUTURE, True),
        (replace(US, host="another"), FUTURE, False),
        (replace(US, host="another"), PAST, True),
        (replace(US, namespace="pid:[1]"), FUTURE, False),
        (replace(US, namespace="pid:[1]"), PAST, True),
        ("nobody", FUTURE, False),
        ("nobody", PAST, True),
        ("nobody", "soon", True),
        ("nobody", "", True),
    ],
)
def test_whose_boxes_are_swept(owner, deadline, orphan):
    assert _is_orphan(labels(owner, deadline)) is orphan
