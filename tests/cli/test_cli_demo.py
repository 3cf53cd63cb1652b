"""One real run through the command line, and everything a user does with it afterwards."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from cli_calls import Done, command, contents, spawn
from test_cli_documents import valid

pytestmark = pytest.mark.docker

GOLDEN = Path(__file__).with_name("golden")


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    return tmp_path_factory.mktemp("demo-home")


@pytest.fixture(scope="module")
def demo(state):
    """`demo --keep --json`, its repository and its document; shared by all tests here."""
    folder = state / "warehouse"
    process = spawn(state, "demo", "--keep", folder, "--json", "--events", state / "events.jsonl")
    out, err = process.communicate(timeout=180)
    assert process.returncode == 0, err
    return folder, valid("run", out), err


@pytest.fixture
def repository(demo, state):
    """The demo's repository, put back to its bug afterwards."""
    folder, document, _ = demo
    yield folder, document
    subprocess.run(["git", "-C", folder, "checkout", "--quiet", "."], check=True)
    shutil.rmtree(state / "state" / "moa-code" / "applied", ignore_errors=True)


def normal(value, key=""):
    """The document with what differs between runs, machines and images replaced by its type."""
    if key in VARYING:
        return f"<{type(value).__name__}>"
    if isinstance(value, dict):
        return {k: normal(v, k) for k, v in value.items()}
    return [normal(v) for v in value] if isinstance(value, list) else value


OF_THE_RUN = {"run_id", "at", "started_at", "finished_at", "duration_s", "directory", "winner", "candidate_id", "seed"}
OF_THE_SEARCH = {"screened", "note"}  # it goes as far as the machine's speed lets it
OF_THE_MACHINE = {"image_digest", "python", "engine", "uid", "cpus", "memory_bytes", "pids", "tmpfs_bytes", "missing"}
VARYING = OF_THE_RUN | OF_THE_SEARCH | OF_THE_MACHINE


def golden(name, document):
    """Compared as a whole: what changes here changes for everybody who reads these documents."""
    path = GOLDEN / f"{name}.json"
    found = json.loads(json.dumps(normal(document)))
    if os.environ.get("MOA_CODE_TEST_WRITE_GOLDEN"):
        path.write_text(json.dumps(found, indent=2) + "\n")
    assert found == json.loads(path.read_text())


def test_the_document_of_a_run(demo, state):
    folder, document, err = demo
    assert document["status"] == "verified"
    assert document["verdict"]["checks"] == {"expected": 46, "run": 46, "passed": 46, "failed": 0, "skipped": 0}
    assert document["candidates"]["screened"] > 0
    # Which other drafts are looked at, and how many, depends on the machine's speed.
    winner = document["verdict"]["patch_sha256"]
    judged = [row for row in document["candidates"]["judged"] if row["patch_sha256"] == winner]
    candidates = {**document["candidates"], "judged": judged[:1]}
    steps = [step["kind"] for step in document["steps"] if step["kind"] in ("propose", "confirm", "stop")]
    golden("run", {**document, "candidates": candidates, "steps": steps})
    assert "moa-code apply" in err
    events = [json.loads(line)["event"] for line in (state / "events.jsonl").read_text().splitlines()]
    assert events[0] == "Started"
    assert events[-1] == "Finished"
    assert contents(folder)["inventory/allocation.py"].count(b"min(lot.free, wanted)") == 1  # untouched until apply


def test_apply_and_undo(repository, state):
    folder, document = repository
    run = document["run_id"]
    before = contents(folder / "inventory")
    applied = command(state, "apply", "last", cwd=state)
    assert (applied.code, applied.out) == (0, "applied: inventory/allocation.py\n")
    assert f"moa-code undo {run}" in applied.err
    assert command(state, "apply", run).out == "already applied: inventory/allocation.py\n"
    assert contents(folder / "inventory") != before
    assert command(state, "undo", "last").out == "undone: inventory/allocation.py\n"
    assert command(state, "undo", run).out == "already undone: inventory/allocation.py\n"
    assert contents(folder / "inventory") == before


def test_apply_refuses_a_dirty_overlap_and_names_it(repository, state):
    folder, _ = repository
    path = folder / "inventory" / "allocation.py"
    path.write_text(path.read_text() + "# my own work\n")
    mine = contents(folder / "inventory")
    done = command(state, "apply", "last")
    assert done.code == 2
    assert "inventory/allocation.py" in done.err
    assert "git stash" in done.err
    assert contents(folder / "inventory") == mine


def test_undo_keeps_later_work(repository, state):
    folder, _ = repository
    assert command(state, "apply", "last").code == 0
    path = folder / "inventory" / "allocation.py"
    path.write_text(path.read_text() + "# my own work\n")
    mine = contents(folder / "inventory")
    done = command(state, "undo", "last")
    assert done.code == 2
    assert "inventory/allocation.py" in done.err
    assert contents(folder / "inventory") == mine


def test_verify_its_patch_from_a_file_and_from_standard_input(repository, state, tmp_path):
    folder, document = repository
    diff = command(state, "runs", "diff", "last")
    assert diff.out.splitlines()[0] == document["patch"].splitlines()[0]
    (tmp_path / "p.diff").write_text(document["patch"])
    done = command(state, "verify", "--repo", folder, "--patch", tmp_path / "p.diff", "--json", "--quiet")
    assert done.code == 0
    assert done.err == ""
    verdict = valid("verdict", done.out)
    assert verdict["patch_sha256"] == document["verdict"]["patch_sha256"]
    golden("verdict", verdict)
    done = command(state, "verify", "--repo", ".", "--patch", "-", stdin=diff.out, cwd=folder)
    assert done.code == 0
    assert done.out.startswith("passed  warehouse  46 of 46 checks pass\n")


def test_verify_a_patch_that_breaks_something_or_touches_a_test(repository, state):
    folder, _ = repository
    path = folder / "inventory" / "lots.py"
    path.write_text(path.read_text().replace("lot.expires", "lot.lot_id"))
    wrong = subprocess.run(["git", "-C", folder, "diff"], capture_output=True, text=True, check=True).stdout
    subprocess.run(["git", "-C", folder, "checkout", "--quiet", "."], check=True)
    done = command(state, "verify", "--repo", folder, "--patch", "-", "--json", stdin=wrong)
    assert done.code == 1
    verdict = valid("verdict", done.out)
    assert verdict["outcome"] == "failed"
    assert verdict["failing"]
    assert verdict["checks"]["passed"] < verdict["checks"]["expected"] == 46
    test = folder / "tests" / "test_orders.py"
    test.write_text("")
    cheat = subprocess.run(["git", "-C", folder, "diff"], capture_output=True, text=True, check=True).stdout
    subprocess.run(["git", "-C", folder, "checkout", "--quiet", "."], check=True)
    done = command(state, "verify", "--repo", folder, "--patch", "-", stdin=cheat)
    assert done.code == 1
    assert done.out.startswith("rejected")
    assert "  refused  tests/test_orders.py: protected" in done.out
    hook = "diff --git a/{0} b/{0}\nnew file mode 100644\n--- /dev/null\n+++ b/{0}\n@@ -0,0 +1 @@\n+evil\n"
    for path in (".git/hooks/pre-commit", ".github/workflows/x.yml", "sitecustomize.py"):
        done = command(state, "verify", "--repo", folder, "--patch", "-", stdin=hook.format(path))
        assert done.code in (1, 2)
        assert path in done.out + done.err
        assert not (folder / path).exists()


def test_what_is_not_committed_is_part_of_the_input(repository, state):
    """With the bug mended by hand and not committed there is nothing to do."""
    folder, _ = repository
    path = folder / "inventory" / "allocation.py"
    path.write_text(path.read_text().replace("min(lot.free, wanted)", "min(lot.free, missing)"))
    done = command(state, "fix", "--json", "--quiet", cwd=folder)
    assert done.code == 0
    document = valid("run", done.out)
    assert (document["status"], document["patch"]) == ("nothing_to_do", None)
    golden("nothing_to_do", document)


def test_runs_list_and_show(demo, state):
    _, document, _ = demo
    rows = valid("runs", command(state, "runs", "list", "--json").out)["runs"]
    row = next(row for row in rows if row["run_id"] == document["run_id"])
    golden("runs_row", row)
    log = valid("log", command(state, "runs", "show", document["run_id"], "--json").out)
    assert log["result"] == document
    assert log["winner"] in [candidate["candidate_id"] for candidate in log["candidates"]]
    text = command(state, "runs", "show", document["run_id"][:-1]).out
    assert "propose" in text


def test_an_output_file_inside_the_folder_is_no_part_of_it(shop, home):
    """Standard error and the events grow while the tree is read; both lie in a folder that git does not manage."""
    (shop / "events.jsonl").write_text("from an earlier run\n")
    with (shop / "log.txt").open("w") as log, (shop / "fix.diff").open("w") as out:
        process = spawn(home, "fix", ".", "--events", "events.jsonl", cwd=shop, stdout=out, stderr=log)
        process.wait(timeout=120)
    assert process.returncode == 0, (shop / "log.txt").read_text()
    assert "+    return a + b" in (shop / "fix.diff").read_text()


@pytest.mark.parametrize(
    ("tests", "words"),
    [
        ("def test_f(:\n", ["test_shop.py", "SyntaxError"]),
        ("import nosuchmodule\n\n\ndef test_f():\n    pass\n", ["No module named 'nosuchmodule'", "--image"]),
        ("while True:\n    pass\n", ["do not come to an end", "--cpu"]),
    ],
)
def test_checks_that_cannot_be_run(shop, home, tests, words):
    (shop / "test_shop.py").write_text(tests)
    before = contents(shop)
    done = command(home, "fix", shop, "--cpu", "1", "--wall", "5")
    assert done.code == 3, done.err
    assert done.out == ""
    assert all(word in done.err for word in words), done.err
    assert contents(shop) == before
    shown = command(home, "runs", "show", "last").out
    assert "failed" in shown
    assert words[0] in shown


def test_a_check_that_hangs_is_named(shop, home):
    (shop / "test_shop.py").write_text("def test_f():\n    while True:\n        pass\n")
    done = command(home, "fix", shop, "--cpu", "1")
    assert done.code == 1
    assert "test_shop.py::test_f did not come to an end (--cpu, --wall raise the limit)" in done.err


def test_no_such_image(shop, home):
    done = command(home, "fix", shop, "--image", "nosuch-image:1", "--backend", "docker")
    assert done.code == 3
    assert "the engine has no image 'nosuch-image:1'" in done.err
    assert "docker pull nosuch-image:1" in done.err


def test_a_provider_that_does_not_answer(shop, home):
    """Nobody listens on the port: no patch, and the exit code says why."""
    done = command(home, "fix", shop, "--json", "--proposer", "openai/m@http://127.0.0.1:1/v1")
    assert done.code == 4
    document = valid("run", done.out)
    assert document["status"] == "unverified"
    assert document["candidates"]["lost"][0]["author"] == "openai/m@http://127.0.0.1:1/v1"


def test_a_bundled_task_is_not_written_to(home):
    done = command(home, "solve", "ledger-rounding", "--time-limit", "2s", "--json")
    assert done.code in (0, 1, 5), done.err
    valid("run", done.out)
    refused = command(home, "apply", "last")
    assert refused.code == 2
    assert "--into DIR" in refused.err or "no verified patch" in refused.err


def test_a_pipe_that_closes_after_one_line(demo, state):
    _, document, _ = demo
    process = spawn(state, "runs", "show", document["run_id"], "--json")
    process.stdout.readline()
    process.stdout.close()
    done = Done(process.wait(timeout=60), "", process.stderr.read())
    process.stderr.close()
    assert (done.code, done.err) == (0, "")


def test_nothing_is_left(left_behind, demo):
    deadline = time.monotonic() + 5
    while left_behind() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left_behind() == {}
