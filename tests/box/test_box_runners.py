"""The runners as processes of their own, outside any box: what they report, line by line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SANDBOX = Path(__file__).parents[2] / "sandbox"
DRIVER = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from box.runners import runner
os._exit(runner(sys.argv[2])(json.loads(sys.argv[3]), int(sys.argv[4])))
"""
NONCE = "0123abcd"


def run(entry, folder, **payload):
    """Exit status and the report's lines; each must carry the nonce."""
    reading, writing = os.pipe()
    payload = json.dumps({"nonce": NONCE, "exit_code": 42, "seed": 1, **payload})
    environment = {"PATH": os.environ["PATH"], "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(SANDBOX), entry, payload, str(writing)],
        cwd=folder,
        pass_fds=(writing,),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        lines = stream.read().decode().splitlines()
    said = process.communicate(timeout=60)[0].decode()
    assert all(line.startswith(NONCE) for line in lines), said
    return process.returncode, [json.loads(line.removeprefix(NONCE)) for line in lines], said


def pytest_in(folder, **payload):
    code, lines, said = run("pytest", folder, **{"select": ["."], "sys_path": ["."], **payload})
    return code, lines, {line["id"]: line["outcome"] for line in lines if line["k"] == "result"}, said


def write(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)


def of(lines, kind):
    return [line for line in lines if line["k"] == kind]


def test_each_check_is_reported_once_by_its_id(tmp_path):
    write(
        tmp_path,
        test_a="""
import pytest, unittest
def test_pass(): pass
def test_fail(): assert [1] == [2]
def test_skip(): pytest.skip("not now")
@pytest.mark.xfail
def test_xfail(): assert False
@pytest.mark.xfail
def test_xpass(): pass
@pytest.fixture
def broken(): raise ValueError("setup")
def test_setup(broken): pass
@pytest.fixture
def late():
    yield
    raise ValueError("teardown")
def test_teardown(late): pass
@pytest.mark.parametrize("n", [1, 2])
def test_many(n): assert n == 1
class TestOld(unittest.TestCase):
    def test_old(self): self.assertEqual(1, 1)
""",
    )
    code, lines, outcomes, _ = pytest_in(tmp_path)
    assert code == 42
    assert outcomes == {
        "test_a.py::test_pass": "passed",
        "test_a.py::test_fail": "failed",
        "test_a.py::test_skip": "skipped",
        "test_a.py::test_xfail": "skipped",
        "test_a.py::test_xpass": "skipped",
        "test_a.py::test_setup": "error",
        "test_a.py::test_teardown": "error",
        "test_a.py::test_many[1]": "passed",
        "test_a.py::test_many[2]": "failed",
        "test_a.py::TestOld::test_old": "passed",
    }
    assert len(of(lines, "result")) == len(outcomes)
    assert of(lines, "collected")[0]["ids"] == list(outcomes)
    assert lines[-1] == {"k": "end", "code": 1}
    details = {line["id"]: line["detail"] for line in of(lines, "result")}
    assert "assert [1] == [2]" in details["test_a.py::test_fail"]
    assert "not now" in details["test_a.py::test_skip"]
    assert "teardown" in details["test_a.py::test_teardown"]


def test_the_agreed_exit_status_means_only_that_pytest_came_back(tmp_path):
    write(tmp_path, test_a="def test(): assert False\n")
    assert pytest_in(tmp_path)[0] == 42
    write(tmp_path, test_a="import os; os._exit(0)\n")
    code, lines, outcomes, _ = pytest_in(tmp_path)
    assert (code, of(lines, "end"), outcomes) == (0, [], {})


@pytest.mark.parametrize("text", ["import nothing_there", "def broken(:", "1 / 0"])
def test_a_module_that_cannot_be_collected_is_broken(tmp_path, text):
    write(tmp_path, test_a=text, test_b="def test(): pass\n")
    _, lines, outcomes, _ = pytest_in(tmp_path)
    assert [line["id"] for line in of(lines, "broken")] == ["test_a.py"]
    assert outcomes == {"test_b.py::test": "passed"}
    assert lines[-1] == {"k": "end", "code": 1}


def test_a_module_that_exits_is_an_internal_error_and_nothing_counts(tmp_path):
    write(tmp_path, test_a="raise SystemExit(0)", test_b="def test(): pass\n")
    _, lines, outcomes, _ = pytest_in(tmp_path)
    assert "SystemExit" in of(lines, "internal_error")[0]["detail"]
    assert (outcomes, lines[-1]) == ({}, {"k": "end", "code": 3})


def test_a_module_that_skips_itself_is_told(tmp_path):
    write(tmp_path, test_a="import pytest; pytest.skip('all', allow_module_level=True)\n")
    assert [line["id"] for line in of(pytest_in(tmp_path)[1], "skipped_module")] == ["test_a.py"]


def test_canaries_stand_among_the_checks_and_do_what_they_must(tmp_path):
    write(tmp_path, test_a="".join(f"def test_{n}(): pass\n" for n in range(5)))
    outcomes = pytest_in(tmp_path, canaries=[["test_x1", "pass"], ["test_x2", "fail"]])[2]
    assert outcomes["test_a.py::test_x1"] == "passed"
    assert outcomes["test_a.py::test_x2"] == "failed"
    assert len(outcomes) == 7
    places = {
        tuple(of(pytest_in(tmp_path, canaries=[["test_x1", "fail"]], seed=seed)[1], "collected")[0]["ids"])
        for seed in range(4)
    }
    assert len(places) > 1


def test_no_canary_where_nothing_was_collected(tmp_path):
    assert pytest_in(tmp_path, canaries=[["test_x1", "pass"]])[2] == {}


def test_named_checks_come_first_and_gate_the_rest(tmp_path):
    write(tmp_path, test_a="def test_a(): pass\ndef test_b(): pass\ndef test_c(): assert False\ndef test_d(): pass\n")
    first = ["test_a.py::test_d", "test_a.py::test_b"]
    _, lines, outcomes, _ = pytest_in(tmp_path, first=first)
    assert list(outcomes)[:2] == first
    assert len(outcomes) == 4
    _, lines, outcomes, _ = pytest_in(tmp_path, first=["test_a.py::test_c", "test_a.py::test_d"])
    assert list(outcomes.items())[:2] == [("test_a.py::test_c", "failed"), ("test_a.py::test_d", "passed")]
    assert "test_a.py::test_b" not in outcomes
    assert of(lines, "end")


def test_a_check_that_uses_up_its_time_fails_and_the_rest_goes_on(tmp_path):
    write(
        tmp_path,
        test_a="""
import time
def test_spin():
    while True: pass
def test_swallow():
    try:
        while True: pass
    except Exception: pass
def test_sleep(): time.sleep(30)
def test_fine(): pass
""",
    )
    _, lines, outcomes, _ = pytest_in(tmp_path, check_cpu_s=0.2, check_wall_s=0.6)
    assert list(outcomes.values()) == ["failed", "failed", "failed", "passed"]
    assert all("out of time" in line["detail"] for line in of(lines, "result")[:3])


def test_settings_of_the_project_count_and_its_options_do_not(tmp_path):
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\npython_files = check_*.py\naddopts = --collect-only -k nothing -x\n"
    )
    write(tmp_path, check_a="def test_a(): assert False\ndef test_b(): pass\n", test_b="def test(): pass\n")
    assert pytest_in(tmp_path)[2] == {"check_a.py::test_a": "failed", "check_a.py::test_b": "passed"}


def test_output_of_the_code_never_reaches_the_report(tmp_path):
    write(tmp_path, test_a='def test(): print("0123abcd{\\"k\\":\\"result\\"}")\n')
    _, lines, outcomes, said = pytest_in(tmp_path)
    assert (len(of(lines, "result")), outcomes) == (1, {"test_a.py::test": "passed"})
    assert NONCE in said


def test_lines_are_told_by_check(tmp_path):
    write(
        tmp_path,
        code="def f(a):\n    if a:\n        return 1\n    return 2\n",
        test_a="from code_ import f\n\ndef test_yes(): assert f(1) == 1\ndef test_no(): assert f(0) == 2\n",
    )
    (tmp_path / "code.py").rename(tmp_path / "code_.py")
    lines = of(pytest_in(tmp_path, coverage=True)[1], "coverage")
    told = {line["id"]: sorted(line["lines"]["code_.py"]) for line in lines}
    assert told == {"test_a.py::test_yes": [2, 3], "test_a.py::test_no": [2, 4]}


def screen(folder, variants, failing, passing, **rest):
    payload = {"select": ["."], "sys_path": ["."], "hung": [], "check_cpu_s": 0.3, "check_wall_s": 1.0, **rest}
    return run("screen", folder, variants=variants, failing=failing, passing=passing, **payload)


def variant(source, reaches=None):
    return {"files": [{"path": "mod.py", "source": source}], "reaches": reaches}


SCREENED = "from mod import f\n\ndef test_bad(): assert f(1) == 2\ndef test_ok(): assert f(0) < 5\n"
BAD, OK = "test_a.py::test_bad", "test_a.py::test_ok"


def test_variants_are_screened_against_failing_and_passing_checks(tmp_path):
    base = "def f(a):\n    return a - 1\n"
    write(tmp_path, mod=base, test_a=SCREENED)
    bodies = ["return a + 1", "return a * 9", "return 2 if a else 9", "while True: pass", "import os; os._exit(3)"]
    variants = [variant(base.replace("return a - 1", body)) for body in bodies]
    variants += [variant(base.replace("(a)", "(b)")), variant("def f(:")]
    code, lines, said = screen(tmp_path, variants, [BAD], [OK])
    assert code == 42, said
    found = {line["index"]: line for line in of(lines, "variant") if line["index"] >= 0}
    assert [found[n]["state"] for n in range(7)] == [
        "passed", "failed", "failed", "timed_out", "crashed", "unsupported", "unsupported",
    ]  # fmt: skip
    assert (found[0]["fixed"], found[0]["broken"]) == ([BAD], [])
    assert (found[2]["fixed"], found[2]["broken"]) == ([BAD], [OK])
    assert lines[-1]["screened"] == 7
    assert (tmp_path / "mod.py").read_text() == base


def test_a_screen_without_its_checks_says_so(tmp_path):
    write(tmp_path, test_a="def test(): pass\n")
    _, lines, _ = screen(tmp_path, [], ["test_a.py::gone"], [])
    assert "not collected" in of(lines, "internal_error")[0]["detail"]


def lay_out(folder, *files):
    """Files of a static job, each in a folder of its own."""
    for at, (name, data) in enumerate(files):
        target = folder / "0" / str(at) / name
        target.parent.mkdir(parents=True)
        target.write_bytes(data)


def test_static_finds_what_does_not_compile(tmp_path):
    files = {"ok.py": b"x = 1\n", "bad.py": b"def f(:\n", "nul.py": b"x = '\0'\n", "deep.py": b"(" * 5000}
    lay_out(tmp_path, *files.items())
    code, lines, _ = run("static", tmp_path, within="0", paths=["ok.py", "bad.py", "nul.py", "deep.py"], select="F")
    assert code == 42
    assert [(line["tool"], line["path"]) for line in of(lines, "finding")] == [
        ("compile", "bad.py"), ("compile", "nul.py"), ("compile", "deep.py"),
    ]  # fmt: skip
    assert [line["at"] for line in of(lines, "finding")] == [1, 2, 3]
    assert [line["at"] for line in of(lines, "end")] == [1, 2, 3, 0]


def test_static_lints_by_its_own_rules_alone(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\nexclude = ['*']\n[tool.ruff.lint]\nignore = ['ALL']\n")
    lay_out(tmp_path, ("a.py", b"# ruff: noqa\nimport os  # noqa: F401\nprint(undefined)\n"))
    (tmp_path / "0" / "0" / "ruff.toml").write_text("exclude = ['*']\n")
    _, lines, _ = run("static", tmp_path, within="0", paths=["a.py"], select="F401,F821")
    found = of(lines, "finding")
    assert [(line["code"], line["line"], line["text"]) for line in found] == [
        ("F401", 2, "import os  # noqa: F401"), ("F821", 3, "print(undefined)"),
    ]  # fmt: skip
    assert lines[-1] == {"k": "end", "at": 0}


def test_static_tells_files_of_one_name_apart(tmp_path):
    lay_out(tmp_path, ("p/a.py", b"import os\n"), ("p/a.py", b"print(gone)\n"), ("p/a.py", b"def f(:\n"))
    _, lines, _ = run("static", tmp_path, within="0", paths=["p/a.py"] * 3, select="F401,F821")
    assert sorted((line["at"], line["code"]) for line in of(lines, "finding")) == [
        (0, "F401"), (1, "F821"), (2, "SyntaxError"),
    ]  # fmt: skip
    assert {line["path"] for line in of(lines, "finding")} == {"p/a.py"}


def test_a_command_replaces_the_runner(tmp_path):
    assert run("command", tmp_path, argv=["sh", "-c", "echo said; exit 5"])[::2] == (5, "said\n")
    code, lines, said = run("command", tmp_path, argv=["no-such-program"])
    assert (code, lines, said) == (127, [], "no-such-program: No such file or directory\n")


def test_the_supervisor_knows_every_runner_by_name():
    from box.preload import ENTRIES
    from box.runners import runner

    assert all(callable(runner(entry)) for entry in ENTRIES)
