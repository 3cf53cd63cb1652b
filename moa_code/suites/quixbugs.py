"""QuixBugs, Python half: forty programs with one defect each. Read from a local copy; nothing of it is bundled."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path

from moa_code.core.box import Limits
from moa_code.core.errors import TaskError
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.task import CheckId, CheckKind, Checks, EditRules, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.suites.loaded import HIDDEN_FOLDER, VISIBLE_FOLDER, HiddenChecks, LoadedTask
from moa_code.suites.quixbugs_inputs import PROGRAMS, Args, made_inputs, oracle_disagrees
from moa_code.suites.quixbugs_rules import (
    GIVEN_JUDGES,
    NODE_PROGRAMS,
    ODD_HALF_VISIBLE,
    call_source,
    judge_source,
    slow,
)
from moa_code.suites.reference import Question, ask
from moa_code.suites.task_folder import PROTECTED
from moa_code.suites.task_toml import nearest

DATA_VARIABLE = "MOA_CODE_DATA"
MADE_CASES = 48
"""Fresh inputs a program; where the domain is smaller or the reference gives up on some, fewer, but at least 40."""

_REMEDY = f"git clone https://github.com/jkoppel/QuixBugs DIR/quixbugs, then --data DIR or {DATA_VARIABLE}=DIR"
_REFERENCE_CPU_S = 5.0
_LIMITS = Limits(cpu_s=10.0, wall_s=60.0, memory_bytes=512 << 20)


def data_folder(option: Path | None, environ: Mapping[str, str]) -> Path:
    """The folder that holds data sets: `--data`, else the environment variable. Raises `TaskError` for neither."""
    if option is not None:
        return option
    if environ.get(DATA_VARIABLE):
        return Path(environ[DATA_VARIABLE])
    raise TaskError(f"QuixBugs is not bundled: neither --data nor {DATA_VARIABLE} says where it is", remedy=_REMEDY)


def load(data_dir: Path) -> tuple[LoadedTask, ...]:
    """All forty tasks, sorted by name. `data_dir` holds a folder `quixbugs`.

    The given cases are split into a visible and a hidden half by index: even ones are visible, except for the
    programs that fail only odd ones (`ODD_HALF_VISIBLE`). Slow ones are never visible. Hidden are the other half and
    inputs made inside each program's precondition, with the reference's answers, computed here in another process.
    """
    root = data_dir / "quixbugs"
    for part in ("python_programs", "correct_python_programs", "json_testcases", "python_testcases"):
        if not (root / part).is_dir():
            raise TaskError(f"QuixBugs is not in {data_dir}: {root / part} is missing", remedy=_REMEDY)
    inputs = {name: made_inputs(name, MADE_CASES) for name in PROGRAMS}
    references = {name: _read(root / "correct_python_programs" / f"{name}.py") for name in PROGRAMS}
    answers = ask(
        [
            Question(source=_run_source(name, references[name]), inputs=tuple(repr(args) for args in inputs[name]))
            for name in PROGRAMS
        ],
        imports=root / "correct_python_programs",
        cpu_s=_REFERENCE_CPU_S,
    )
    return tuple(
        _task(root, name, references[name], _made_cases(name, inputs[name], found))
        for name, found in zip(PROGRAMS, answers, strict=True)
    )


def select(tasks: tuple[LoadedTask, ...], names: tuple[str, ...]) -> tuple[LoadedTask, ...]:
    """The named tasks (`gcd` or `quixbugs/gcd`) in the order given; all when none is named."""
    by_name = {loaded.task.entry_point: loaded for loaded in tasks}
    for name in names:
        if name.removeprefix("quixbugs/") not in by_name:
            raise TaskError(f"QuixBugs has no program {name!r}; {nearest(name, by_name)}", remedy="name one of those")
    return tuple(by_name[name.removeprefix("quixbugs/")] for name in names) if names else tasks


def _task(root: Path, name: str, reference: str, made: list[tuple[str, str]]) -> LoadedTask:
    program = _read(root / "python_programs" / f"{name}.py")
    tree = {f"{name}.py": program.encode()}
    if name in NODE_PROGRAMS:
        tree["node.py"] = _read(root / "python_programs" / "node.py").encode()
    if (root / "json_testcases" / f"{name}.json").is_file():
        visible, hidden = _json_tests(root / "json_testcases" / f"{name}.json", name)
    else:
        visible, hidden = _pytest_tests(root / "python_testcases" / f"test_{name}.py", name)
    visible_file = f"{VISIBLE_FOLDER}/test_{name}.py"
    hidden_file, made_file = f"{HIDDEN_FOLDER}/test_{name}_given.py", f"{HIDDEN_FOLDER}/test_{name}_made.py"
    made_text = _made_tests(name, made)
    return LoadedTask(
        task=Task(
            task_id=TaskId(f"quixbugs/{name}"),
            mode=Mode.FIX,
            instruction=_instruction(name, program),
            tree=MemorySnapshot(files=tree | {visible_file: visible[0].encode()}),
            checks=Checks(kind=CheckKind.PYTEST, targets=(VISIBLE_FOLDER,), expected=_ids(visible_file, visible[1])),
            limits=_LIMITS,
            rules=EditRules(editable=(f"{name}.py",), protected=PROTECTED),
            entry_point=name,
        ),
        hidden=HiddenChecks(
            files=MemorySnapshot(files={hidden_file: hidden[0].encode(), made_file: made_text.encode()}),
            expected=_ids(hidden_file, hidden[1])
            + _ids(made_file, [f"test_{name}[made{number}]" for number in range(len(made))]),
        ),
        solution=patch_of(FileChange(path=f"{name}.py", before=program.encode(), after=reference.encode())),
        folder=root,
    )


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise TaskError(f"cannot read {path}: {error.strerror}", remedy=_REMEDY) from error
    except UnicodeDecodeError as error:
        raise TaskError(f"{path} is not UTF-8: {error.reason} at byte {error.start}", remedy=_REMEDY) from error


def _ids(file: str, names: list[str]) -> tuple[CheckId, ...]:
    return tuple(CheckId(f"{file}::{name}") for name in names)


def _instruction(name: str, program: str) -> str:
    """What the program should do: the text at the end of its file."""
    texts = [
        node.value.value
        for node in ast.parse(program).body
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]
    if not texts:
        raise TaskError(f"{name}.py of QuixBugs has no specification at its end", remedy=_REMEDY)
    opening = f"`{name}` in `{name}.py` has a defect: some of its tests fail. Mend it. Its specification:"
    return f"{opening}\n\n{texts[-1].strip()}\n"


def _json_tests(path: Path, name: str) -> tuple[tuple[str, list[str]], tuple[str, list[str]]]:
    """Visible and hidden test file, each with the names of its tests. A case keeps its line's index in its name."""
    left, right = GIVEN_JUDGES.get(name, (f"{name}(*args)", "expected"))
    halves: tuple[dict[str, tuple[str, str]], dict[str, tuple[str, str]]] = ({}, {})
    for index, line in enumerate(line for line in _read(path).splitlines() if line.strip()):
        args, expected = _case(path, line)
        too_slow, hopeless = slow(name, args)
        if not hopeless:
            visible = index % 2 == int(name in ODD_HALF_VISIBLE) and not too_slow
            halves[0 if visible else 1][f"case{index}"] = (repr(args), repr(expected))
    texts = [
        f"import copy\n\nimport pytest\n\nfrom {name} import {name}\n\n"
        f"{_table(list(half.values()), list(half))}\n"
        f"def test_{name}(args, expected):\n"
        f"    args = copy.deepcopy(args)\n"
        f"    assert {left} == {right}\n"
        for half in halves
    ]
    names = [[f"test_{name}[{label}]" for label in half] for half in halves]
    return (texts[0], names[0]), (texts[1], names[1])


def _case(path: Path, line: str) -> tuple[Args, object]:
    """One line: `[arguments, expected]`; a lone argument may stand without its list."""
    try:
        case = json.loads(line)
    except json.JSONDecodeError as error:
        raise TaskError(f"{path}: not JSON: {line[:80]!r}", remedy=_REMEDY) from error
    if not isinstance(case, list) or len(case) != 2:
        raise TaskError(f"{path}: not [arguments, expected]: {line[:80]!r}", remedy=_REMEDY)
    args, expected = case
    return (args if isinstance(args, list) else [args]), expected


def _pytest_tests(path: Path, name: str) -> tuple[tuple[str, list[str]], tuple[str, list[str]]]:
    """The suite's own test functions in two halves, importing from the tree.

    What stands at the top of the file moves into each function: some tests change the objects made there, and checks
    must not depend on their order.
    """
    body = ast.parse(_read(path)).body
    shared = [node for node in body if isinstance(node, ast.Assign)]
    tests = [node for node in body if isinstance(node, ast.FunctionDef) and node.name.startswith("test")]
    for test in tests:
        test.body = [*shared, *(node for node in test.body if not _is_docstring(node))]
    imports = (
        f"from node import Node\nfrom {name} import {name}\n"
        if name in NODE_PROGRAMS
        else f"from {name} import {name}\n"
    )
    first = int(name in ODD_HALF_VISIBLE)
    halves = tests[first::2], tests[1 - first :: 2]
    texts = ["\n\n".join([imports, *(ast.unparse(test) + "\n" for test in half)]) for half in halves]
    names = [[test.name for test in half] for half in halves]
    return (texts[0], names[0]), (texts[1], names[1])


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _run_source(name: str, reference: str) -> str:
    node = "from node import Node\n" if name in NODE_PROGRAMS else ""
    return f"{node}{reference}\n\n{call_source(name)}"


def _made_cases(name: str, inputs: list[Args], answers: tuple[str | None, ...]) -> list[tuple[str, str]]:
    """(arguments, answer) as text, for the inputs that the reference answers rightly."""
    return [
        (repr(args), answer)
        for args, answer in zip(inputs, answers, strict=True)
        if answer is not None and not oracle_disagrees(name, args, answer)
    ]


def _made_tests(name: str, cases: list[tuple[str, str]]) -> str:
    node = "from node import Node\n" if name in NODE_PROGRAMS else ""
    labels = [f"made{number}" for number in range(len(cases))]
    return (
        f"import copy\nfrom math import inf\n\nimport pytest\n\n{node}from {name} import {name}\n\n\n"
        f"{call_source(name)}\n\n{judge_source(name)}\n\n"
        f"{_table(cases, labels)}\n"
        f"def test_{name}(args, expected):\n"
        f"    result = run(*copy.deepcopy(args))\n"
        f"    assert right(args, result, expected), (result, expected)\n"
    )


def _table(cases: list[tuple[str, str]], labels: list[str]) -> str:
    """A list of cases and the decorator that runs a test on each."""
    rows = "".join(f"    ({args}, {expected}),\n" for args, expected in cases)
    return f'CASES = [\n{rows}]\n\n\n@pytest.mark.parametrize(("args", "expected"), CASES, ids={labels!r})'
