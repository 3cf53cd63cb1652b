"""What real models answered to HumanEval, spliced into the stub; nothing is run."""

import ast
import gzip
import json
import os
from pathlib import Path

import pytest

from moa_code.core.task import EditRules
from moa_code.core.tree import MemorySnapshot
from moa_code.edits.reply import Edited, EditFormat, read_reply

DATA = Path(os.environ.get("MOA_CODE_DATA", "no data"))
REPLIES = DATA / "recordings" / "humaneval.jsonl.gz"
TASKS = DATA / "suites" / "humaneval" / "HumanEval.jsonl.gz"

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not (REPLIES.is_file() and TASKS.is_file()), reason="MOA_CODE_DATA names no recorded replies"),
]


def rows(path):
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def body_of(code, name):
    """The function without annotations and docstring; `None` if it is not defined once at the top level."""
    try:
        found = [n for n in ast.parse(code).body if isinstance(n, ast.FunctionDef) and n.name == name]
    except SyntaxError:
        return None
    if not found:
        return None
    body = found[-1].body
    documented = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    return [ast.dump(statement) for statement in body[documented:]]


def test_nearly_every_real_reply_is_read_as_its_published_extraction():
    """Extraction by the data's publishers is the yardstick, where it has the function at all."""
    tasks = {row["task_id"]: row for row in rows(TASKS)}
    same = failed = 0
    for row in [r for r in rows(REPLIES) if r["response"]][::5]:
        task = tasks[row["task_id"]]
        name = task["entry_point"]
        wanted = body_of(row["code"] or "", name)
        if wanted is None:
            continue
        stub = task["prompt"] + "    raise NotImplementedError\n"
        result = read_reply(
            row["response"],
            tree=MemorySnapshot(files={"solution.py": stub.encode()}),
            shown=("solution.py",),
            preferred=EditFormat.FUNCTION,
            target=f"solution.py::{name}",
            rules=EditRules(),
        )
        if isinstance(result, Edited):
            assert body_of(result.patch.changes[0].after.decode(), name) == wanted
            same += 1
        else:
            failed += 1
    assert same > 150
    assert failed <= 0.01 * same
