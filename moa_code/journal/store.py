"""The journal: runs, steps, calls, candidates, verdicts, events, cached answers. Each write is its own transaction."""

from __future__ import annotations

import difflib
import json
import sqlite3
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from moa_code.core.candidate import Candidate, CandidateId, Origin
from moa_code.core.errors import TaskError
from moa_code.core.model import Completion
from moa_code.core.patch import FileChange, Patch
from moa_code.core.task import Task
from moa_code.core.verdict import Verdict
from moa_code.journal import codec
from moa_code.journal.blobs import drop_unused, get_blob, put_blob
from moa_code.journal.database import Database, open_database
from moa_code.journal.outcomes import (
    AuthorOutcome,
    authors_of,
    first_drafts_of,
    graded_passes_of,
    outcomes_of,
    put_outcomes,
    without_outcomes,
)
from moa_code.journal.process import is_gone, this_process
from moa_code.journal.tasks import StoredTask, contents_of, get_task, put_task

RUNNING = "running"
INTERRUPTED = "interrupted"

_CALL_NUMBERS = ("prompt_tokens", "completion_tokens", "cost_usd", "latency_s")
_CALL_WORDS = ("finish", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run as the journal has it. Times are seconds since 1970; `winner` is the candidate that was kept."""

    run_id: str
    kind: str
    task_id: str
    directory: str
    status: str
    started_at: float
    finished_at: float | None
    settings: Mapping[str, object]
    result: Mapping[str, object] | None
    winner: CandidateId | None


class Journal:
    """See `Journal.open`. Safe to use from several threads, and from several processes at once."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._db = database
        self._clock = clock

    @classmethod
    def open(cls, path: Path, *, clock: Callable[[], float] = time.time) -> Self:
        """The journal in `path`, made when it is not there. Raises `EnvironmentFault` with what to do about it."""
        return cls(open_database(path, clock=clock), clock)

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def start_run(
        self, *, kind: str, task_id: str, directory: str = "", settings: Mapping[str, object] | None = None
    ) -> str:
        """Begin a run of this process and return its id: the day (UTC) and six hexadecimal digits that grow."""
        now = self._clock()
        values = (kind, task_id, directory, RUNNING, now, this_process(), codec.dumps(dict(settings or {})))
        day = datetime.fromtimestamp(now, UTC)
        fraction = (day.hour * 3600 + day.minute * 60 + day.second + day.microsecond / 1e6) / 86400
        number = int(fraction * (1 << 24))
        made = ""

        def insert(connection: sqlite3.Connection) -> None:
            nonlocal number, made
            made = f"{day:%Y%m%d}-{number:06x}"
            while connection.execute("SELECT 1 FROM runs WHERE run_id = ?", (made,)).fetchone():
                number += 1
                made = f"{day:%Y%m%d}-{number:06x}"
            connection.execute(
                "INSERT INTO runs (run_id, kind, task_id, directory, status, started_at, owner, settings)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (made, *values),
            )

        self._db.write(insert)
        return made

    def add_task(self, run_id: str, task: Task) -> None:
        """Keep the task of a run: its tree (up to 64 MiB), checks, rules and limits."""
        contents = contents_of(task.tree)  # before the transaction: others wait for that
        self._db.write(lambda connection: put_task(connection, run_id, task, contents))

    def task(self, run_id: str) -> StoredTask | None:
        """The task of a run; None for one that was started before tasks were kept."""
        return get_task(self._db, run_id)

    def add_step(self, run_id: str, kind: str, reason: str, detail: Mapping[str, object] | None = None) -> None:
        """Note what the policy decided and why."""
        row = (run_id, self._clock(), kind, reason, codec.dumps(dict(detail or {})))
        self._insert("INSERT INTO steps (run_id, at, kind, reason, detail) VALUES (?, ?, ?, ?, ?)", row)

    def add_event(self, run_id: str, kind: str, detail: Mapping[str, object] | None = None) -> None:
        """Note something that happened."""
        row = (run_id, self._clock(), kind, codec.dumps(dict(detail or {})))
        self._insert("INSERT INTO events (run_id, at, kind, detail) VALUES (?, ?, ?, ?)", row)

    def add_call(self, run_id: str, call: Mapping[str, object]) -> None:
        """Note one model call. `model` is required.

        Known keys: role, prompt and answer (str; kept by content), prompt_tokens, completion_tokens, cost_usd,
        latency_s (None is unknown), finish, error, cached; any other key goes into `detail` as it is.
        """
        rest = dict(call)
        model, role = str(rest.pop("model")), str(rest.pop("role", ""))
        texts = [rest.pop("prompt", None), rest.pop("answer", None)]
        numbers = [rest.pop(name, None) for name in _CALL_NUMBERS]
        words = [str(rest.pop(name, "")) for name in _CALL_WORDS]
        cached = bool(rest.pop("cached", False))
        detail, now = codec.dumps(rest), self._clock()

        def insert(connection: sqlite3.Connection) -> None:
            keys = [None if t is None else put_blob(connection, run_id, _text_bytes(str(t))) for t in texts]
            connection.execute(
                "INSERT INTO calls (run_id, at, model, role, prompt_sha256, answer_sha256, prompt_tokens,"
                " completion_tokens, cost_usd, latency_s, finish, error, cached, detail)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (run_id, now, model, role, *keys, *numbers, *words, cached, detail),
            )

        self._db.write(insert)

    def add_candidate(self, run_id: str, candidate: Candidate) -> None:
        """Note a candidate and its patch, whole files before and after. The same id twice in a run keeps the first."""
        now = self._clock()

        def insert(connection: sqlite3.Connection) -> None:
            changes = [
                [
                    change.path,
                    None if change.before is None else put_blob(connection, run_id, change.before),
                    None if change.after is None else put_blob(connection, run_id, change.after, change.before),
                ]
                for change in candidate.patch.changes
            ]
            connection.execute(
                "INSERT OR IGNORE INTO candidates (run_id, candidate_id, at, patch_sha256, author, prior, origin,"
                " changes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    run_id, candidate.candidate_id, now, candidate.patch.sha256, candidate.origin.author,
                    candidate.prior, codec.dumps(candidate.origin), codec.dumps(changes),
                ),
            )  # fmt: skip

        self._db.write(insert)

    def add_verdict(self, run_id: str, verdict: Verdict) -> None:
        """Note a verdict. A candidate judged again (screened, then confirmed) has several; the last one counts."""
        document = zlib.compress(codec.dumps(verdict).encode("ascii"), 1)
        row = (run_id, verdict.candidate_id, self._clock(), verdict.outcome.value, int(verdict.level), document)
        self._insert(
            "INSERT INTO verdicts (run_id, candidate_id, at, outcome, level, document) VALUES (?, ?, ?, ?, ?, ?)", row
        )

    def finish_run(
        self, run_id: str, status: str, result: Mapping[str, object], *, winner: CandidateId | None = None
    ) -> None:
        """End a run. `winner` is the candidate whose patch `patch_of` gives."""
        row = (status, self._clock(), codec.dumps(dict(result)), winner, run_id)

        def change(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE runs SET status = ?, finished_at = ?, result = ?, winner = ? WHERE run_id = ?", row
            )
            put_outcomes(connection, run_id)

        self._db.write(change)

    def add_grade(self, run_id: str, candidate_id: str, passed: bool) -> None:
        """Note what held-out checks said of a candidate, after its run has ended. A later grade replaces the first."""
        row = (run_id, candidate_id, self._clock(), passed)

        def change(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO grades VALUES (?, ?, ?, ?)", row)
            put_outcomes(connection, run_id)

        self._db.write(change)

    def authors(self) -> tuple[str, ...]:
        """Everybody who has brought something in a run, sorted."""
        return authors_of(self._db)

    def outcomes(self, author: str | None = None, *, limit: int = 100_000) -> tuple[AuthorOutcome, ...]:
        """What authors (or this one) did in the latest runs, newest first, runs that were forgotten among them."""
        return outcomes_of(self._db, author, limit)

    def first_drafts(self, author: str, limit: int) -> tuple[tuple[str, bool | None], ...]:
        """Mode, and whether its first draft passed (None: it proposed nothing), of the latest runs, newest first."""
        return first_drafts_of(self._db, author, limit)

    def graded_passes(self, author: str, limit: int) -> tuple[tuple[str, int, int], ...]:
        """Mode, passes found right, passes found wrong, of the latest runs in which any was graded, newest first."""
        return graded_passes_of(self._db, author, limit)

    def catch_up(self) -> None:
        """Sum up runs that ended without it: of an earlier version, or whose process died."""
        for run_id in without_outcomes(self._db):
            self._db.write(partial(put_outcomes, run_id=run_id))

    def runs(self, limit: int = 20) -> tuple[RunRow, ...]:
        """The latest runs, newest first."""
        found = self._db.rows("SELECT * FROM runs ORDER BY started_at DESC, run_id DESC LIMIT ?", (limit,))
        return tuple(_run_row(row) for row in found)

    def run(self, name: str) -> RunRow:
        """The run with this id, or whose id starts or ends like this, or the `last` one.

        Raises `TaskError` naming the nearest ids, or all that fit when there are several.
        """
        if name == "last":
            latest = self.runs(1)
            if not latest:
                raise TaskError("the journal holds no run yet", remedy="moa-code demo")
            return latest[0]
        exact = self._db.rows("SELECT * FROM runs WHERE run_id = ?", (name,))
        if exact:
            return _run_row(exact[0])
        ids = [str(row[0]) for row in self._db.rows("SELECT run_id FROM runs ORDER BY run_id DESC")]
        fitting = [i for i in ids if name and (i.startswith(name) or i.partition("-")[2].startswith(name))]
        if len(fitting) == 1:
            return self.run(fitting[0])
        if fitting:
            shown = ", ".join(fitting[:5]) + (" …" if len(fitting) > 5 else "")
            raise TaskError(f"{len(fitting)} runs fit {name!r}: {shown}", remedy="type more of the id")
        near = difflib.get_close_matches(name, ids, n=3, cutoff=0.5) or ids[:3]
        hint = f"; nearest: {', '.join(near)}" if near else "; the journal holds no run yet"
        raise TaskError(f"no run {name!r}{hint}", remedy="moa-code runs list")

    def candidate(self, run_id: str, candidate_id: str) -> Candidate:
        """A candidate with its whole patch. Raises `KeyError` when the run has none with this id."""
        rows = self._db.rows("SELECT * FROM candidates WHERE run_id = ? AND candidate_id = ?", (run_id, candidate_id))
        if not rows:
            raise KeyError(candidate_id)
        return self._candidate(rows[0])

    def candidates(self, run_id: str) -> tuple[Candidate, ...]:
        """All candidates of a run with their patches, in the order they came."""
        rows = self._db.rows("SELECT * FROM candidates WHERE run_id = ? ORDER BY seq", (run_id,))
        return tuple(self._candidate(row) for row in rows)

    def verdicts(self, run_id: str) -> tuple[Verdict, ...]:
        """All verdicts of a run, in the order they came."""
        rows = self._db.rows("SELECT document FROM verdicts WHERE run_id = ? ORDER BY seq", (run_id,))
        return tuple(codec.loads(Verdict, zlib.decompress(row[0])) for row in rows)

    def steps(self, run_id: str) -> tuple[Mapping[str, object], ...]:
        """The steps of a run in order: at, kind, reason, detail."""
        return self._documents("SELECT at, kind, reason, detail FROM steps WHERE run_id = ? ORDER BY seq", run_id)

    def events(self, run_id: str) -> tuple[Mapping[str, object], ...]:
        """The events of a run in order: at, kind, detail."""
        return self._documents("SELECT at, kind, detail FROM events WHERE run_id = ? ORDER BY seq", run_id)

    def calls(self, run_id: str) -> tuple[Mapping[str, object], ...]:
        """The model calls of a run in order, prompt and answer as text again."""
        found = self._documents("SELECT * FROM calls WHERE run_id = ? ORDER BY seq", run_id)
        return tuple(self._with_texts(dict(call)) for call in found)

    def patch_of(self, run: str) -> Patch:
        """The patch a run ended with. Raises `TaskError` when it has none, or there is no such run."""
        row = self.run(run)
        if row.winner is None:
            raise TaskError(f"run {row.run_id} ({row.status}) has no patch", remedy=f"moa-code runs show {row.run_id}")
        return self.candidate(row.run_id, row.winner).patch

    def orphans(self) -> tuple[str, ...]:
        """Mark the runs whose process has ended without finishing them as `interrupted`, and return their ids."""
        rows = self._db.rows("SELECT run_id, owner FROM runs WHERE status = ? ORDER BY run_id", (RUNNING,))
        dead = tuple(str(row["run_id"]) for row in rows if is_gone(row["owner"]))
        for run_id in dead:
            row_values = (INTERRUPTED, self._clock(), run_id, RUNNING)
            self._insert("UPDATE runs SET status = ?, finished_at = ? WHERE run_id = ? AND status = ?", row_values)
        return dead

    def forget(self, *, keep: int) -> int:
        """Delete all runs but the latest `keep` and those still running, with what only they used; how many it were."""
        rows = self._db.rows(
            "SELECT run_id FROM runs WHERE status != ? ORDER BY started_at DESC, run_id DESC LIMIT -1 OFFSET ?",
            (RUNNING, keep),
        )

        def delete(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM runs WHERE run_id = ?", [(row[0],) for row in rows])
            drop_unused(connection)

        self._db.write(delete)
        return len(rows)

    def cached_answer(self, key: str) -> Completion | None:
        """The answer stored under `key` (`answer_key`), or None."""
        rows = self._db.rows("SELECT completion FROM answers WHERE key = ?", (key,))
        return codec.loads(Completion, rows[0][0]) if rows else None

    def cache_answer(self, key: str, model: str, completion: Completion) -> None:
        """Store an answer; a later one under the same key replaces it."""
        row = (key, model, self._clock(), codec.dumps(completion))
        self._insert("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", row)

    def _insert(self, sql: str, row: tuple[object, ...]) -> None:
        def change(connection: sqlite3.Connection) -> None:
            connection.execute(sql, row)

        self._db.write(change)

    def _documents(self, sql: str, run_id: str) -> tuple[dict[str, object], ...]:
        rows = self._db.rows(sql, (run_id,))
        return tuple({**dict(row), "detail": json.loads(row["detail"])} for row in rows)

    def _with_texts(self, call: dict[str, object]) -> dict[str, object]:
        for name in ("prompt", "answer"):
            key = call.pop(f"{name}_sha256")
            call[name] = None if key is None else get_blob(self._db, str(key)).decode("utf-8", "surrogatepass")
        return {**call, "cached": bool(call["cached"])}

    def _candidate(self, row: sqlite3.Row) -> Candidate:
        changes = tuple(
            FileChange(
                path=path,
                before=None if before is None else get_blob(self._db, before),
                after=None if after is None else get_blob(self._db, after),
            )
            for path, before, after in json.loads(row["changes"])
        )
        return Candidate(
            candidate_id=CandidateId(row["candidate_id"]),
            patch=Patch(changes=changes),
            origin=codec.loads(Origin, row["origin"]),
            prior=row["prior"],
        )


def _run_row(row: sqlite3.Row) -> RunRow:
    return RunRow(
        run_id=row["run_id"],
        kind=row["kind"],
        task_id=row["task_id"],
        directory=row["directory"],
        status=row["status"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        settings=json.loads(row["settings"]),
        result=None if row["result"] is None else json.loads(row["result"]),
        winner=None if row["winner"] is None else CandidateId(row["winner"]),
    )


def _text_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
