"""The linter in a batch says what it says of the same file in its own tree."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from test_box_runners import of, run

from moa_code.core.box import Limits
from moa_code.core.task import CheckKind, Checks, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.verify import plan

INIT = b"import pkg.a\nimport top\nimport other\nimport os\nfrom .x import y\nimport numpy\n"
NEST = {
    "pkg/__init__.py": INIT,
    "pkg/a.py": INIT,
    "pkg/sub/__init__.py": INIT,
    "pkg/sub/deep/__init__.py": INIT,
    "lib/loose/__init__.py": INIT,
    "top.py": b"",
}
LAYOUTS = {
    "flat": NEST,
    "src": {f"src/{path}": content for path, content in NEST.items()},
    "alone": {"__init__.py": INIT, "other/b.py": INIT},
    "stub": {"pkg/__init__.pyi": INIT, "pkg/__init__.py": INIT + b"__all__ = ['gone']\nprint(gone)\n"},
    "numbers": {"0/__init__.py": INIT, "1.py": INIT, "0/0/__init__.py": INIT},
}


def write(folder, files):
    for path, content in files.items():
        target = Path(folder, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def directly(folder, path):
    ruff = str(Path(sys.executable).with_name("ruff"))
    command = [ruff, "check", "--isolated", "--no-cache", "--ignore-noqa", "--output-format=json"]
    done = subprocess.run([*command, f"--select={plan.LINT_RULES}", path], cwd=folder, capture_output=True, check=False)
    return [(found["code"], found["location"]["row"], found["message"]) for found in json.loads(done.stdout)]


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_file_in_a_batch_is_judged_as_in_its_own_tree(tmp_path, name):
    files = LAYOUTS[name]
    task = Task(
        task_id=TaskId("t"),
        mode=Mode.FIX,
        instruction="",
        tree=MemorySnapshot(files=files),
        checks=Checks(kind=CheckKind.PYTEST),
    )
    judged = [(path, content) for path, content in files.items() if path.endswith(".py")]
    planned = plan.static_job(task, judged, Limits(), lint=True)
    tree, batch = tmp_path / "tree", tmp_path / "batch"
    write(tree, files)
    write(batch, {path: planned.job.tree.read(path) for path in planned.job.tree.paths()})
    write(batch, {change.path: change.after for change in planned.job.overlay})
    payload = {key: planned.job.payload[key] for key in ("within", "paths", "select")}
    _, lines, said = run("static", batch, **payload)
    assert len(of(lines, "end")) == len(judged), said
    for at, (path, _) in enumerate(judged):
        found = [(f["code"], f["line"], f["message"]) for f in of(lines, "finding") if f["at"] == at]
        assert found == directly(tree, path), path
