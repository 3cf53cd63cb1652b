"""Jobs for the sandbox: which runner, which checks in which order, under which limits, sealed against whom."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from moa_code.core.box import Job, Limits
from moa_code.core.patch import EMPTY_PATCH, FileChange, Patch
from moa_code.core.task import CheckId, Task
from moa_code.core.tree import MemorySnapshot, Snapshot, TreeDigest
from moa_code.edits.policy import glob_match
from moa_code.verify.separate import Separation, named_in

LINT_RULES = "E9,F63,F7,F82,F401,F841,B006,B008,B012,PLE"
"""What ruff looks for in a patch; only what BLOCKING names makes it fail."""

BLOCKING = ("E9", "F63", "F7", "F82", "PLE", "syntax", "invalid-syntax")
NO_TREE = MemorySnapshot(files={})
CHECK_CPU_FACTOR = 20.0
CHECK_CPU_FLOOR_S = 1.0
CHECK_CPU_UNKNOWN_S = 10.0
BASELINE_CHECK_SHARE = 0.2
BASELINE_FACTOR = 3.0  # coverage slows checks, and checks that hang are cut one by one
HUNG_CPU_S = 0.3
SPLIT_FACTOR = 3.0  # every attribute and call is a message
SPLIT_EXTRA_S = 2.0
WALL_FACTOR = 4.0
WALL_FLOOR_S = 5.0
ALWAYS_SEALED = ("conftest.py", "pytest.ini", "pyproject.toml", "setup.cfg", "tox.ini")


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A job and the secrets of its report."""

    job: Job
    nonce: str
    exit_code: int
    canaries: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Changed files to screen, none of them deleted, and which checks the changes can concern (None: any)."""

    changes: tuple[FileChange, ...]
    reaches: frozenset[CheckId] | None


def pytest_job(
    task: Task,
    patch: Patch = EMPTY_PATCH,
    *,
    first: Sequence[CheckId] = (),
    check_cpu_s: float,
    seed: int = 0,
) -> Planned:
    """All targets of the task, `first` before the others; unless all of those pass the rest is not run."""
    planted = {_hidden_name(): kind for kind in ("fail", "pass")}
    payload = {
        **_selection(task),
        "canaries": list(planted.items()),
        "first": list(first),
        **_check_clock(check_cpu_s, task.limits),
    }
    return _planned(task, "pytest", payload, patch, seed, planted)


def split_job(
    task: Task,
    apart: Separation,
    patch: Patch = EMPTY_PATCH,
    *,
    select: Sequence[str],
    first: Sequence[CheckId] = (),
    check_cpu_s: float,
    seed: int,
) -> Planned:
    """The pytest checks in `select` in a judging process, `first` before the others; the candidate in another."""
    payload = {
        **_selection(task),
        "select": list(select),
        "first": list(first),
        "unfit": sorted(apart.unfit),
        **_across(task, patch, apart.judged, apart.named),
        **_check_clock(SPLIT_FACTOR * check_cpu_s + SPLIT_EXTRA_S, task.limits),
    }
    planned = _planned(task, "split", payload, patch, seed, {})
    return replace(planned, job=replace(planned.job, judged=apart.judged))


def oracle_job(
    task: Task,
    patch: Patch = EMPTY_PATCH,
    *,
    first: Sequence[CheckId] = (),
    check_cpu_s: float,
    seed: int = 0,
    untouched: bool = False,
    coverage: bool = False,
) -> Planned:
    """The task's function-level checks, each asked across the border between two processes.

    What else lies in their folders is the judge's too: helpers, tables. On the `untouched` tree checks may hang, for
    which there is more time in all and less for each after the first.
    """
    files = dict.fromkeys(target.partition("::")[0] for target in task.checks.targets)
    folders = tuple({file.rpartition("/")[0] + "/" for file in files} - {"/"})
    beside = [path for path in sealed_paths(task) if path.startswith(folders)] if folders else []
    judged = tuple(dict.fromkeys([*files, *beside]))
    payload = {
        **_selection(task),
        "first": list(first),
        "coverage": coverage,
        "slim": not coverage and _light(_Tree(digest=task.tree.digest, tree=task.tree), judged),
        **_across(task, patch, judged, _named_in(_Tree(digest=task.tree.digest, tree=task.tree), judged)),
        **_check_clock(check_cpu_s, task.limits),
    }
    if untouched:
        payload["hung_cpu_s"] = min(check_cpu_s, HUNG_CPU_S)
    planned = _planned(task, "oracle", payload, patch, seed, {})
    limits = _longer(planned.job.limits) if untouched else planned.job.limits
    return replace(planned, job=replace(planned.job, judged=judged, limits=limits))


@lru_cache(maxsize=8)  # the same for every candidate of a task
def _named_in(key: _Tree, judged: tuple[str, ...]) -> tuple[str, ...]:
    return named_in(key.tree, [path for path in judged if path in _facts(key).paths])


def _across(task: Task, patch: Patch, judged: Sequence[str], named: Sequence[str]) -> dict[str, object]:
    """Which modules are the candidate's, and which of its classes the checks are about."""
    after = {change.path: change.after is not None for change in patch.changes}
    mine = frozenset(judged)
    there = [p for p in task.tree.paths() if after.get(p, True)] + [p for p, stays in after.items() if stays]
    return {
        "far_paths": sorted({path for path in there if path.endswith(".py") and path not in mine}),
        "named": list(named),
    }


def baseline_job(task: Task, *, seed: int, coverage: bool = False, hung: Sequence[CheckId] = ()) -> Planned:
    """All targets on the untouched tree. Nothing is known yet of how long a check takes: the first that hangs may use a
    share of the whole limit, those after it (and those known to hang) little.
    """
    share = min(CHECK_CPU_UNKNOWN_S, task.limits.cpu_s * BASELINE_CHECK_SHARE)
    payload = {
        **_selection(task),
        **_check_clock(share, task.limits),
        "hung_cpu_s": min(share, HUNG_CPU_S),
        "hung": list(hung),
        "coverage": coverage,
    }
    planned = _planned(task, "pytest", payload, EMPTY_PATCH, seed, {})
    return replace(planned, job=replace(planned.job, limits=_longer(planned.job.limits)))


def _longer(limits: Limits) -> Limits:
    """For a baseline."""
    return replace(limits, cpu_s=limits.cpu_s * BASELINE_FACTOR, wall_s=limits.wall_s * BASELINE_FACTOR)


def screen_job(
    task: Task,
    variants: Sequence[Variant],
    *,
    failing: Sequence[CheckId],
    passing: Sequence[CheckId],
    hung: Sequence[CheckId],
    check_cpu_s: float,
    job_cpu_s: float,
) -> Planned:
    """Many small variants against the checks that fail and pass on the base. Of a variant with `reaches`, those
    failing checks come first, and of the passing ones only those are run.
    """
    payload = {
        **_selection(task),
        "failing": list(failing),
        "passing": list(passing),
        "hung": list(hung),
        "check_cpu_s": check_cpu_s,
        "check_wall_s": max(1.0, check_cpu_s * WALL_FACTOR),
        "variants": [
            {
                "files": [
                    {"path": change.path, "source": (change.after or b"").decode("utf-8", "replace")}
                    for change in variant.changes
                ],
                "reaches": None if variant.reaches is None else sorted(variant.reaches),
            }
            for variant in variants
        ],
    }
    planned = _planned(task, "screen", payload, EMPTY_PATCH, 0, {})
    limits = replace(task.limits, cpu_s=job_cpu_s, wall_s=job_cpu_s * WALL_FACTOR + WALL_FLOOR_S)
    return replace(planned, job=replace(planned.job, limits=limits))


def static_job(task: Task, files: Sequence[tuple[str, bytes]], limits: Limits, *, lint: bool) -> Planned:
    """Compile and lint files (path, content), each in a folder of its own, so that two of one path can be in one job.

    The tree is laid out around them only where one is an `__init__.py`: the linter words its remark on an unused import
    in such a file by where the import comes from. Of the packages around it, empty files show where they begin.
    """
    facts = _facts(_Tree(digest=task.tree.digest, tree=task.tree))
    inits = [(at, path) for at, (path, _) in enumerate(files) if lint and path.rpartition("/")[2] == "__init__.py"]
    folder = "0"  # nothing can be imported from there
    while any(path.partition("/")[0] == folder for path in facts.paths):
        folder += "0"
    overlay = {f"{folder}/{at}/{name}": b"" for at, path in inits for name in _packages(path) if name in facts.paths}
    overlay |= {f"{folder}/{at}/{path}": content for at, (path, content) in enumerate(files)}
    payload: dict[str, object] = {
        "within": folder,
        "paths": [path for path, _ in files],
        "select": LINT_RULES if lint else "",
    }
    planned = _planned(task, "static", payload, EMPTY_PATCH, 0, {})
    changes = tuple(FileChange(path=path, before=None, after=content) for path, content in overlay.items())
    tree = task.tree if inits else NO_TREE
    return replace(planned, job=replace(planned.job, tree=tree, overlay=changes, sealed=(), limits=limits))


def _packages(path: str) -> list[str]:
    """The `__init__.py` of each folder around `path`, outermost first."""
    folders = path.split("/")[:-1]
    return ["/".join([*folders[:depth], "__init__.py"]) for depth in range(1, len(folders))]


def command_job(task: Task, patch: Patch = EMPTY_PATCH) -> Planned:
    """The task's own command; its exit status is all we learn."""
    return _planned(task, "command", {"argv": list(task.checks.argv)}, patch, 0, {})


def _check_clock(cpu_s: float, limits: Limits) -> dict[str, object]:
    """What one check may use: its CPU time, and wall time for one that sleeps, never more than the whole run may."""
    return {"check_cpu_s": cpu_s, "check_wall_s": min(limits.wall_s, max(WALL_FLOOR_S, cpu_s * WALL_FACTOR))}


def check_budget_s(slowest_passing_s: float) -> float:
    """CPU seconds one check of a candidate may use: from the baseline, so that a hang costs little."""
    return max(CHECK_CPU_FLOOR_S, CHECK_CPU_FACTOR * slowest_passing_s)


def sealed_paths(task: Task) -> tuple[str, ...]:
    """Files a candidate may read and not replace: tests, configuration, all that its rules protect."""
    targets = frozenset(target.partition("::")[0] for target in task.checks.targets)
    return _sealed(task.tree.paths(), targets, task.rules.protected)


@lru_cache(maxsize=8)  # the same for every candidate of a task, and slow where there are thousands of files
def _sealed(paths: tuple[str, ...], targets: frozenset[str], protected: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        path
        for path in paths
        if path in ALWAYS_SEALED
        or path in targets
        or path.endswith("/conftest.py")
        or any(glob_match(path, pattern) for pattern in protected)
    )


def _selection(task: Task) -> dict[str, object]:
    facts = _facts(_Tree(digest=task.tree.digest, tree=task.tree))
    return {
        "select": list(task.checks.targets),
        "sys_path": list(facts.imports),
        "hypothesis": facts.hypothesis,
        "legacy_paths": facts.legacy_paths,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tree:
    """A tree as a key: two are one when their digests are."""

    digest: TreeDigest
    tree: Snapshot = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What jobs need to know of a tree: where it is imported from, and what its tests mention."""

    paths: frozenset[str]
    imports: tuple[str, ...]
    hypothesis: bool
    legacy_paths: bool


@lru_cache(maxsize=8)
def _light(key: _Tree, judged: tuple[str, ...]) -> bool:
    """Whether these checks need no pytest or Hypothesis in the process that runs them."""
    there = frozenset(key.tree.paths())
    texts = [key.tree.read(path) for path in judged if path in there and path.endswith(".py")]
    return not any(word in text for text in texts for word in (b"pytest", b"hypothesis", b"unittest"))


@lru_cache(maxsize=8)  # the same for every candidate of a task, and read from every test file
def _facts(key: _Tree) -> _Facts:
    paths = key.tree.paths()
    tests = [p for p in paths if p.endswith(".py") and ("test" in p.rpartition("/")[2] or p.endswith("conftest.py"))]
    texts = [key.tree.read(path) for path in tests]
    return _Facts(
        paths=frozenset(paths),
        imports=("", *(["src"] * any(path.startswith("src/") for path in paths))),
        hypothesis=any(b"hypothesis" in text for text in texts),
        legacy_paths=any(b"tmpdir" in text or b"testdir" in text for text in texts),
    )


def _planned(
    task: Task, entry: str, payload: dict[str, object], patch: Patch, seed: int, canaries: Mapping[str, str]
) -> Planned:
    nonce = secrets.token_hex(16)
    exit_code = 32 + secrets.randbelow(200)
    job = Job(
        tree=task.tree,
        entry=entry,
        payload={**payload, "nonce": nonce, "exit_code": exit_code},
        limits=task.limits,
        overlay=patch.changes,
        sealed=sealed_paths(task),
        seed=seed,
    )
    return Planned(job=job, nonce=nonce, exit_code=exit_code, canaries=canaries)


def _hidden_name() -> str:
    """A check's name that looks like any other."""
    return f"test_{secrets.token_hex(5)}"
