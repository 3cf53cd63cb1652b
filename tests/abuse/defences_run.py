"""Switches each defence off in turn and runs the cases that are to notice. Writes docs/defences.md.

    .venv/bin/python tests/abuse/defences_run.py                      all of them, and the table
    .venv/bin/python tests/abuse/defences_run.py --backend host      those that need no box (or bubblewrap, docker)
    .venv/bin/python tests/abuse/defences_run.py --defence NAME …    some of them, with what was seen
    .venv/bin/python tests/abuse/defences_run.py --defence NAME --all-rows      against the whole catalogue

The table is written when all were run. Exit status 1: something noticed nothing, or could not be tried.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from defences import ROOT, Defence, Result, Where, all_cuts
from defences_list import DEFENCES, SECTIONS

KNOWN = {one.name: one for one in DEFENCES}
TARGET = ROOT / "docs" / "defences.md"
WORKERS = 2
MOST_SECONDS = 240.0  # for one order, a new box included
REFERENCE = "nothing switched off"
CHUNK = 12
HEAD = """# What holds, and what notices when it does not

Written by `tests/abuse/defences_run.py` (`make defences`); do not edit.

Each defence is switched off in a private copy of the sources, by changing a piece of text that occurs there once, and
the cases that are to notice are run (those of [abuse.md](abuse.md) and of `tests/abuse/cases_defences.py`). The last
column names those that did. The same cases hold with everything on. *With … off too*: several defences hold the same
line; alone none of them is missed, and the row shows that without all of them it gives way.
"""


class Switching:
    """Orders carried out by two workers side by side, in the order in which they were given; `result` waits for one."""

    def __init__(self, orders: Sequence[dict[str, object]]) -> None:
        self._orders: queue.SimpleQueue[dict[str, object]] = queue.SimpleQueue()
        self._results: dict[str, Future[Result]] = {str(order["name"]): Future() for order in orders}
        for order in orders:
            self._orders.put(order)
        self._backends = {str(order["backend"]) for order in orders} - {"host"}
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(min(WORKERS, len(orders)))]
        self._settings: dict[str, object] = {}

    def __enter__(self) -> Switching:
        self._settings = _made(self._backends)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def result(self, name: str) -> Result:
        return self._results[name].result()

    def _give_up(self, error: Exception) -> None:
        while True:
            try:
                name = str(self._orders.get_nowait()["name"])
            except queue.Empty:
                return
            self._results[name].set_result(Result(name=name, red={}, error=f"no worker starts: {error}"))

    def _work(self) -> None:
        worker: Worker | None = None
        with tempfile.TemporaryDirectory(prefix="defences-") as folder:
            while not self._stopped.is_set():
                try:
                    order = self._orders.get_nowait()
                except queue.Empty:
                    break
                future = self._results[str(order["name"])]
                try:
                    worker = worker or Worker(Path(folder), self._settings)
                    answer = worker.ask(order)
                    future.set_result(
                        Result(
                            name=answer["name"],
                            red=answer["red"],
                            green=tuple(answer["green"]),
                            error=answer["error"],
                            seconds=answer["seconds"],
                        )
                    )
                except Exception as error:  # noqa: BLE001 - whoever waits for the result gets it
                    if worker is not None and not worker.answered:
                        self._stopped.set()  # none will start
                        self._give_up(error)
                    if worker is not None:
                        worker.end()
                    worker = None
                    future.set_result(Result(name=str(order["name"]), red={}, error=f"{type(error).__name__}: {error}"))
            if worker is not None:
                worker.end()


class Worker:
    """One process of defences_worker.py over a copy of the sources in `folder`."""

    def __init__(self, folder: Path, settings: Mapping[str, object]) -> None:
        copy = folder / "sources"
        if copy.exists():
            shutil.rmtree(copy)
        _copy_sources(copy, settings.get("root"))
        self.answered = False
        argv = [sys.executable, str(Path(__file__).with_name("defences_worker.py"))]
        self._log = (folder / "log").open("w+")
        self._process = subprocess.Popen(
            [*argv, json.dumps({**settings, "copy": str(copy)})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env={key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")},
            start_new_session=True,
        )

    def ask(self, order: dict[str, object]) -> dict:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        watch = threading.Timer(MOST_SECONDS, self._kill)
        watch.start()
        try:
            print(json.dumps(order), file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
        finally:
            watch.cancel()
        if not line:
            self._log.seek(0)
            raise RuntimeError(f"the worker has ended: {self._log.read()[-400:]}")
        self.answered = True
        return json.loads(line)

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._kill()
            self._process.wait()

    def _kill(self) -> None:
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def _made(backends: Iterable[str]) -> dict[str, object]:
    """What boxes are made of: the root for bubblewrap, the image for Docker. Both are the unchanged ones."""
    settings: dict[str, object] = {"root": None, "image": ""}
    if "bubblewrap" in backends:
        from moa_code.provision.bubblewrap import ensure_root

        root = ensure_root(lambda text: print(text, file=sys.stderr))
        settings["root"] = {"root": root.root, "python": root.python, "binds": root.binds, "digest": root.digest}
    if "docker" in backends:
        from moa_code.provision.setup import run_setup

        settings["image"] = run_setup(
            install_engine=False, progress=lambda text: print(text, file=sys.stderr)
        ).image.digest
    return settings


def _copy_sources(copy: Path, root: object) -> None:
    """The package and the box's code; the latter with the bytecode of the made root, so that boxes start as fast."""
    shutil.copytree(ROOT / "moa_code", copy / "moa_code", copy_function=shutil.copy2)
    without = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "sandbox", copy / "sandbox", ignore=without)
    shutil.copy2(ROOT / "pyproject.toml", copy)
    if isinstance(root, dict):
        shutil.rmtree(copy / "sandbox" / "box")
        shutil.copytree(Path(root["root"]) / "box", copy / "sandbox" / "box")
    for path in (copy, *copy.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def order_of(one: Defence, *, first: bool, rows: Sequence[str] = ()) -> dict[str, object]:
    """What a worker is told about one defence. `first`: one row that notices is enough."""
    cuts = [[cut.file, cut.old, cut.new] for cut in all_cuts(one, KNOWN)]
    return {
        "name": one.name,
        "cuts": cuts,
        "cases": list(rows or one.rows),
        "backend": one.where.value,
        "first": first,
    }


def references(chosen: Iterable[Defence]) -> list[dict[str, object]]:
    """Orders that run the rows of `chosen` with everything on, in pieces."""
    rows: dict[str, dict[str, None]] = {}
    for one in chosen:
        rows.setdefault(one.where.value, {}).update(dict.fromkeys(one.rows))
    found = []
    for backend, names in rows.items():
        for at in range(0, len(names), CHUNK):
            part = list(names)[at : at + CHUNK]
            name = f"{REFERENCE} ({backend}, {at // CHUNK + 1})"
            found.append({"name": name, "cuts": [], "cases": part, "backend": backend, "first": False})
    return found


@contextmanager
def switching(chosen: Sequence[Defence], *, first: bool) -> Iterator[tuple[Switching, list[str]]]:
    """Defences off one by one, and the names of the orders in which all is on."""
    on = references(chosen)
    with Switching([*(order_of(one, first=first) for one in chosen), *on]) as running:
        yield running, [str(order["name"]) for order in on]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--backend", choices=[where.value for where in Where], action="append")
    parser.add_argument("--defence", action="append", metavar="NAME")
    parser.add_argument("--all-rows", action="store_true", help="run the whole catalogue against it (minutes)")
    parser.add_argument("--alone", action="store_true", help="leave what a defence stands behind in place")
    options = parser.parse_args(argv)
    chosen = [
        one
        for one in DEFENCES
        if (not options.backend or one.where in options.backend)
        and (not options.defence or one.name in options.defence)
    ]
    if options.defence and (unknown := set(options.defence) - set(KNOWN)):
        parser.error(f"no defence is called {', '.join(sorted(unknown))}")
    if options.all_rows:
        return _search(chosen)
    if options.alone:
        return _alone([one for one in chosen if one.behind])
    with switching(chosen, first=False) as (running, on):
        results = [_told(running.result(one.name), one) for one in chosen]
        wrong = [_on(running.result(name)) for name in on]
    if len(chosen) == len(DEFENCES):
        TARGET.write_text(document({r.name: r for r in results}), encoding="utf-8")
        print(f"wrote {TARGET.relative_to(ROOT)}", file=sys.stderr)
    return 1 if any(wrong) or any(r.error or not r.red for r in results) else 0


def _told(result: Result, one: Defence) -> Result:
    state = "ERROR" if result.error else "noticed" if result.red else "DEAD OR UNTESTED"
    print(f"{state:18}{one.where:12}{one.name} ({result.seconds:.1f} s)")
    for case_id, why in result.red.items():
        print(f"    red    {case_id}: {why[:160]!r}")
    for case_id in result.green:
        print(f"    green  {case_id}")
    if result.error:
        print(f"    {result.error}")
    sys.stdout.flush()
    return result


def _on(result: Result) -> bool:
    """Whether something is wrong although everything is on."""
    print(f"{'WRONG' if result.red or result.error else 'holds':18}{result.name}: {len(result.green)} rows")
    for case_id, why in result.red.items():
        print(f"    red    {case_id}: {why!r}")
    if result.error:
        print(f"    {result.error}")
    return bool(result.red or result.error)


def _alone(chosen: Sequence[Defence]) -> int:
    """Whether a defence that stands behind others is not missed while those are there, nor they while it is."""
    orders = []
    for one in chosen:
        others = [cut for name in one.behind for cut in KNOWN[name].cuts]
        for name, cuts in ((f"{one.name}, alone", one.cuts), (f"{one.name}, all but it", others)):
            orders.append({**order_of(one, first=False), "name": name, "cuts": [[c.file, c.old, c.new] for c in cuts]})
    wrong = False
    with Switching(orders) as running:
        for order in orders:
            result = running.result(str(order["name"]))
            wrong = wrong or bool(result.red or result.error)
            print(f"{'MISSED' if result.red else 'not missed'}: {result.name} {dict(result.red)}{result.error}"[:400])
    return 1 if wrong else 0


def _search(chosen: Sequence[Defence]) -> int:
    from abuse_cases import HostCase
    from catalogue import CASES

    orders = []
    for one in chosen:
        host = one.where is Where.HOST
        rows = [c.case_id for c in CASES if isinstance(c, HostCase) or not (host or one.where not in c.backends)]
        orders.append(order_of(one, first=False, rows=rows))
    with Switching(orders) as running:
        for one in chosen:
            result = running.result(one.name)
            _told(Result(name=result.name, red=result.red, error=result.error, seconds=result.seconds), one)
    return 0


def document(results: Mapping[str, Result]) -> str:
    """docs/defences.md."""
    lines = [HEAD]
    for title, group in SECTIONS:
        lines += [f"## {title}", "", "| defence | what it holds | where | off, these go red |", "|---|---|---|---|"]
        for one in group:
            result = results[one.name]
            files = ", ".join(f"`{file}`" for file in dict.fromkeys(cut.file for cut in one.cuts))
            red = ", ".join(result.red) or result.error or "**nothing: dead or untested**"
            also = f" *(with {' and '.join(f'“{name}”' for name in one.behind)} off too)*" if one.behind else ""
            lines.append(f"| {one.name} | {one.what} | {files} | {red}{also} |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
