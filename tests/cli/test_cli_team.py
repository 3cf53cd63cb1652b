"""`moa-code team report`: from a file of trials, from the journal; for people and as a document."""

import json
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_cli_documents import valid

from moa_code.core.candidate import Candidate, CandidateId, Origin
from moa_code.core.errors import TaskError
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.task import CheckKind, Checks, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.core.verdict import Counts, Integrity, Level, Outcome, Verdict
from moa_code.journal.store import Journal
from moa_code.team import report_on_file


def line(task, author, right, **more):
    return json.dumps({"task_id": task, "author": author, "passed_visible": True, "right": right, **more})


@pytest.fixture
def pool(tmp_path):
    """`good` is right on 60 of 80 tasks, `twin` on the same, `other` on half of the rest."""
    path = tmp_path / "pool.jsonl"
    rows = [line(f"t{n}", author, n < 60, cost_usd=0.001, tokens=500) for n in range(80) for author in ("good", "twin")]
    rows += [line(f"t{n}", "other", 60 <= n < 70, plus=False) for n in range(80)]
    path.write_text("\n".join(rows) + "\n\n")
    return path


def test_a_table_that_says_who_to_keep(moa, pool):
    done = moa("team", "report", "--from", pool)
    assert done.code == 0, done.err
    assert "3 proposers on 80 tasks of pool.jsonl" in done.out
    lines = {tuple(text.split()[:2]) for text in done.out.splitlines() if text}
    assert ("keep", "good") in lines
    assert ("keep", "other") in lines
    assert "good" in done.out
    assert "1.00" in done.out  # phi of the twins
    assert "cost: not known of all" in done.out


def test_the_document(moa, pool):
    document = valid("team", moa("team", "report", "--from", pool, "--json", "--worth", "0.5").out)
    good, *_ = document["proposers"]
    assert (good["author"], good["tried"], good["cost_usd"], good["tokens"]) == ("good", 80, 0.001, 500)
    assert good["right"]["least"] == good["right"]["most"] == 0.75
    assert (document["passes"], document["graded"], document["worth_usd"]) == (240, None, 0.5)
    assert document["pairs"][0]["authors"] == ["good", "twin"]
    assert document["pairs"][0]["phi"] == 1.0
    assert [union["size"] for union in document["unions"]] == [1, 2, 3]
    assert document["unions"][-1]["best"]["least"] == 0.875


def judged(journal, run_id, name, author, outcome):
    origin = Origin(author=author, role="proposer")
    patch = patch_of(FileChange(path="a.py", before=b"", after=name.encode()))
    journal.add_candidate(run_id, Candidate(candidate_id=CandidateId(name), patch=patch, origin=origin))
    journal.add_verdict(
        run_id,
        Verdict(
            candidate_id=name, patch_sha256=patch.sha256, outcome=outcome, integrity=Integrity.IN_PROCESS,
            level=Level.WHOLE_SUITE, counts=Counts(),
        ),
    )  # fmt: skip


def test_from_the_journal(moa, home):
    """`a` passes where it is asked, and every fourth pass is found wrong; `b` is asked on half of the tasks."""
    with Journal.open(home / "state" / "moa-code" / "journal.sqlite") as journal:
        for number in range(24):
            run_id = journal.start_run(kind="solve", task_id=f"t{number}")
            judged(journal, run_id, "c1", "a", Outcome.PASSED)
            if number % 2:
                judged(journal, run_id, "c2", "b", Outcome.FAILED)
            journal.finish_run(run_id, "verified", {}, winner=CandidateId("c1"))
            if number < 12:
                journal.add_grade(run_id, "c1", number % 4 != 0)
    document = valid("team", moa("team", "report", "--json").out)
    assert (document["source"], document["tasks"], document["passes"], document["graded"]) == (
        "the journal",
        24,
        24,
        12,
    )
    first, second = document["proposers"]
    assert (first["author"], first["right"]["least"]) == ("a", 21 / 24)
    assert first["false_accept"]["least"] == 3 / 12  # of those that were graded
    assert (second["author"], second["tried"], second["right"]["least"]) == ("b", 12, 0.0)
    assert (second["adds"]["least"], second["adds"]["most"]) == (0.0, pytest.approx(3 / 24))
    said = moa("team", "report")
    assert "12 of 24 passes were also judged by held-out checks" in said.out
    assert "not everybody was asked about every task" in said.out
    assert moa("runs", "gc", "--keep", "0").out == "forgotten: 24 runs\n"
    assert valid("team", moa("team", "report", "--json").out) == document


def test_another_fault_of_the_same_repository_is_another_task(moa, home):
    with Journal.open(home / "state" / "moa-code" / "journal.sqlite") as journal:
        for tree in (b"1", b"1", b"2"):
            run_id = journal.start_run(kind="fix", task_id="shop")
            journal.add_task(
                run_id,
                Task(
                    task_id=TaskId("shop"),
                    mode=Mode.FIX,
                    instruction="",
                    tree=MemorySnapshot(files={"a.py": tree}),
                    checks=Checks(kind=CheckKind.PYTEST, targets=(), expected=()),
                ),
            )
            judged(journal, run_id, "c1", "a", Outcome.PASSED)
            journal.finish_run(run_id, "verified", {})
    document = valid("team", moa("team", "report", "--json").out)
    assert (document["tasks"], document["passes"]) == (2, 3)


def test_too_little_says_so(moa, pool, tmp_path):
    few = tmp_path / "few.jsonl"
    few.write_text("\n".join(pool.read_text().splitlines()[:8]))
    done = moa("team", "report", "--from", few)
    assert "2 proposers on 4 tasks" in done.out
    assert "cannot tell: 4 tasks" in done.out
    few.write_text(line("t", "a", True))
    assert "1 proposer on 1 task of few.jsonl" in moa("team", "report", "--from", few).out


def test_nothing_at_all_names_what_to_do(moa, tmp_path):
    done = moa("team", "report")
    assert (done.code, done.out) == (2, "")
    assert "the journal holds no trial of a proposer yet" in done.err
    assert valid("team", moa("team", "report", "--json").out)["proposers"] == []
    missing = moa("team", "report", "--from", tmp_path / "none.jsonl")
    assert missing.code == 3
    assert "cannot be read: No such file" in missing.err


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)
ROWS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("task_id", "author", "right", "passed_visible", "cost_usd", "sample"), JSON)
)


@given(st.lists(st.binary(max_size=20) | ROWS.map(lambda row: json.dumps(row).encode()), max_size=4))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_file_holds_it_is_read_or_refused(tmp_path, lines):
    path = tmp_path / "any.jsonl"
    path.write_bytes(b"\n".join(lines))
    with suppress(TaskError):
        report_on_file(path, worth_usd=1.0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[1]", "an object expected"),
        ('{"task_id": "t", "author": "a", "right": true}', "'passed_visible' is missing"),
        (line("t", "a", 1), "right = 1 cannot be"),
        (line("t", "", True), "author = '' cannot be"),
        (line("t", "a", True, cost_usd=-1), "cost_usd = -1 cannot be"),
        (line("t", "a", True, cost_usd=True), "cost_usd = True cannot be"),
        (line("t", "a", True, tokens=float("nan")), "tokens = nan cannot be"),
        (line("t", "a", True, tokens=10**400), "cannot be"),
        (line("t", "\ud800", True), "author = '\\ud800' cannot be"),
        (line("t\x1b[2J", "a", True), "task_id = 't\\x1b[2J' cannot be"),
        (line("t", "a", True) + "\n" + line("t", "a", False), "a has two trials of t"),
    ],
    ids=range(13),
)
def test_a_line_that_is_none_is_named(moa, tmp_path, text, words):
    path = tmp_path / "bad.jsonl"
    path.write_text(text)
    done = moa("team", "report", "--from", path)
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert "bad.jsonl" in done.err
