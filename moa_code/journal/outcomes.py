"""What each author did in each run, summed up when the run ends: what rates are learnt from.

A pass is found right or wrong by held-out checks alone (`Journal.add_grade`). That a user applied a patch says nothing:
people apply what they have not tried, and undo what was right.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from moa_code.core.verdict import Outcome
from moa_code.journal.database import Database

MOST_KEPT = 50_000
"""Rows that are kept; older ones would weigh nothing any more."""

SEARCH_PREFIX = "builtin:"
PROPOSER, MINIMISER, CANCELLED = "proposer", "minimiser", "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorOutcome:
    """One author in one run.

    `first_passed`: its first draft as a proposer passed the visible checks; `passed`: any of those drafts did. None:
    it proposed nothing here, or our side broke. `held_out` is what held-out checks said of those drafts: any right
    one, or None where none was graded. `passes_right` and `passes_wrong` count all its graded passes, in any role.
    Tokens and `cost_usd` are those of its `calls` as a proposer together; None: unknown.
    """

    run_id: str
    task_id: str
    digest: str  # of the tree it started from: a repository is a new task with every fault; empty like `mode`
    mode: str  # a `Mode`'s value; empty for a run of before tasks were kept
    at: float
    author: str
    first_passed: bool | None
    passed: bool | None
    held_out: bool | None
    passes_right: int
    passes_wrong: int
    calls: int
    prompt_tokens: float | None
    completion_tokens: float | None
    cost_usd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """`passed` None: our side broke while it was judged. `candidate_id` empty: it was lost."""

    at: float
    role: str
    candidate_id: str = ""
    passed: bool | None = False


def put_outcomes(connection: sqlite3.Connection, run_id: str) -> None:
    """Sum up a run inside the caller's transaction; what was there of it is replaced, in its old place."""
    run = connection.execute(
        "SELECT r.task_id, coalesce(r.finished_at, r.started_at) AS at, t.document, t.digest"
        " FROM runs r LEFT JOIN tasks t USING (run_id) WHERE r.run_id = ?",
        (run_id,),
    ).fetchone()
    if run is None:
        return
    mode = json.loads(run["document"])["mode"] if run["document"] else ""
    drafts, parents = _drafts(connection, run_id)
    grades = _grades(connection, run_id, parents)
    calls = {
        row["model"]: row
        for row in connection.execute(
            "SELECT model, count(*) AS calls, sum(prompt_tokens) AS prompt, sum(completion_tokens) AS completion,"
            " CASE WHEN count(cost_usd) = count(*) THEN sum(cost_usd) END AS cost"
            " FROM calls WHERE run_id = ? AND role = ? AND error != ? GROUP BY model",
            (run_id, PROPOSER, CANCELLED),
        )
    }
    for author, theirs in drafts.items():
        proposed = sorted((d for d in theirs if d.role == PROPOSER), key=lambda d: d.at)
        graded = [grades[d.candidate_id] for d in proposed if d.passed and d.candidate_id in grades]
        all_graded = [grades[d.candidate_id] for d in theirs if d.passed and d.candidate_id in grades]
        call = calls.get(author)
        connection.execute(
            "INSERT INTO outcomes (run_id, task_id, digest, mode, at, author, first_passed, passed, held_out,"
            " passes_right, passes_wrong, calls, prompt_tokens, completion_tokens, cost_usd)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (run_id, author) DO UPDATE SET first_passed = excluded.first_passed,"
            " passed = excluded.passed, held_out = excluded.held_out, passes_right = excluded.passes_right,"
            " passes_wrong = excluded.passes_wrong",
            (
                run_id, run["task_id"], run["digest"] or "", mode, run["at"], author,
                _first(author, proposed), _any(d.passed for d in proposed), any(graded) if graded else None,
                sum(all_graded), len(all_graded) - sum(all_graded), call["calls"] if call else 0,
                call["prompt"] if call else None, call["completion"] if call else None, call["cost"] if call else None,
            ),
        )  # fmt: skip
    connection.execute("DELETE FROM outcomes WHERE seq <= (SELECT max(seq) FROM outcomes) - ?", (MOST_KEPT,))


def authors_of(database: Database) -> tuple[str, ...]:
    """Every author once, sorted: one step of the index each, however many rows there are."""
    rows = database.rows(
        "WITH RECURSIVE one(author) AS (SELECT min(author) FROM outcomes UNION ALL"
        " SELECT (SELECT min(author) FROM outcomes WHERE author > one.author) FROM one WHERE one.author IS NOT NULL)"
        " SELECT author FROM one WHERE author IS NOT NULL"
    )
    return tuple(str(row[0]) for row in rows)


def outcomes_of(database: Database, author: str | None, limit: int) -> tuple[AuthorOutcome, ...]:
    """The latest rows, newest first."""
    if author is None:
        rows = database.rows("SELECT * FROM outcomes ORDER BY seq DESC LIMIT ?", (limit,))
    else:
        rows = database.rows("SELECT * FROM outcomes WHERE author = ? ORDER BY seq DESC LIMIT ?", (author, limit))
    return tuple(
        AuthorOutcome(
            run_id=row["run_id"],
            task_id=row["task_id"],
            digest=row["digest"],
            mode=row["mode"],
            at=row["at"],
            author=row["author"],
            first_passed=_flag(row["first_passed"]),
            passed=_flag(row["passed"]),
            held_out=_flag(row["held_out"]),
            passes_right=row["passes_right"],
            passes_wrong=row["passes_wrong"],
            calls=row["calls"],
            prompt_tokens=row["prompt_tokens"],
            completion_tokens=row["completion_tokens"],
            cost_usd=row["cost_usd"],
        )
        for row in rows
    )


def first_drafts_of(database: Database, author: str, limit: int) -> tuple[tuple[str, bool | None], ...]:
    """Mode, and whether its first draft passed, of an author's latest runs, newest first. The index alone is read."""
    rows = database.rows(
        "SELECT mode, first_passed FROM outcomes WHERE author = ? ORDER BY seq DESC LIMIT ?", (author, limit)
    )
    return tuple((mode, _flag(passed)) for mode, passed in rows)


def graded_passes_of(database: Database, author: str, limit: int) -> tuple[tuple[str, int, int], ...]:
    """Mode, passes found right and passes found wrong, of an author's latest runs in which there were any."""
    rows = database.rows(
        "SELECT mode, passes_right, passes_wrong FROM outcomes WHERE author = ? AND passes_right + passes_wrong > 0"
        " ORDER BY seq DESC LIMIT ?",
        (author, limit),
    )
    return tuple((mode, found_right, found_wrong) for mode, found_right, found_wrong in rows)


def without_outcomes(database: Database) -> tuple[str, ...]:
    """Runs that have ended with something to sum up and were not, oldest first."""
    rows = database.rows(
        "SELECT run_id FROM runs r WHERE finished_at IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM outcomes o WHERE o.run_id = r.run_id)"
        " AND (EXISTS (SELECT 1 FROM candidates c WHERE c.run_id = r.run_id AND c.author != 'user')"
        " OR EXISTS (SELECT 1 FROM events e WHERE e.run_id = r.run_id AND e.kind IN ('lost', 'screened')))"
        " ORDER BY started_at, run_id"
    )
    return tuple(str(row[0]) for row in rows)


def _drafts(connection: sqlite3.Connection, run_id: str) -> tuple[dict[str, list[_Draft]], dict[str, str]]:
    """All drafts of a run by author, and of each minimised candidate which one it was made from.

    A search that was cut off has no `screened` event: that it brought nothing then says nothing, so its failures are
    left out. An author whose draft was known already (`agrees`) has brought the same candidate.
    """
    last: dict[str, str] = {
        row["candidate_id"]: row["outcome"]
        for row in connection.execute(
            "SELECT candidate_id, outcome FROM verdicts WHERE run_id = ? ORDER BY seq", (run_id,)
        )
    }
    drafts: dict[str, list[_Draft]] = {}
    parents: dict[str, str] = {}
    seen: dict[str, _Draft] = {}
    for row in connection.execute(
        "SELECT candidate_id, at, author, origin FROM candidates WHERE run_id = ? ORDER BY seq", (run_id,)
    ):
        origin: Mapping[str, object] = json.loads(row["origin"])
        if origin["role"] == "user" or row["candidate_id"] not in last:
            continue
        above = origin.get("parents") or ()
        if origin["role"] == MINIMISER and isinstance(above, list) and above:
            parents[row["candidate_id"]] = str(above[0])
            continue
        outcome = last[row["candidate_id"]]
        passed = None if outcome == Outcome.INCONCLUSIVE.value else outcome == Outcome.PASSED.value
        draft = _Draft(at=row["at"], role=str(origin["role"]), candidate_id=row["candidate_id"], passed=passed)
        seen[row["candidate_id"]] = draft
        drafts.setdefault(row["author"], []).append(draft)
    searched: set[str] = set()
    for row in connection.execute(
        "SELECT at, kind, detail FROM events WHERE run_id = ? AND kind IN ('lost', 'screened', 'agrees') ORDER BY seq",
        (run_id,),
    ):
        detail = json.loads(row["detail"])
        author = str(detail["author"])
        if row["kind"] == "agrees":
            same = seen.get(str(detail["candidate_id"]))
            if same is not None:
                drafts.setdefault(author, []).append(
                    _Draft(at=row["at"], role=PROPOSER, candidate_id=same.candidate_id, passed=same.passed)
                )
            continue
        if row["kind"] == "screened":
            searched.add(author)
        drafts.setdefault(author, []).append(_Draft(at=row["at"], role=_lost_role(connection, run_id, author)))
    for author, theirs in list(drafts.items()):
        if author.startswith(SEARCH_PREFIX) and author not in searched and not any(d.passed for d in theirs):
            del drafts[author]
    return drafts, parents


def _lost_role(connection: sqlite3.Connection, run_id: str, author: str) -> str:
    """As what an author brought nothing: the role of its latest call; a search has none, and proposes."""
    row = connection.execute(
        "SELECT role FROM calls WHERE run_id = ? AND model = ? ORDER BY seq DESC LIMIT 1", (run_id, author)
    ).fetchone()
    if row is not None and row["role"]:
        return str(row["role"])
    return PROPOSER if author != "builtin:combine" else "aggregator"


def _grades(connection: sqlite3.Connection, run_id: str, parents: Mapping[str, str]) -> dict[str, bool]:
    """Grades by draft. One of a minimised candidate is its draft's, unless that was graded itself."""
    rows = connection.execute("SELECT candidate_id, passed FROM grades WHERE run_id = ?", (run_id,)).fetchall()
    own = {str(row["candidate_id"]): bool(row["passed"]) for row in rows}
    return {parents[name]: passed for name, passed in own.items() if name in parents} | own


def _first(author: str, proposed: list[_Draft]) -> bool | None:
    """Whether the first draft passed; of a search, whether any did: its drafts are one answer, looked for."""
    if not proposed:
        return None
    return _any(d.passed for d in proposed) if author.startswith(SEARCH_PREFIX) else proposed[0].passed


def _any(passed: Iterable[bool | None]) -> bool | None:
    """Whether any is true; None where that is not known, or there is none."""
    found = list(passed)
    if any(found):
        return True
    return None if not found or None in found else False


def _flag(value: int | None) -> bool | None:
    return None if value is None else bool(value)
