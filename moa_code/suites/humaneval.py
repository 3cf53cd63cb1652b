"""HumanEval, and HumanEval+ as stricter hidden checks. Read from a local copy; nothing of it is bundled."""

from __future__ import annotations

import ast
import doctest
import gzip
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypedDict

from moa_code.core.box import Limits
from moa_code.core.errors import EnvironmentFault, TaskError
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.task import CheckId, CheckKind, Checks, EditRules, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.suites.loaded import HIDDEN_FOLDER, VISIBLE_FOLDER, HiddenChecks, LoadedTask
from moa_code.suites.task_folder import PROTECTED
from moa_code.suites.task_toml import nearest

PROGRAM = "solution.py"
STUB = "    raise NotImplementedError\n"
VISIBLE_FILE = f"{VISIBLE_FOLDER}/examples.py"
SUITE_FILE = f"{HIDDEN_FOLDER}/suite.py"
PLUS_FILE = f"{HIDDEN_FOLDER}/plus.py"
TASKS = 164
DATA_VARIABLE = "MOA_CODE_DATA"

_REMEDY = "put HumanEval.jsonl.gz of github.com/openai/human-eval into DIR/humaneval, then --data DIR"
_PLUS_REMEDY = "put HumanEvalPlus.jsonl.gz of github.com/evalplus/humanevalplus_release into DIR/humaneval_plus"
_LIMITS = Limits(cpu_s=30.0, wall_s=120.0)
_WORKER_S = 1200.0


class _Row(TypedDict):
    """One line of HumanEval."""

    task_id: str
    prompt: str
    entry_point: str
    canonical_solution: str
    test: str


class _PlusRow(TypedDict):
    """One line of HumanEval+; inputs are lists of positional arguments."""

    task_id: str
    prompt: str
    entry_point: str
    canonical_solution: str
    base_input: list[list[object]]
    plus_input: list[list[object]]
    atol: float


def data_folder(option: Path | None, environ: Mapping[str, str]) -> Path:
    """The folder that holds data sets: `--data`, else the environment variable. Raises `TaskError` for neither."""
    if option is not None:
        return option
    if environ.get(DATA_VARIABLE):
        return Path(environ[DATA_VARIABLE])
    raise TaskError(f"HumanEval is not bundled: neither --data nor {DATA_VARIABLE} says where it is", remedy=_REMEDY)


def load(
    data_dir: Path,
    *,
    plus_cache: Path | None = None,
    visible: Mapping[str, tuple[str, ...]] | None = None,
    imports: str = "",
) -> tuple[LoadedTask, ...]:
    """All 164 tasks in the suite's order. `data_dir` holds `humaneval/`, or `suites/humaneval/`.

    With `plus_cache`, a folder for computed answers, HumanEval+ is loaded too, as each task's `stricter` checks.
    Visible are the asserts in `visible` by task id; None: those of `recordings/humaneval_visible_tests.jsonl.gz` where
    that is there, else the `>>>` examples of each docstring. `imports` begin the program that is to be completed:
    recorded answers may rely on some. Raises `TaskError` and `EnvironmentFault`.
    """
    root = data_dir / "suites" if (data_dir / "suites").is_dir() else data_dir
    rows: list[_Row] = _rows(root / "humaneval" / "HumanEval.jsonl.gz", _REMEDY)
    if len(rows) != TASKS:
        raise TaskError(f"HumanEval in {root} has {len(rows)} tasks, not {TASKS}", remedy=_REMEDY)
    if visible is None:
        visible = _recorded_visible(data_dir / "recordings" / "humaneval_visible_tests.jsonl.gz")
    stricter = {} if plus_cache is None else _plus(root / "humaneval_plus" / "HumanEvalPlus.jsonl.gz", plus_cache)
    return tuple(_task(row, visible.get(row["task_id"], ()), stricter, root / "humaneval", imports) for row in rows)


def select(tasks: tuple[LoadedTask, ...], names: tuple[str, ...]) -> tuple[LoadedTask, ...]:
    """The named tasks (`HumanEval/0`, `0` or the function's name) in the order given; all when none is named."""
    by_name: dict[str, LoadedTask] = {}
    for loaded in tasks:
        number = loaded.task.task_id.rpartition("/")[2]
        by_name |= {loaded.task.task_id: loaded, number: loaded}
        by_name.setdefault(loaded.task.entry_point.rpartition("::")[2], loaded)
    for name in names:
        if name not in by_name:
            raise TaskError(f"HumanEval has no task {name!r}; {nearest(name, by_name)}", remedy="name one of those")
    return tuple(by_name[name] for name in names) if names else tasks


def _task(row: _Row, asserts: tuple[str, ...], stricter: Mapping[str, str], folder: Path, imports: str) -> LoadedTask:
    name, prompt = row["entry_point"], row["prompt"]
    stub = (imports + prompt + STUB).encode()
    visible_text, visible_ids = visible_checks(prompt, name, asserts or docstring_examples(prompt, name))
    hidden = f"{prompt}    pass\n\n\nfrom solution import {name}\n{row['test']}\n\ncheck({name})\n"
    plus = stricter.get(row["task_id"])
    return LoadedTask(
        task=Task(
            task_id=TaskId(row["task_id"]),
            mode=Mode.IMPLEMENT,
            instruction=(
                f"Write the function `{name}` in `{PROGRAM}`: its docstring says what it does. The examples there are "
                "checked, and so are other inputs that the docstring allows.\n"
            ),
            tree=MemorySnapshot(files={PROGRAM: stub, VISIBLE_FILE: visible_text.encode()}),
            checks=Checks(kind=CheckKind.ORACLE, targets=(VISIBLE_FILE,), expected=visible_ids),
            limits=_LIMITS,
            rules=EditRules(editable=(PROGRAM,), protected=PROTECTED),
            entry_point=f"{PROGRAM}::{name}",
        ),
        hidden=_hidden(SUITE_FILE, hidden),
        stricter=None if plus is None else _hidden(PLUS_FILE, plus),
        solution=patch_of(
            FileChange(path=PROGRAM, before=stub, after=(imports + prompt + row["canonical_solution"]).encode()),
        ),
        folder=folder,
    )


def _hidden(path: str, text: str) -> HiddenChecks:
    files = MemorySnapshot(files={path: text.encode()})
    return HiddenChecks(files=files, targets=(path,), expected=(CheckId(path),))


def visible_checks(prompt: str, name: str, asserts: Iterable[str]) -> tuple[str, tuple[CheckId, ...]]:
    """A file with one check an assert, and the checks' ids.

    Helpers that a prompt brings along are the judge's own where an assert uses them. Without an assert, all that is
    checked is that the function is there.
    """
    lines = tuple(asserts) or (f"assert callable({name})",)
    used = {node.id for line in lines for node in ast.walk(ast.parse(line)) if isinstance(node, ast.Name)}
    before = prompt[: _start_of(prompt, name)]
    defined = {node.name for node in ast.parse(before).body if isinstance(node, ast.FunctionDef)}
    parts = [f"{before}\n"] if used & (defined | {"math"}) else []
    parts.append(f"from solution import {name}\n")
    ids = []
    for number, line in enumerate(lines, 1):
        parts.append(f"\n\ndef test_example_{number}():\n    {line}\n")
        ids.append(CheckId(f"{VISIBLE_FILE}::test_example_{number}"))
    return "".join(parts), tuple(ids)


def _start_of(prompt: str, name: str) -> int:
    """Where the last definition of the function begins."""
    return prompt.rindex(f"def {name}")


def docstring_examples(prompt: str, name: str) -> tuple[str, ...]:
    """The `>>>` examples of the function's docstring as asserts; those that show no Python value are left out."""
    tree = ast.parse(prompt + "    pass\n")
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    text = ast.get_docstring(found[-1]) if found else None
    asserts = []
    try:
        examples = doctest.DocTestParser().get_examples(text or "")
    except ValueError:  # a docstring that only looks like examples
        return ()
    for example in examples:
        source, want = example.source.strip(), example.want.strip()
        try:
            ast.literal_eval(want)
            ast.parse(source, mode="eval")
        except (ValueError, SyntaxError):
            continue
        asserts.append(f"assert {source} == {want}")
    return tuple(asserts)


def _recorded_visible(path: Path) -> dict[str, tuple[str, ...]]:
    if not path.is_file():
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for row in _rows(path, "fetch the recordings again"):
        found[row["task_id"]] = tuple(row["visible_tests"])
    return found


def _plus(path: Path, cache: Path) -> dict[str, str]:
    """The stricter checks by task id. The answers are the references', computed once and kept in `cache`."""
    rule_file, worker = (Path(__file__).with_name(f"humaneval_{part}.py") for part in ("rule", "worker"))
    rule = rule_file.read_text(encoding="utf-8")
    rows: list[_PlusRow] = _rows(path, _PLUS_REMEDY)
    kept = cache / f"humaneval_plus-{_digest(path, rule_file, worker)}.json"
    try:
        tables: list[str] = json.loads(kept.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        tables = _answers(rows, rule, worker)
        _keep(kept, json.dumps(tables))
    return {row["task_id"]: _plus_check(row, rule, table) for row, table in zip(rows, tables, strict=True)}


def _plus_check(row: _PlusRow, rule: str, table: str) -> str:
    name = row["entry_point"]
    any_root = name == "find_zero"  # the answer is put into the polynomial
    judged = f"is_root(args[0], got, {row['atol']!r})" if any_root else f"same(got, want, {row['atol']!r})"
    return (
        f"{rule}\nimport copy\nimport sys\n\nsys.set_int_max_str_digits(0)\nfrom solution import {name}\n\n"
        f"inf, nan = float('inf'), float('nan')\nCASES = {table}\n"
        f"for args, want in CASES:\n"
        f"    got = {name}(*copy.deepcopy(args))\n"
        f"    assert {judged}, f'{name}{{args!r:.300}} is {{got!r:.200}}'\n"
    )


def _answers(rows: list[_PlusRow], rule: str, worker: Path) -> list[str]:
    programs = [
        {
            "source": row["prompt"] + row["canonical_solution"],
            "name": row["entry_point"],
            "inputs": row["base_input"] + row["plus_input"],
        }
        for row in rows
    ]
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-B", str(worker)],
            input=json.dumps({"rule": rule, "programs": programs}),
            capture_output=True,
            text=True,
            timeout=_WORKER_S,
            env={"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFault(
            f"the references of HumanEval+ did not answer within {_WORKER_S:g} s", remedy="try again when idle"
        ) from error
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise EnvironmentFault(
            f"the references of HumanEval+ could not be run (status {done.returncode}): {last[0]}", remedy=_PLUS_REMEDY
        )
    answers: list[str] = json.loads(done.stdout)
    return answers


def _keep(path: Path, text: str) -> None:
    """Write the file whole or not at all."""
    half = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half.write_text(text, encoding="utf-8")
        half.replace(path)
    except OSError as error:
        raise EnvironmentFault(
            f"{path} cannot be written: {error.strerror}", remedy="export XDG_CACHE_HOME=/a/writable/folder"
        ) from error


def _digest(*paths: Path) -> str:
    total = hashlib.sha256()
    for path in paths:
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]


def _rows(path: Path, remedy: str) -> list[Any]:
    """The lines of a gzipped JSONL file. Raises `TaskError` naming file and reason."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            return [json.loads(line) for line in lines if line.strip()]
    except OSError as error:
        raise TaskError(f"cannot read {path}: {error.strerror or error}", remedy=remedy) from error
    except (EOFError, ValueError) as error:
        raise TaskError(f"{path} is not gzipped JSON lines: {error}", remedy=remedy) from error
