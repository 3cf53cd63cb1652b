"""Screen many small variants of one module against the same checks: collect once, fork and swap code for each.

pytest collects the checks over the base tree once. For every variant a child is forked that replaces the code
objects of the functions that differ and runs the checks that matter. Only a screen: whatever passes here is verified
from scratch elsewhere, and variants that cannot be swapped in are handed back as `unsupported`.
"""

from __future__ import annotations

import ast
import contextlib
import gc
import hashlib
import os
import select
import signal
import sys
import types
from typing import Any, Literal

import pytest
from _pytest.runner import runtestprotocol

from box.runners.paths import prepare_path
from box.runners.pytest_run import CheckTimeout, arguments
from box.runners.report import Reporter

BASE = -1  # the index under which the base's own symptoms are reported
SYMPTOM_CHARS = 500
MAX_MISSES = 6  # failing checks a variant may still fail before it is given up


class CannotSwap(Exception):
    """The variant differs in more than the bodies of functions that exist already."""


def run(payload: dict[str, Any], report: int) -> int:
    """Payload of `pytest`, and: variants [{files: [{path, source}], reaches}], check_cpu_s, check_wall_s, failing and
    passing (ids), hung (failing ids that hang on the base).

    `failing` and `passing` say how the checks go on the base; `reaches` are the ids that execute the changed lines, or
    None when that is not known. Reports one `variant` line each: index, state (passed | failed | timed_out | crashed |
    unsupported), fixed and broken (ids), symptoms ({id: digest of how it failed}); the base's stand under BASE.
    """
    reporter = Reporter(report, payload.pop("nonce"))
    agreed = int(payload.pop("exit_code"))
    prepare_path(payload["sys_path"])
    screen = Screen(payload, reporter)
    code = pytest.main(arguments(payload), plugins=[screen])
    reporter.send("end", code=int(code), screened=screen.screened)
    return agreed


class Screen:
    """Takes the place of pytest's own loop."""

    def __init__(self, payload: dict[str, Any], reporter: Reporter) -> None:
        self._payload = payload
        self._reporter = reporter
        self._seconds = (float(payload["check_cpu_s"]), float(payload["check_wall_s"]))
        self._timed_out = False
        self._symptoms: dict[str, str] = {}
        self.screened = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        by_id = {item.nodeid: item for item in session.items}
        missing = [name for kind in ("failing", "passing") for name in self._payload[kind] if name not in by_id]
        if missing:
            self._reporter.send("internal_error", detail=f"{missing[0]} was not collected")
            return True
        failing = [by_id[name] for name in self._payload["failing"]]
        passing = [by_id[name] for name in self._payload["passing"]]
        swaps = Swaps()
        gc.collect()
        gc.freeze()
        hung = set(self._payload["hung"])
        self._fork(BASE, [], [item for item in failing if item.nodeid not in hung], [], [])
        for index, variant in enumerate(self._payload["variants"]):
            reaches = variant["reaches"]
            if reaches is None:
                first, rest, others = failing, [], passing
            else:
                first = [item for item in failing if item.nodeid in reaches]
                rest = [item for item in failing if item.nodeid not in reaches]
                others = [item for item in passing if item.nodeid in reaches]
            self._screen(index, variant, swaps, first, rest, others)
            self.screened += 1
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport:
        """A report without a traceback: rendering one would cost ten times the check itself."""
        error = call.excinfo.value if call.excinfo else None
        outcome: Literal["passed", "failed", "skipped"] = "passed" if error is None else "failed"
        if isinstance(error, pytest.skip.Exception):
            outcome = "skipped"
        self._timed_out = self._timed_out or isinstance(error, CheckTimeout)
        if error is not None and call.when == "call":
            words = f"{type(error).__name__}: {error}"[:SYMPTOM_CHARS]
            self._symptoms[item.nodeid] = hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()[:12]
        assert call.when != "collect"
        return pytest.TestReport(
            nodeid=item.nodeid, location=item.location, keywords={}, outcome=outcome, longrepr=None, when=call.when
        )

    def _screen(
        self,
        index: int,
        variant: dict[str, Any],
        swaps: Swaps,
        failing: list[pytest.Item],
        beyond: list[pytest.Item],
        passing: list[pytest.Item],
    ) -> None:
        try:
            pairs = [pair for file in variant["files"] for pair in swaps.plan(file["path"], file["source"])]
        except (CannotSwap, SyntaxError, ValueError, RecursionError) as error:
            self._reporter.send("variant", index=index, state="unsupported", detail=str(error)[:200])
            return
        self._fork(index, pairs, failing, beyond, passing)

    def _fork(
        self,
        index: int,
        pairs: list[tuple[types.FunctionType, types.CodeType]],
        failing: list[pytest.Item],
        beyond: list[pytest.Item],
        passing: list[pytest.Item],
    ) -> None:
        pid = os.fork()
        if pid == 0:
            self._in_child(index, pairs, failing, beyond, passing)
        budget = (self._seconds[1] + 0.1) * max(1, len(failing) + len(beyond) + len(passing))
        silent = _wait(pid, budget)
        if silent:
            self._reporter.send("variant", index=index, state=silent, fixed=[], broken=[])

    def _in_child(
        self,
        index: int,
        pairs: list[tuple[types.FunctionType, types.CodeType]],
        failing: list[pytest.Item],
        beyond: list[pytest.Item],
        passing: list[pytest.Item],
    ) -> None:
        """Run what decides, report, leave. `beyond`: failing checks that do not execute the changed lines, so that they
        can hardly be mended by it; they are run when all others were.
        """
        try:
            os.setpgid(0, 0)
            for function, code in pairs:
                function.__code__ = code
            signal.signal(signal.SIGPROF, _out_of_time)
            signal.signal(signal.SIGALRM, _out_of_time)
            fixed: list[str] = []
            missed: list[str] = []
            timed_out = False
            for item in failing:
                outcome = self._outcome(item)
                timed_out = timed_out or outcome == "timed_out"
                (fixed if outcome == "passed" else missed).append(item.nodeid)
                if index != BASE and (timed_out or (len(missed) >= MAX_MISSES and not fixed)):
                    break
            if not missed:
                for item in beyond:
                    (fixed if self._outcome(item) == "passed" else missed).append(item.nodeid)
            elif not timed_out:
                missed += [item.nodeid for item in beyond]
            broken: list[str] = []
            if fixed and not timed_out:
                for item in passing:
                    outcome = self._outcome(item)
                    if outcome != "passed":
                        broken.append(item.nodeid)
                        timed_out = outcome == "timed_out"
                        break
            state = "timed_out" if timed_out else "failed" if missed or broken else "passed"
            self._reporter.send(
                "variant", index=index, state=state, fixed=fixed, broken=broken, symptoms=self._symptoms
            )
        except BaseException as error:
            self._reporter.send("variant", index=index, state="crashed", detail=repr(error)[:200], fixed=[], broken=[])
        finally:
            os._exit(0)

    def _outcome(self, item: pytest.Item) -> str:
        signal.setitimer(signal.ITIMER_PROF, self._seconds[0], 0.2)
        signal.setitimer(signal.ITIMER_REAL, self._seconds[1], 0.2)
        try:
            reports = runtestprotocol(item, log=False, nextitem=None)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
        if all(report.passed and not hasattr(report, "wasxfail") for report in reports):
            return "passed"
        return "timed_out" if self._timed_out else "failed"


class Swaps:
    """Finds, for a variant of a module, which functions' code to replace by what."""

    def __init__(self) -> None:
        self._modules = {
            os.path.realpath(file): module
            for module in list(sys.modules.values())
            if isinstance(module, types.ModuleType) and (file := getattr(module, "__file__", None))
        }
        self._sources: dict[str, ast.Module] = {}

    def plan(self, path: str, source: str) -> list[tuple[types.FunctionType, types.CodeType]]:
        """Pairs of function and new code. Raises `CannotSwap`."""
        full = os.path.realpath(path)
        module = self._modules.get(full)
        if module is None:
            raise CannotSwap("no collected check imports this module")
        if path not in self._sources:
            with open(path, encoding="utf-8") as stream:
                self._sources[path] = ast.parse(stream.read())
        names = _differing_functions(self._sources[path], ast.parse(source))
        codes = _code_by_name(compile(source, module.__file__ or path, "exec", dont_inherit=True))
        pairs = [(_function(module, name), codes[name]) for name in names]
        for function, code in pairs:
            if function.__code__.co_freevars != code.co_freevars:
                raise CannotSwap(f"{code.co_qualname} closes over other variables")
        return pairs


def _differing_functions(base: ast.Module, variant: ast.Module) -> list[str]:
    """Qualified names of the outermost functions whose bodies differ; everything else must be equal."""
    found: list[str] = []
    _compare(base.body, variant.body, "", found)
    if not found:
        raise CannotSwap("no function differs")
    return found


def _compare(base: list[ast.stmt], variant: list[ast.stmt], prefix: str, found: list[str]) -> None:
    if len(base) != len(variant):
        raise CannotSwap("statements were added or removed outside a function")
    for old, new in zip(base, variant, strict=True):
        if isinstance(old, ast.FunctionDef | ast.AsyncFunctionDef) and type(old) is type(new):
            if _head(old) != _head(new):
                raise CannotSwap(f"the signature of {old.name} differs")
            if [ast.dump(s) for s in old.body] != [ast.dump(s) for s in new.body]:
                if sum(getattr(statement, "name", None) == old.name for statement in base) > 1:
                    raise CannotSwap(f"{old.name} is defined more than once")
                found.append(prefix + old.name)
        elif isinstance(old, ast.ClassDef) and isinstance(new, ast.ClassDef):
            if _head(old) != _head(new):
                raise CannotSwap(f"the head of class {old.name} differs")
            _compare(old.body, new.body, f"{prefix}{old.name}.", found)
        elif ast.dump(old) != ast.dump(new):
            raise CannotSwap("a statement outside a function differs")


def _head(node: ast.AST) -> str:
    """Everything of a definition but its body."""
    return "|".join(
        ast.dump(part)
        for name, value in ast.iter_fields(node)
        if name != "body"
        for part in (value if isinstance(value, list) else [value])
        if isinstance(part, ast.AST)
    ) + str(getattr(node, "name", ""))


def _code_by_name(module: types.CodeType) -> dict[str, types.CodeType]:
    """Code objects of functions by qualified name; a name defined twice keeps its last definition."""
    found: dict[str, types.CodeType] = {}
    waiting = [module]
    while waiting:
        code = waiting.pop()
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                found[constant.co_qualname] = constant
                waiting.append(constant)
    return found


def _function(module: types.ModuleType, name: str) -> types.FunctionType:
    """The function object behind a qualified name, through the decorators that keep a `__wrapped__`."""
    target: Any = module
    for part in name.split("."):
        holder = target.__dict__
        if part not in holder:
            raise CannotSwap(f"{name} is not there under its own name")
        target = holder[part]
    for _ in range(10):
        if isinstance(target, types.FunctionType) and not hasattr(target, "__wrapped__"):
            break
        target = (
            getattr(target, "__func__", None) or getattr(target, "fget", None) or getattr(target, "__wrapped__", None)
        )
    if not isinstance(target, types.FunctionType):
        raise CannotSwap(f"{name} is not a plain function")
    if target.__code__.co_qualname != name:  # a wrapper that does not tell what it wraps, or another's function
        raise CannotSwap(f"{name} stands for {target.__code__.co_qualname}")
    return target


def _wait(pid: int, seconds: float) -> str:
    """Wait for a child, kill its group when it takes longer. Returns why it could not report, or nothing if it has."""
    descriptor = os.pidfd_open(pid)
    try:
        in_time = bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    return "timed_out" if not in_time else "crashed" if status else ""


def _out_of_time(number: int, frame: object) -> None:
    raise CheckTimeout("out of time")
