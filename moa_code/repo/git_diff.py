"""The canonical form of a patch: a unified diff computed by git."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from moa_code.core.errors import TaskError
from moa_code.core.patch import Patch
from moa_code.repo.files import checked_parts
from moa_code.repo.git import must_git, run_git

# Nobody's configuration may change what a canonical diff looks like.
_NO_SETTINGS = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_ATTR_NOSYSTEM": "1"}


def canonical_diff(patch: Patch, *, executables: frozenset[str] = frozenset()) -> str:
    """What `git diff` prints for this patch, ready for `git apply`; empty for the empty patch.

    `executables` are the paths with mode 100755. Bytes that are not UTF-8 come as surrogate escapes; binary files
    as git's binary patches. Raises `TaskError` for a path git would not store, `EnvironmentFault` without git.
    """
    if not patch.changes:
        return ""
    for path in patch.paths:
        checked_parts(path)
    with tempfile.TemporaryDirectory(prefix="moa-diff-") as name:
        store = Path(name)
        must_git(store, "init", "-q", "--bare", ".", extra_env=_NO_SETTINGS)
        before = ((c.path, c.before) for c in patch.changes if c.before is not None)
        after = ((c.path, c.after) for c in patch.changes if c.after is not None)
        stream = _commit("refs/heads/a", before, executables) + _commit("refs/heads/b", after, executables)
        status, _, err = run_git(store, "fast-import", "--quiet", stdin=stream, extra_env=_NO_SETTINGS)
        if status != 0:
            reason = next((line for line in err.splitlines() if line.startswith("fatal:")), err)
            raise TaskError(f"git cannot hold the paths {', '.join(map(repr, patch.paths))}: {reason}")
        out = must_git(
            store,
            "diff-tree", "-p", "--binary", "--full-index", "--no-renames", "--no-color", "--no-ext-diff",
            "--no-textconv", "--diff-algorithm=myers", "--unified=3", "--src-prefix=a/", "--dst-prefix=b/", "a", "b",
            extra_env=_NO_SETTINGS,
        )  # fmt: skip
    return out.decode("utf-8", "surrogateescape")


def _commit(ref: str, files: Iterable[tuple[str, bytes]], executables: frozenset[str]) -> bytes:
    """One parentless commit in git's fast-import format, holding `files`."""
    parts = [f"commit {ref}\ncommitter moa-code <> 0 +0000\ndata 0\n".encode()]
    for path, content in files:
        mode = "100755" if path in executables else "100644"
        parts.append(f"M {mode} inline ".encode() + _quoted(path) + b"\n")
        parts.append(b"data %d\n" % len(content) + content + b"\n")
    return b"".join(parts)


def _quoted(path: str) -> bytes:
    """A path as a C string, every byte outside plain ASCII as three octal digits."""
    raw = path.encode("utf-8", "surrogateescape")
    plain = (bytes([b]) if 0x20 <= b < 0x7F and b not in b'"\\' else b"\\%03o" % b for b in raw)
    return b'"' + b"".join(plain) + b'"'
