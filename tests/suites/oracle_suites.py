"""Public benchmarks as the oracle judges them: the candidate's files, the judge's files, and how they are run."""

import ast
import copy
import gzip
import json
import math
import os
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from moa_code.core.tree import MemorySnapshot
from moa_code.suites.quixbugs_rules import slow
from moa_code.verify.separate import named_in, separation

sys.path.insert(0, str(Path(__file__).parents[1] / "box"))
from oracle_pairs import Pairs

__all__ = ["Pairs", "human_eval", "human_eval_plus", "mbpp", "polyglot", "quixbugs"]
REFERENCE_S = 2.0  # on one task's inputs


@dataclass(frozen=True, kw_only=True)
class Question:
    """One candidate and its checks. `wrong` is the same candidate without its answer, or with the defect."""

    name: str
    files: dict
    wrong: dict
    judged: dict
    entry: str = "oracle"
    select: tuple = ()
    calls: int = 1
    separation: object = field(default=None)

    def run(self, pairs, *, wrong=False, entry=None, **limits):
        files = self.wrong if wrong else self.files
        entry = entry or self.entry
        payload = {}
        if entry == "split":
            payload["unfit"] = sorted(self.separation.unfit)
            payload["named"] = self.separation.named
        elif entry == "oracle":
            payload["named"] = named_in(tree_of({**files, **self.judged}), self.judged)
        return pairs.run(files, self.judged, entry=entry, select=self.select or None, **{**payload, **limits})


def data_folder():
    """The folder of data sets; skips aloud without one."""
    folder = os.environ.get("MOA_CODE_DATA")
    if not folder:
        pytest.skip("MOA_CODE_DATA names no folder of data sets")
    nested = Path(folder) / "suites"
    return nested if nested.is_dir() else Path(folder)


def part(name):
    folder = data_folder() / name
    if not folder.is_dir():
        pytest.skip(f"{folder} is missing")
    return folder


def tree_of(files):
    return MemorySnapshot(files={path: text.encode("utf-8", "replace") for path, text in files.items()})


def without_answers(code):
    """`code` whose functions return None."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [ast.Return(ast.Constant(None))]
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def human_eval():
    """The prompt's helpers are the judge's own; of the candidate it takes the one function."""
    with gzip.open(part("humaneval") / "HumanEval.jsonl.gz", "rt") as stream:
        rows = [json.loads(line) for line in stream]
    for row in rows:
        name = row["entry_point"]
        script = f"{row['prompt']}    pass\n\nfrom solution import {name}\n{row['test']}\ncheck({name})\n"
        yield Question(
            name=row["task_id"],
            files={"solution.py": row["prompt"] + row["canonical_solution"]},
            wrong={"solution.py": row["prompt"] + "    return None\n"},
            judged={"check.py": script},
            calls=script.count("candidate("),
        )


def mbpp(step=1):
    for line in (part("mbpp") / "mbpp.jsonl").read_text().splitlines()[::step]:
        row = json.loads(line)
        asserts = "\n".join(row["test_list"])
        own = {
            name.partition(".")[0]
            for node in ast.parse(row["code"]).body
            for name in (
                [node.name]
                if isinstance(node, ast.FunctionDef | ast.ClassDef)
                else [alias.asname or alias.name for alias in node.names]
                if isinstance(node, ast.Import | ast.ImportFrom)
                else []
            )
        }
        used = {
            node.id
            for node in ast.walk(ast.parse(row["test_setup_code"] + "\n" + asserts))
            if isinstance(node, ast.Name)
        }
        names = ", ".join(sorted(own & used))
        yield Question(
            name=f"mbpp/{row['task_id']}",
            files={"solution.py": row["code"]},
            wrong={"solution.py": without_answers(row["code"])},
            judged={"check.py": f"from solution import {names}\n{row['test_setup_code']}\n{asserts}\n"},
            calls=3,
        )


def human_eval_plus(step, most_inputs):
    """Calls with the answers of the reference, by the suite's own rule of tolerance. Every `step`-th task."""
    sys.set_int_max_str_digits(0)
    with gzip.open(part("humaneval_plus") / "HumanEvalPlus.jsonl.gz", "rt") as stream:
        rows = [json.loads(line) for line in stream]
    for row in rows[::step]:
        name = row["entry_point"]
        if name == "find_zero":  # graded by substitution, which is no table of answers
            continue
        source = row["prompt"] + row["canonical_solution"]
        names = {}
        exec(source, names)
        cases, until = [], time.monotonic() + REFERENCE_S
        for args in (row["base_input"] + row["plus_input"])[:most_inputs]:
            want = names[name](*copy.deepcopy(args))
            cases.append(
                {
                    "call": f"solution.{name}",
                    "args": case_value(args),
                    "returns": case_value(want),
                    "tolerance": row["atol"],
                }
            )
            if time.monotonic() > until:
                break
        yield Question(
            name=row["task_id"],
            files={"solution.py": source},
            wrong={"solution.py": row["prompt"] + "    raise NotImplementedError\n"},
            judged={"cases.json": json.dumps(cases)},
            calls=len(cases),
        )


def case_value(value):
    """A value as a case writes it."""
    match value:
        case float() if not math.isfinite(value):
            return {"$float": repr(value)}
        case list():
            return [case_value(item) for item in value]
        case tuple():
            return {"$tuple": [case_value(item) for item in value]}
        case set():
            return {"$set": [case_value(item) for item in value]}
        case complex():
            return {"$complex": [value.real, value.imag]}
        case dict():
            return {"$dict": [[case_value(key), case_value(item)] for key, item in value.items()]}
        case None | bool() | int() | float() | str():
            return value
    raise TypeError(f"{type(value)} in a case")


def quixbugs():
    root = part("quixbugs")
    for path in sorted((root / "correct_python_programs").glob("*.py")):
        name = path.stem
        if name == "node":
            continue
        files = {f"{name}.py": path.read_text()}
        wrong = {f"{name}.py": (root / "python_programs" / f"{name}.py").read_text()}
        cases = root / "json_testcases" / f"{name}.json"
        if cases.is_file():
            found = quixbugs_cases(name, cases.read_text())
            judged = {"cases.json": json.dumps(found)}
            yield Question(name=name, files=files, wrong=wrong, judged=judged, calls=len(found))
            continue
        node = (root / "python_programs" / "node.py").read_text()
        text = (root / "python_testcases" / f"test_{name}.py").read_text()
        imports = rf"from {name} import \1\n"
        text = re.sub(r"if pytest\.use_correct:\n.* import (\w+)\nelse:\n.*\n", imports, text)
        judged = {f"test_{name}.py": text}
        yield Question(
            name=name,
            files=files | {"node.py": node},
            wrong=wrong | {"node.py": node},
            judged=judged,
            entry="split",
            separation=separation(tree_of(wrong | {"node.py": node} | judged), list(judged), list(judged)),
        )


def quixbugs_cases(name, text):
    found = []
    for line in text.splitlines():
        if not line.strip():
            continue
        args, want = json.loads(line)
        args = args if isinstance(args, list) else [args]
        if slow(name, args)[0]:
            continue
        case = {"call": f"{name}.{name}", "args": args, "returns": want}
        match name:
            case "flatten" | "kheapsort":
                case["iterates"] = True
            case "sqrt":
                case |= {"tolerance": args[-1], "relative": 0}
            case "hanoi":
                case["returns"] = [{"$tuple": move} for move in want]
        found.append(case)
    return found


def polyglot():
    for folder in sorted(part("polyglot_python").iterdir()):
        if not folder.is_dir():
            continue
        name = folder.name.replace("-", "_")
        stub = {f"{name}.py": (folder / f"{name}.py").read_text()}
        checks = f"{name}_test.py"
        judged = {path.name: path.read_text() for path in folder.glob("*.py") if path.name != f"{name}.py"}
        yield Question(
            name=name,
            files={f"{name}.py": (folder / ".meta" / "example.py").read_text()},
            wrong=stub,
            judged=judged,
            entry="split",
            select=(checks,),
            separation=separation(tree_of(stub | judged), [checks], list(judged)),
        )
