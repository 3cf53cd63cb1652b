"""Section D: what the host itself reads of a candidate. No box takes part, but where a parser is to be killed or fooled."""

# ruff: noqa: E501 (a line of an attack stays a line)

import ast
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from functools import partial
from pathlib import Path

from abuse_cases import FAILED, REJECTED, HostCase, VerdictCase
from abuse_projects import RIGHT, START
from cases_forging import small

from moa_code.core.errors import TaskError
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.task import EditRules
from moa_code.core.tree import MemorySnapshot
from moa_code.edits.policy import PROTECTED_BY_DEFAULT, violations
from moa_code.edits.unified import DiffError, parse_diff

MOST_SECONDS = 5.0  # of CPU time, while every allocation is traced
MOST_BYTES = 120 << 20
ROOT = Path(__file__).parents[2]
TREE = MemorySnapshot(
    files={
        "m.py": b"one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n",
        "crlf.py": b"one\r\ntwo\r\n",
        "run.sh": b"#!/bin/sh\n",
        "pack/__init__.py": b"",
        "pack/core.py": b"x = 1\n",
        "tests/test_m.py": b"def test_m():\n    assert False\n",
        "pyproject.toml": b"[project]\n",
        "latin.py": b"# caf\xe9\n",
    },
    executables=frozenset({"run.sh"}),
)
RULES = EditRules(protected=PROTECTED_BY_DEFAULT)


def judged(diff: bytes, tree=TREE) -> str:
    """What becomes of a diff on the host: rejected at bounded cost, or accepted."""
    tracemalloc.start()
    started = time.process_time()
    try:
        patch = parse_diff(diff, tree=tree)
        outcome = "rejected" if violations(patch, tree=tree, rules=RULES) else "accepted"
    except DiffError:
        outcome = "rejected"
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    if time.process_time() - started > MOST_SECONDS:
        return f"{outcome} after {time.process_time() - started:.1f} s"
    return outcome if peak < MOST_BYTES else f"{outcome} with {peak >> 20} MiB"


def diff_case(row, name, diff, **rest):
    data = diff if isinstance(diff, bytes) else diff.encode()
    return HostCase(row=row, name=name, attempt=partial(judged, data), **rest)


def new(path, text="x = 1\n", mode="100644", prefix="b/", quoted=False):
    """A diff that creates `path`."""
    lines = text.splitlines(keepends=True)
    body = "".join("+" + line for line in lines)
    target = f'"{prefix}{path}"' if quoted else f"{prefix}{path}"
    source = f'"a/{path}"' if quoted else f"a/{path}"
    return f"diff --git {source} {target}\nnew file mode {mode}\n--- /dev/null\n+++ {target}\n@@ -0,0 +1,{len(lines)} @@\n{body}"


def edit(path="m.py", old="a/", new="b/", head="@@ -1,4 +1,4 @@", body=" one\n-two\n+2\n three\n four\n", extra=""):
    return f"diff --git {old}{path} {new}{path}\n{extra}--- {old}{path}\n+++ {new}{path}\n{head}\n{body}"


HONEST = edit()
ESCAPING = (
    HostCase(
        row=53,
        name="and-an-honest-one-is-accepted",
        attempt=partial(judged, HONEST.encode()),
        expected=frozenset({"accepted"}),
    ),
    *(
        diff_case(53, name, new(path))
        for name, path in (
            ("up", "../x.py"),
            ("up-in-the-middle", "pack/../../x.py"),
            ("up-at-the-end", "pack/.."),
            ("dot", "./x.py"),
            ("empty-component", "pack//x.py"),
            ("absolute", "/etc/cron.d/x"),
            ("absolute-behind-the-prefix", "/tmp/x"),
            ("drive", "C:/x.py"),
            ("backslashes", "..\\x.py"),
            ("home", "a/~/../../x"),
            ("slash-at-the-end", "pack/x/"),
            ("nothing", ""),
            ("spaces-and-dots", "pack/.. /../x"),
            ("full-width-dots", "．．/x.py".replace("．", "․")),
        )
        if name not in ("spaces-and-dots", "full-width-dots")
    ),
    diff_case(53, "octal-escapes", new("\\056\\056/x.py", quoted=True)),
    diff_case(53, "no-prefix", "--- m.py\n+++ m.py\n@@ -1,2 +1,2 @@\n-one\n+1\n two\n"),
    diff_case(53, "other-prefix", edit(old="i/", new="w/")),
    diff_case(
        53,
        "names-that-differ",
        "diff --git a/m.py b/m.py\n--- a/m.py\n+++ b/../x.py\n@@ -1,2 +1,2 @@\n-one\n+1\n two\n",
    ),
    diff_case(
        53, "rename-out", "diff --git a/m.py b/../m.py\nsimilarity index 100%\nrename from m.py\nrename to ../m.py\n"
    ),
    diff_case(
        53,
        "rename-names-two-places",
        "diff --git a/m.py b/new.py\nrename to tests/new.py\nrename from m.py\nrename from m.py\nrename to new.py\n",
    ),
    diff_case(
        53,
        "rename-to-the-tests",
        "diff --git a/m.py b/tests/m.py\nsimilarity index 100%\nrename from m.py\nrename to tests/m.py\n",
    ),
    diff_case(
        53,
        "copy",
        "diff --git a/tests/test_m.py b/new.py\nsimilarity index 100%\ncopy from tests/test_m.py\ncopy to new.py\n",
    ),
    diff_case(53, "second-diff-after-a-signature", HONEST + "-- \n2.40\n" + new("../x.py")),
    diff_case(53, "hidden-behind-words", "Subject: fix\n\n" + new("/etc/x")),
    diff_case(54, "link", new("link", "/etc\n", mode="120000")),
    diff_case(54, "link-out", new("link", "../../x\n", mode="120000")),
    diff_case(54, "link-to-the-tests", new("pack/t", "../tests\n", mode="120000")),
    diff_case(54, "link-then-a-file-beyond", new("link", "/tmp\n", mode="120000") + new("link/x.py")),
    diff_case(54, "a-file-becomes-a-link", edit(extra="old mode 100644\nnew mode 120000\n")),
    diff_case(54, "index-of-a-link", edit(extra="index 0123456..89abcde 120000\n")),
    diff_case(54, "a-file-below-a-file", new("m.py/x.py")),
    diff_case(54, "a-file-in-place-of-a-folder", new("pack")),
)


def beyond_a_link_on_the_disk() -> str:
    """A tree that has a link: a patch that writes beyond it is refused when it is put into the tree."""
    from moa_code.repo.apply import apply_patch

    with tempfile.TemporaryDirectory(prefix="abuse-") as name:
        home = Path(name)
        (home / "tree").mkdir()
        (home / "outside").mkdir()
        (home / "tree/link").symlink_to(home / "outside")
        patch = patch_of(FileChange(path="link/x.py", before=None, after=b"x = 1\n"))
        try:
            apply_patch(home / "tree", patch, record_path=home / "record.json")
        except TaskError:
            return "rejected" if not list((home / "outside").iterdir()) else "rejected, but written"
        return "accepted"


GIT = tuple(
    diff_case(row, name, new(path, quoted=quoted))
    for row, name, path, quoted in (
        (55, "hook", ".git/hooks/pre-commit", False),
        (55, "config", ".git/config", False),
        (55, "nested", "pack/.git/config", False),
        (55, "capitals", ".GIT/config", False),
        (55, "mixed", ".gIt/hooks/post-checkout", False),
        (55, "short-name", "git~1/config", False),
        (55, "space", ".git /config", False),
        (55, "dot", ".git./config", False),
        (55, "stream", ".git::$INDEX_ALLOCATION/config", False),
        (55, "zero-width", ".g\u200cit/config", False),
        (55, "soft-hyphen", ".gi\u00adt/config", False),
        (55, "dotless-i", ".g\u0131t/config", False),
        (55, "cyrillic", ".g\u0456t/config", False),
        (55, "full-width", "\uff0e\uff47\uff49\uff54/config", False),
        (55, "bare-file", ".git", False),
        (55, "quoted", "\\056git/config", True),
        (55, "ignorable", ".\U000e0067git/config", False),
        (55, "variation-selector", ".git\ufe0f/config", False),
        (56, "attributes", ".gitattributes", False),
        (56, "attributes-below", "pack/.gitattributes", False),
        (56, "modules", ".gitmodules", False),
        (56, "ignore", ".gitignore", False),
    )
)
MODES = (
    diff_case(
        56,
        "submodule",
        "diff --git a/sub b/sub\nnew file mode 160000\nindex 0000000..0123456\n--- /dev/null\n+++ b/sub\n@@ -0,0 +1 @@\n"
        "+Subproject commit 0123456789012345678901234567890123456789\n",
    ),
    diff_case(56, "executable", new("x.sh", "#!/bin/sh\n", mode="100755")),
    diff_case(56, "becomes-executable", edit(extra="old mode 100644\nnew mode 100755\n")),
    diff_case(56, "mode-alone", "diff --git a/run.sh b/run.sh\nold mode 100755\nnew mode 100644\n"),
    diff_case(56, "odd-mode", new("x.py", mode="100666")),
    diff_case(56, "set-uid-mode", new("x.py", mode="104755")),
    diff_case(56, "folder-mode", new("x", mode="040000")),
    diff_case(
        56,
        "deleted-link",
        "diff --git a/m.py b/m.py\ndeleted file mode 120000\n--- a/m.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n",
    ),
)
PROTECTED = tuple(
    diff_case(57, path.replace("/", "-").replace(".", "-").strip("-"), new(path))
    for path in (
        "tests/test_new.py",
        "pack/test_core.py",
        "pack/core_test.py",
        "pack/tests/x.py",
        "conftest.py",
        "pack/conftest.py",
        "tox.ini",
        "setup.cfg",
        "setup.py",
        "pytest.ini",
        ".coveragerc",
        "noxfile.py",
        ".github/workflows/ci.yml",
        ".gitlab-ci.yml",
        ".ci/run",
        "Jenkinsfile",
        "Makefile",
        "Dockerfile",
        "docker-compose.yml",
        "requirements.txt",
        "requirements-dev.txt",
        "constraints.txt",
        "poetry.lock",
        "uv.lock",
        "Pipfile.lock",
        "package-lock.json",
        "ruff.toml",
        "mypy.ini",
        ".pre-commit-config.yaml",
        "MANIFEST.in",
        "Tests/test_new.py",
        "TESTS/x.py",
        "pack/Conftest.py",
        "te\u017fts/x.py",
    )
)
PROTECTED_FILES = (
    diff_case(57, "pyproject", edit("pyproject.toml", head="@@ -1 +1 @@", body="-[project]\n+[tool]\n")),
    diff_case(
        57,
        "an-existing-test",
        edit("tests/test_m.py", head="@@ -1,2 +1,2 @@", body=" def test_m():\n-    assert False\n+    assert True\n"),
    ),
    diff_case(
        57,
        "a-deleted-test",
        "diff --git a/tests/test_m.py b/tests/test_m.py\ndeleted file mode 100644\n--- a/tests/test_m.py\n+++ /dev/null\n"
        "@@ -1,2 +0,0 @@\n-def test_m():\n-    assert False\n",
    ),
)


def lazily(row, name, make, **rest):
    """A case whose diff is large, so that it is made when it is wanted."""
    return HostCase(row=row, name=name, attempt=lambda: judged(make()), **rest)


def many_entries() -> str:
    """10^5 files in a patch that is not read from a diff: refused before each is looked at."""
    patch = patch_of(*(FileChange(path=f"f{n}.py", before=None, after=b"x") for n in range(100_000)))
    started = time.process_time()
    found = violations(patch, tree=TREE, rules=RULES)
    return "rejected" if found and time.process_time() - started < MOST_SECONDS else f"{len(found)} violations, slowly"


SIZES = (
    lazily(58, "100-megabytes", lambda: new("x.py").encode() + b"+" + b"x" * 100_000_000),
    lazily(
        58,
        "a-hundred-thousand-hunks",
        lambda: ("diff --git a/m.py b/m.py\n--- a/m.py\n+++ b/m.py\n" + "@@ -1 +1 @@\n-one\n+1\n" * 50_000).encode(),
    ),
    lazily(58, "thousands-of-files", lambda: b"".join(new(f"f{n}").encode() for n in range(3_000))),
    lazily(58, "one-line-without-end", lambda: b"diff --git a/" + b"m" * 900_000 + b" b/m.py\n"),
    lazily(58, "names-cut-in-every-way", lambda: b"diff --git " + b"a/ b/" * 100_000 + b"\n"),
    lazily(58, "words-without-end", lambda: b"\n".join([b"x"] * 150_000)),
    lazily(58, "huge-numbers", lambda: edit(head="@@ -999999999,999999999 +999999999,999999999 @@").encode()),
    lazily(58, "numbers-of-many-digits", lambda: edit(head="@@ -" + "9" * 100_000 + " +1 @@").encode()),
    HostCase(row=58, name="many-entries", attempt=many_entries),
    diff_case(
        58,
        "binary",
        "diff --git a/m.py b/m.py\nindex 0123456..89abcde 100644\nGIT binary patch\nliteral 3\nKcmZQzU|?i`00aO5\n\nliteral 0\nHcmV?d00001\n",
    ),
    diff_case(58, "binary-files-differ", "diff --git a/m.py b/m.py\nBinary files a/m.py and b/m.py differ\n"),
    diff_case(58, "nul", new("x.py", "x = '\0'\n")),
    diff_case(58, "nul-in-a-name", new("x\0.py")),
    diff_case(
        58,
        "no-utf-8-in-a-name",
        b"diff --git a/\xff.py b/\xff.py\nnew file mode 100644\n--- /dev/null\n+++ b/\xff.py\n@@ -0,0 +1 @@\n+x\n",
    ),
    diff_case(58, "octal-in-a-name", new("\\377.py", quoted=True)),
    diff_case(58, "line-feed-in-a-name", new("x\\n.py", quoted=True)),
    diff_case(
        58,
        "no-utf-8-in-a-file",
        b"diff --git a/m.py b/m.py\n--- a/m.py\n+++ b/m.py\n@@ -1,2 +1,2 @@\n-one\n+\xff\xfe\n two\n",
    ),
    diff_case(58, "crlf-in-the-headers", HONEST.replace("\n", "\r\n")),
    diff_case(58, "twice-the-same-file", HONEST + HONEST),
    diff_case(58, "case-folds", new("M.py")),
    diff_case(58, "case-folds-among-themselves", new("x/A.py") + new("X/a.py")),
    diff_case(58, "composition", new("caf\u0065\u0301.py")),
    diff_case(58, "composition-among-themselves", new("caf\u00e9.py") + new("cafe\u0301.py")),
    diff_case(58, "sharp-s", new("stra\u00dfe.py") + new("strasse.py")),
    diff_case(58, "a-long-name", new("x" * 300 + ".py")),
    diff_case(58, "a-long-path", new("d/" * 600 + "x.py")),
    diff_case(58, "direction-of-text", new("a\u202eyp.exe")),
    diff_case(58, "line-separator", new("a\u2028b.py")),
    diff_case(
        58,
        "combined",
        "diff --cc m.py\nindex 1,2..3\n--- a/m.py\n+++ b/m.py\n@@@ -1,2 -1,2 +1,2 @@@\n- one\n++1\n  two\n",
    ),
    diff_case(58, "nothing", ""),
    diff_case(58, "only-words", "please apply this\n"),
)
FUZZY = (
    diff_case(59, "other-context", edit(body=" uno\n-two\n+2\n three\n four\n")),
    diff_case(59, "other-place", edit(head="@@ -2,4 +2,4 @@")),
    diff_case(59, "spaces", edit(body=" one \n-two\n+2\n three\n four\n")),
    diff_case(59, "tabs", edit(body=" one\n-\ttwo\n+2\n three\n four\n")),
    diff_case(59, "line-ends", edit("crlf.py", head="@@ -1,2 +1,2 @@", body=" one\n-two\n+2\n")),
    diff_case(59, "fewer-lines-than-it-says", edit(head="@@ -1,9 +1,9 @@")),
    diff_case(59, "more-lines-than-it-says", edit(head="@@ -1,2 +1,2 @@")),
    diff_case(59, "partly", HONEST + edit("pack/core.py", head="@@ -1 +1 @@", body="-y = 1\n+y = 2\n")),
    diff_case(59, "applied-already", edit(body=" one\n-2\n+two\n three\n four\n")),
    diff_case(59, "reversed", edit(body=" one\n-2\n+2\n three\n four\n")),
    diff_case(
        59, "overlapping-hunks", edit(body=" one\n-two\n+2\n three\n four\n@@ -2,3 +2,3 @@\n two\n-three\n+3\n four\n")
    ),
    diff_case(
        59,
        "hunks-out-of-order",
        edit(head="@@ -5,4 +5,4 @@", body=" five\n-six\n+6\n seven\n eight\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"),
    ),
    diff_case(59, "a-file-that-is-not-there", edit("no.py")),
    diff_case(59, "a-new-file-that-is-there", new("m.py")),
    diff_case(
        59,
        "deleted-in-part",
        "diff --git a/m.py b/m.py\ndeleted file mode 100644\n--- a/m.py\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-one\n-two\n",
    ),
    diff_case(59, "nothing-changes", edit(body=" one\n-two\n+two\n three\n four\n")),
    diff_case(59, "only-context", edit(body=" one\n two\n three\n four\n")),
    diff_case(59, "cut-off", HONEST[:-12]),
    diff_case(59, "rubbish-between", HONEST + "rubbish\n" + new("x.py")),
    diff_case(
        59, "context-format", "*** a/m.py\n--- b/m.py\n***************\n*** 1,2 ****\n! one\n--- 1,2 ----\n! 1\n"
    ),
    diff_case(59, "ed-script", "1c\n1\n.\nw\nq\n"),
    diff_case(
        59,
        "a-shell-in-the-header",
        "diff --git a/m.py b/m.py;reboot\n--- a/m.py\n+++ b/m.py;reboot\n@@ -1,2 +1,2 @@\n-one\n+1\n two\n",
    ),
)


def nothing_comes_out_of_a_box() -> str:
    """No code of ours opens an archive, or asks the engine for one: only framed reports leave a box."""
    readers = ("get_archive", "unpack_archive", "extractall", "extractfile", "ZipFile", "export")
    found = []
    for path in [*(ROOT / "moa_code").rglob("*.py"), *(ROOT / "sandbox").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            if name in readers:
                found.append(f"{path.name}: {name}")
            if isinstance(node, ast.Attribute) and node.attr == "open" and getattr(node.value, "id", "") == "tarfile":
                call = ast.get_source_segment(path.read_text("utf-8"), node) or ""
                if '"w"' not in path.read_text("utf-8"):
                    found.append(f"{path.name}: {call}")
    return "never extracted" if not found else str(found)


def archives_left_in_a_tree() -> str:
    """Hostile archives that a candidate brings are files like others, or refused; nothing looks inside."""
    outcomes = {judged(new(name, "PK\x03\x04 ../../x\n").encode()) for name in ("x.zip", "x.tar", "x.egg", "x.whl")}
    return "never extracted" if outcomes <= {"accepted", "rejected"} else str(outcomes)


ARCHIVES = (
    HostCase(
        row=60, name="no-code-extracts", attempt=nothing_comes_out_of_a_box, expected=frozenset({"never extracted"})
    ),
    HostCase(
        row=60,
        name="archives-are-files-like-others",
        attempt=archives_left_in_a_tree,
        expected=frozenset({"never extracted"}),
    ),
    HostCase(row=54, name="beyond-a-link-on-the-disk", attempt=beyond_a_link_on_the_disk),
)


def by_hand(diff: str) -> str:
    """What `moa-code verify --repo DIR --patch FILE` says of it, without an engine; the folder must stay as it is."""
    with tempfile.TemporaryDirectory(prefix="abuse-") as name:
        home = Path(name)
        for path, content in TREE.files.items():
            (home / "tree" / path).parent.mkdir(parents=True, exist_ok=True)
            (home / "tree" / path).write_bytes(content)
        (home / "patch").write_bytes(diff.encode())
        before = sorted(str(p) for p in home.rglob("*"))
        argv = [
            sys.executable,
            "-m",
            "moa_code",
            "verify",
            "--repo",
            str(home / "tree"),
            "--patch",
            str(home / "patch"),
        ]
        argv += ["--backend", "docker", "--quiet"]
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "DOCKER_HOST": "unix:///nonexistent.sock"}
        done = subprocess.run(argv, capture_output=True, cwd=ROOT, env=environment, timeout=60)
        after = sorted(str(p) for p in home.rglob("*"))
        new_files = [
            p for p in set(after) - set(before) if "moa" not in Path(p).name and ".local" not in p and ".cache" not in p
        ]
        if new_files:
            return f"left {new_files}"
        return "rejected" if done.returncode == 2 else f"exit {done.returncode}: {done.stderr[-300:]!r}"


COMMANDS = tuple(
    HostCase(row=row, name=f"command-line-{name}", attempt=partial(by_hand, diff))
    for row, name, diff in (
        (53, "up", new("../x.py")),
        (54, "link", new("link", "/etc\n", mode="120000")),
        (55, "hook", new(".git/hooks/pre-commit")),
        (59, "fuzzy", edit(body=" uno\n-two\n+2\n three\n four\n")),
    )
)


def kills_the_parser(name, text, **rest):
    return VerdictCase(
        row=61, name=name, files={"m.py": text}, expected=rest.pop("expected", FAILED | REJECTED), **rest
    )


PARSERS = (
    kills_the_parser("brackets", "x = " + "(" * 5000 + ")" * 5000 + "\n", stops_at="compile"),
    kills_the_parser("brackets-of-lists", "x = " + "[" * 100_000 + "\n", stops_at="compile"),
    kills_the_parser("signs", "x = " + "-" * 100_000 + "1\n", stops_at="compile"),
    kills_the_parser("attributes", "x = a" + ".b" * 100_000 + "\n", stops_at="compile"),
    kills_the_parser("else-if", "if 1:\n    pass\n" + "elif 1:\n    pass\n" * 20_000, stops_at="compile"),
    kills_the_parser(
        "indents", "".join(" " * n + "if 1:\n" for n in range(200)) + " " * 200 + "pass\n", stops_at="compile"
    ),
    kills_the_parser(
        "folded-power",
        "x = 9 ** 9 ** 9\n" + START,
        limits={"cpu_s": 1.0, "wall_s": 3.0},
        expected=FAILED | frozenset({"timed_out"}),
    ),
    kills_the_parser(
        "folded-string",
        "x = ('x' * 4096) * 4096 * 4096\n" + START,
        expected=FAILED | frozenset({"over_limit", "timed_out"}),
        limits={"cpu_s": 1.0, "wall_s": 3.0},
        raises="MemoryError",
    ),
    kills_the_parser("many-digits", "x = " + "9" * 900_000 + "\n", stops_at="compile"),
    kills_the_parser("cookie", "# -*- coding: no-such -*-\n" + START, stops_at="compile"),
    kills_the_parser("cookie-utf-7", "# -*- coding: utf-7 -*-\n+AGkAbQBwAG8AcgB0- os\n" + START, stops_at="lint"),
    kills_the_parser(
        "cookie-that-hides-code", "# -*- coding: unicode_escape -*-\n# \\u000aimport os\\u000aos._exit(0)\n" + START
    ),
    kills_the_parser("nul", "x = 1\0\n", stops_at="policy"),
    kills_the_parser("form-feeds-and-controls", "\x0c\x0c\x1ax = 1\n" + START, stops_at="compile"),
    kills_the_parser("a-lone-carriage-return", "x = 1\rimport os\ros._exit(0)\n" + START),
    kills_the_parser("f-strings", "x = f'" + "{" * 300 + "1" + "}" * 300 + "'\n" + START),
    kills_the_parser(
        "decorators", "@x\n" * 50_000 + "def h(): pass\n" + START, expected=FAILED | REJECTED, stops_at="compile"
    ),
)
RUFF = (
    VerdictCase(
        row=62,
        name="noqa-in-the-file",
        files={"m.py": "# ruff: noqa\n# flake8: noqa\n" + RIGHT + "\n\ndef h():\n    return undefined_name\n"},
        expected=FAILED,
        stops_at="lint",
    ),
    VerdictCase(
        row=62,
        name="noqa-in-the-line",
        files={"m.py": RIGHT + "\n\ndef h():\n    return undefined_name  # noqa\n"},
        expected=FAILED,
        stops_at="lint",
    ),
    VerdictCase(
        row=62,
        name="noqa-by-its-code",
        files={"m.py": RIGHT + "\n\ndef h():\n    return undefined_name  # noqa: F821\n"},
        expected=FAILED,
        stops_at="lint",
    ),
    *(
        VerdictCase(
            row=62,
            name=path.replace(".", "-"),
            expected=REJECTED,
            stops_at="policy",
            files={
                "m.py": RIGHT + "\n\ndef h():\n    return undefined_name\n",
                path: text,
            },
        )
        for path, text in (
            ("ruff.toml", "exclude = ['*']\n"),
            (".ruff.toml", "extend = '/etc/passwd'\n"),
            ("pyproject.toml", "[tool.ruff]\nexclude = ['*']\n"),
        )
    ),
    VerdictCase(
        row=62,
        name="formatter-off",
        files={
            "m.py": "# fmt: off\n# type: ignore\n# pylint: skip-file\n# isort: skip_file\n"
            + RIGHT
            + "\n\ndef h():\n    return undefined_name\n"
        },
        expected=FAILED,
        stops_at="lint",
    ),
    VerdictCase(
        row=62,
        name="a-stub-beside-it",
        files={"m.py": RIGHT + "\n\ndef h():\n    return undefined_name\n", "m.pyi": "def h(): ...\n"},
        expected=FAILED | REJECTED,
        stops_at="lint",
    ),
    VerdictCase(
        row=62,
        name="a-huge-file",
        files={
            "m.py": RIGHT
            + "\n".join(f"v{n} = {n}" for n in range(30_000))
            + "\n\n\ndef h():\n    return undefined_name\n"
        },
        expected=FAILED | REJECTED,
        stops_at="lint",
        limits={"cpu_s": 4.0, "wall_s": 8.0},
    ),
    VerdictCase(
        row=62,
        name="a-flood-of-findings",
        files={"m.py": START + "\n".join("undefined_name" for _ in range(20_000)) + "\n"},
        expected=FAILED,
        stops_at="compile",
    ),
    small(
        62,
        "settings-left-while-running",
        before="import os\n\nfor folder in ('.', os.environ['HOME'], '/tmp'):\n"
        "    with open(os.path.join(folder, 'ruff.toml'), 'w') as file:\n        file.write(\"exclude = ['*']\")",
        expected=FAILED,
    ),
)
CASES = ESCAPING + GIT + MODES + PROTECTED + PROTECTED_FILES + SIZES + FUZZY + ARCHIVES + COMMANDS + PARSERS + RUFF
