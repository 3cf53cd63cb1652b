"""Properties under the pytest runner, outside any box: seeds, counts, counterexamples, and who weakens them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from property_attacks import ATTACKS, FOUND_BY_THE_TESTS, HONEST, TESTS, WRONG
from test_box_runners import SANDBOX, of, pytest_in

from moa_code.core.box import Ended, Observation
from moa_code.core.verdict import CheckOutcome, CheckResult, Outcome
from moa_code.prompts.failure import counterexamples
from moa_code.verify.grade import Expectation, grade
from moa_code.verify.properties import properties_of
from moa_code.verify.reading import SessionReport, read_session

NAMES = ("tests/test_m.py::test_double", "tests/test_m.py::test_double_all")


def session(folder, source, tests=TESTS, **payload):
    """The report's lines for a module and its properties."""
    (folder / "tests").mkdir(exist_ok=True)
    (folder / "m.py").write_text(source)
    (folder / "tests" / "test_m.py").write_text(tests)
    code, lines, _, said = pytest_in(folder, select=["tests"], hypothesis=True, **payload)
    assert code == 42, said
    return lines


def examples(lines):
    return {line["id"]: line["examples"] for line in of(lines, "result") if "examples" in line}


def test_each_property_says_what_it_ran(tmp_path):
    found = examples(session(tmp_path, HONEST))
    assert {name: run["planned"] for name, run in found.items()} == {NAMES[0]: 100, NAMES[1]: 60}
    assert found[NAMES[0]]["valid"] == 100
    assert found[NAMES[1]]["valid"] == 60
    assert found[NAMES[1]]["discarded"] > 0
    assert found[NAMES[1]]["foreign"] == 0


SEEN = TESTS.replace("assert double(n) == 2 * n", "print('SEEN', n)")


def seen(folder, **payload):
    (folder / "tests").mkdir(exist_ok=True)
    (folder / "m.py").write_text(HONEST)
    (folder / "tests" / "test_m.py").write_text(SEEN)
    said = pytest_in(folder, select=["tests"], hypothesis=True, **payload)[3]
    return [line.rpartition("SEEN ")[2] for line in said.splitlines() if "SEEN" in line]


def test_the_seed_decides_the_examples(tmp_path):
    first, again, other = seen(tmp_path, seed=5), seen(tmp_path, seed=5), seen(tmp_path, seed=6)
    assert first == again
    assert first != other
    assert len(first) == 100


def test_the_counterexample_is_shrunk_and_in_the_detail(tmp_path):
    lines = session(tmp_path, WRONG)
    details = {line["id"]: line["detail"] for line in of(lines, "result")}
    assert counterexamples(details[NAMES[0]]) == ("test_double(n=300)",)
    assert counterexamples(details[NAMES[1]])[0].startswith("test_double_all(numbers=[")
    assert "<counted>" not in details[NAMES[0]] + details[NAMES[1]]


def test_a_long_failure_keeps_its_counterexample(tmp_path):
    tests = TESTS.replace("assert double(n) == 2 * n", "assert (double(n), 'x' * 9000) == (2 * n, 'y' * 9000)")
    details = {line["id"]: line["detail"] for line in of(session(tmp_path, HONEST, tests), "result")}
    assert counterexamples(details[NAMES[0]]) == ("test_double(n=0)",)


def test_what_tests_say_of_their_settings_holds(tmp_path):
    """Tests are trusted: their own profile, their own numbers, their own assumptions under another name."""
    tests = (
        "from hypothesis import assume as require, given, settings, strategies as st\n"
        "settings.register_profile('mine', max_examples=7)\nsettings.load_profile('mine')\n"
        "from m import double\n\n@given(st.integers().filter(lambda n: n % 2))\ndef test_double(n):\n"
        "    require(n % 3)\n    assert double(n) == 2 * n\n"
        "@given(st.data())\ndef test_double_all(data):\n    n = data.draw(st.integers())\n"
        "    require(double(n) != 4)\n    assert double(n) == 2 * n\n"
    )
    lines = session(tmp_path, HONEST, tests, canaries=[["test_0a", "fail"], ["test_0b", "pass"]])
    found = examples(lines)
    assert {run["planned"] for run in found.values()} == {7}
    assert {run["foreign"] for run in found.values()} == {0}
    assert of(lines, "tampered") == []


def test_a_state_machine_is_counted_too(tmp_path):
    tests = (
        "from hypothesis import strategies as st\nfrom hypothesis.stateful import RuleBasedStateMachine, rule\n"
        "from m import double\n\nclass Machine(RuleBasedStateMachine):\n    @rule(n=st.integers())\n"
        "    def grow(self, n):\n        assert double(n) == 2 * n\n\nTestMachine = Machine.TestCase\n"
    )
    found = examples(session(tmp_path, HONEST, tests))
    (run,) = found.values()
    assert run["planned"] == 100
    assert run["valid"] >= 90


DRIVER = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from box.runners import runner
running = 0
for folder, descriptor, payload in json.loads(sys.argv[2]):
    if running == 2:
        os.wait()
        running -= 1
    if os.fork() == 0:
        os.chdir(folder)
        os._exit(runner("pytest")(payload, descriptor))
    running += 1
    os.close(descriptor)
while running:
    os.wait()
    running -= 1
"""
CANARIES = {"test_5f": "fail", "test_6a": "pass"}


@pytest.fixture(scope="module")
def sessions(tmp_path_factory):
    """The report on each module, all from one process that forks for each, as in a box."""
    jobs, outputs = [], {}
    for name, source in {"honest": HONEST, "wrong": WRONG, **ATTACKS}.items():
        folder = tmp_path_factory.mktemp("job")
        (folder / "tests").mkdir()
        (folder / "m.py").write_text(source)
        (folder / "tests" / "test_m.py").write_text(TESTS)
        outputs[name] = (folder / "report").open("wb")
        payload = {"nonce": "N", "exit_code": 42, "seed": 1, "select": ["tests"], "sys_path": ["."]}
        payload |= {"hypothesis": True, "canaries": list(CANARIES.items())}
        jobs.append((str(folder), outputs[name].fileno(), payload))
    environment = {"PATH": os.environ["PATH"], "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(
        [sys.executable, "-c", DRIVER, str(SANDBOX), json.dumps(jobs)],
        env=environment,
        pass_fds=[stream.fileno() for stream in outputs.values()],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=300,
        check=True,
    )
    found = {}
    for name, stream in outputs.items():
        stream.close()
        found[name] = read_session(Path(stream.name).read_bytes(), "N")
    return found


def judged(sessions, name, before):
    properties = properties_of(sessions[before].results)
    assert len(properties) == 2
    expected = Expectation(checks=NAMES, canaries=CANARIES, agreed_exit=42, properties=properties)
    return grade(Observation(ended=Ended.EXITED, exit_code=42, report_complete=True), sessions[name], expected)


BEFORE = pytest.mark.parametrize("before", ["honest", "wrong"])


@BEFORE
def test_an_honest_candidate_passes(sessions, before):
    assert judged(sessions, "honest", before).outcome is Outcome.PASSED


@BEFORE
@pytest.mark.parametrize("name", ATTACKS)
def test_a_property_cannot_be_weakened(sessions, name, before):
    graded = judged(sessions, name, before)
    assert graded.outcome in {Outcome.TAMPERED, Outcome.FAILED}
    assert graded.outcome is Outcome.TAMPERED or name in FOUND_BY_THE_TESTS, graded.detail


def test_without_the_baselines_word_settings_cannot_be_compared(sessions):
    """What says that these are no empty comparisons: with nothing to compare with, one attack of this kind passes."""
    expected = Expectation(checks=NAMES[:1], ignored=frozenset(NAMES[1:]), canaries=CANARIES, agreed_exit=42)
    seen = Observation(ended=Ended.EXITED, exit_code=42, report_complete=True)
    assert grade(seen, sessions["register_profile"], expected).outcome is Outcome.PASSED


def test_what_was_never_a_property_says_nothing(tmp_path):
    lines = session(tmp_path, HONEST, "from m import double\n\ndef test_double():\n    assert double(1) == 2\n")
    assert examples(lines) == {}
    assert of(lines, "tampered") == []


def test_a_result_without_examples_is_read_as_none():
    result = CheckResult(check_id="t::a", outcome=CheckOutcome.PASSED)
    assert properties_of(SessionReport(results=(result,)).results) == {}
