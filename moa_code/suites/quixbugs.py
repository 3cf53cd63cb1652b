"""QuixBugs, Python half: forty programs with one defect each. Read from a local copy; nothing of it is bundled."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

from moa_code.core.box import Limits
from moa_code.core.errors import TaskError
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.task import CheckId, CheckKind, Checks, EditRules, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.suites.loaded import HIDDEN_FOLDER, VISIBLE_FOLDER, HiddenChecks, LoadedTask
from moa_code.suites.quixbugs_checks import json_checks, made_checks, pytest_checks
from moa_code.suites.quixbugs_inputs import PROGRAMS, Args, made_inputs, oracle_disagrees
from moa_code.suites.quixbugs_rules import NODE_PROGRAMS, call_source
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
    """All forty tasks, sorted by name. `data_dir` holds `quixbugs/`, or `suites/quixbugs/`.

    The given cases are split into a visible and a hidden half by index: even ones are visible, except for the
    programs that fail only odd ones (`ODD_HALF_VISIBLE`). Slow ones are never visible. Hidden are the other half and
    inputs made inside each program's precondition, with the reference's answers, computed here in another process.
    """
    nested = data_dir / "suites" / "quixbugs"
    root = nested if nested.is_dir() else data_dir / "quixbugs"
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
        visible, hidden = json_checks(name, _read(root / "json_testcases" / f"{name}.json"))
    else:
        visible, hidden = pytest_checks(name, _read(root / "python_testcases" / f"test_{name}.py"))
    visible_file = f"{VISIBLE_FOLDER}/test_{name}.py"
    hidden_file, made_file = f"{HIDDEN_FOLDER}/test_{name}_given.py", f"{HIDDEN_FOLDER}/test_{name}_made.py"
    fresh = made_checks(name, made)
    return LoadedTask(
        task=Task(
            task_id=TaskId(f"quixbugs/{name}"),
            mode=Mode.FIX,
            instruction=_instruction(name, program),
            tree=MemorySnapshot(files=tree | {visible_file: visible.text.encode()}),
            checks=Checks(kind=CheckKind.PYTEST, targets=(VISIBLE_FOLDER,), expected=_ids(visible_file, visible.names)),
            limits=_LIMITS,
            rules=EditRules(editable=(f"{name}.py",), protected=PROTECTED),
            entry_point=name,
        ),
        hidden=HiddenChecks(
            files=MemorySnapshot(files={hidden_file: hidden.text.encode(), made_file: fresh.text.encode()}),
            expected=_ids(hidden_file, hidden.names) + _ids(made_file, fresh.names),
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


def _ids(file: str, names: tuple[str, ...]) -> tuple[CheckId, ...]:
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
