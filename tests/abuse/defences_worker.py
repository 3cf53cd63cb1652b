"""Carries out cases with defences switched off, in a process of its own that imports a private copy of our sources.

One order a line on standard input: {"name", "cuts": [[file, old, new], …], "cases": [id, …], "backend", "first"}; one
answer a line on standard output: {"name", "red": {id: what}, "green": [id, …], "error", "seconds"}. Started by
defences_run.py with {"copy", "root", "image"} as its argument.

What is host code is swapped in this process (defences_swap.py); what runs in the box is changed in the copy, from which
a new box is made. A weakened box is not probed, else none would be worked with.
"""

# ruff: noqa: E402 (what is imported from the copy comes after the copy is on the path)

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

SETTINGS = json.loads(sys.argv[1])
COPY = Path(SETTINGS["copy"])
sys.path[:0] = [str(COPY), str(COPY / "sandbox"), str(Path(__file__).parent)]
sys.dont_write_bytecode = True

import abuse_harness
import box.oracle.far
import box.server  # noqa: F401 - swapped only when it is loaded
import cases_defences
import cases_escape
from abuse_cases import HostCase
from catalogue import CASES
from defences import Cut, texts_after
from defences_swap import forget_answers, module_of, swapped

import moa_code
from moa_code.provision import bubblewrap as bubblewrap_roots
from moa_code.provision import setup
from moa_code.verify.verifier import Verifier
from moa_code.wiring import session as sessions

KNOWN = {case.case_id: case for case in (*CASES, *cases_defences.CASES)}
NOISE = ("a job went on for", "a job's caller waited", "this process has grown")
"""What a busy machine or our own swapping does: says nothing about a defence."""

BOX_CODE = ("sandbox/", "moa_code/sandbox/")


class Workbench:
    """Stages that are opened when they are wanted, and made anew when what they were made of has changed."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._stages: dict[str, abuse_harness.Stage] = {}
        self._made_of: dict[str, object] = {}

    def stage(self, backend: str, made_of: object) -> abuse_harness.Stage:
        """A stage whose box was started since `made_of` holds, with a verifier that remembers nothing."""
        if backend not in self._stages:
            self._stages[backend] = self._stack.enter_context(abuse_harness.open_stage(backend))
            self._made_of[backend] = ()
        stage = self._stages[backend]
        if made_of or self._made_of[backend] != made_of:
            self._made_of[backend] = made_of
            self._renew(stage)
        forget_answers()
        verifier = abuse_harness.OneBaseline(Verifier(stage.sandbox))
        stage.session = replace(stage.session, verifier=verifier)
        return stage

    def _renew(self, stage: abuse_harness.Stage) -> None:
        stage.run(stage.sandbox.inner.aclose())
        stage.sandbox.inner = sessions.open_sandbox(stage.session.config, lambda text: None)
        stage.run(stage.sandbox.open())
        stage.sandbox.seen.clear()
        faults = abuse_harness._honest_job(stage)
        if faults:
            raise RuntimeError(f"without it no job can be run: {faults}")
        stage.resting = abuse_harness._inside(stage)

    def drop(self) -> None:
        """Give up all stages: something went wrong in them."""
        self._stages.clear()
        self._stack.close()


def _prepare() -> None:
    """Boxes are made from our copy, and are not probed."""
    assert moa_code.__file__ is not None
    assert Path(moa_code.__file__).is_relative_to(COPY), moa_code.__file__

    async def not_probed(*_: object) -> None:
        return

    sessions.require_tight = not_probed  # type: ignore[assignment]
    if root := SETTINGS["root"]:
        made = bubblewrap_roots.BoxRoot(
            root=str(COPY / "sandbox"), python=root["python"], binds=tuple(root["binds"]), digest=root["digest"]
        )
        bubblewrap_roots.ensure_root = lambda *_, **__: made
    if image := SETTINGS["image"]:
        setup.run_setup = lambda **_: SimpleNamespace(image=SimpleNamespace(digest=image))
        from docker.api.client import APIClient

        plain = APIClient.create_host_config
        APIClient.create_host_config = lambda self, **walls: plain(
            self, **walls, binds=[f"{COPY}/sandbox/box:/opt/moa/box:ro"]
        )


@contextmanager
def _off(cuts: tuple[Cut, ...]) -> Iterator[None]:
    """The texts of the copy changed, and what of them this process has loaded."""
    with ExitStack() as stack:
        for file, text in texts_after(cuts, COPY).items():
            path = COPY / file
            module = module_of(file) if path.suffix == ".py" else None  # loaded before it is changed
            kept = path.with_name(path.name + ".kept")
            shutil.copy2(path, kept)
            stack.callback(os.replace, kept, path)
            path.write_text(text, encoding="utf-8")
            for cached in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
                aside = cached.with_suffix(".kept")
                cached.rename(aside)
                stack.callback(aside.rename, cached)
            if module is not None:
                stack.enter_context(swapped(module, text))
        yield


def _carry_out(order: dict[str, object], bench: Workbench) -> dict[str, object]:
    cuts = tuple(Cut(file=file, old=old, new=new) for file, old, new in order["cuts"])
    made_of = tuple((c.file, c.old, c.new) for c in cuts if c.file.startswith(BOX_CODE))
    red: dict[str, str] = {}
    green: list[str] = []
    with _off(cuts):
        for case_id in order["cases"]:
            case = KNOWN[case_id]
            stage = None if isinstance(case, HostCase) else bench.stage(order["backend"], made_of)
            try:
                result = abuse_harness.run_case(case, stage)
                seen = [*result.faults, *(a for a in result.aftermath if not a.startswith(NOISE))]
            except Exception as error:
                if not order["cuts"]:
                    raise
                seen = [f"{type(error).__name__}: {error}"]
            if seen:
                red[case_id] = seen[0][:300]
                if order["first"]:
                    break
            else:
                green.append(case_id)
    return {"red": red, "green": green, "error": ""}


def main() -> None:
    _prepare()
    os.environ[cases_escape.SECRET_NAME] = cases_escape.SECRET
    listening = socket.socket(socket.AF_UNIX)
    listening.bind("\0" + cases_defences.ABSTRACT + str(os.getpid()))
    listening.listen()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # nothing else may write where the answers go
    bench = Workbench()
    for line in sys.stdin:
        order = json.loads(line)
        started = time.monotonic()
        try:
            answer = _carry_out(order, bench)
        except BaseException as error:  # noqa: BLE001 - told to whoever asked
            answer = {"red": {}, "green": [], "error": f"{type(error).__name__}: {error}"[:600]}
            traceback.print_exc()
            bench.drop()
        answer |= {"name": order["name"], "seconds": time.monotonic() - started}
        print(json.dumps(answer), file=answers, flush=True)
    bench.drop()


if __name__ == "__main__":
    main()
