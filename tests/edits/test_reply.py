"""Replies as models write them, in every format, and as nobody should."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moa_code.core.patch import Patch
from moa_code.core.task import EditRules
from moa_code.core.tree import MemorySnapshot
from moa_code.edits.policy import PROTECTED_BY_DEFAULT
from moa_code.edits.reply import Edited, EditFailure, EditFormat, read_reply

CORE = "import os\n\n\ndef f(x):\n    return x\n\n\ndef g(x):\n    return f(x) + 1\n"
TREE = MemorySnapshot(
    files={
        "pkg/core.py": CORE.encode(),
        "pkg/crlf.py": b"a = 1\r\nb = 2\r\n",
        "pkg/bom.py": "\ufeffa = 1\nb = 2\n".encode(),
        "pkg/latin.py": b"# coding: latin-1\ns = '\xe9'\nt = 1\n",
        "pkg/noeol.py": b"a = 1\nb = 2",
        "notes.md": b"# Notes\n\ntext\n",
        "empty.py": b"",
        "tests/test_core.py": b"def test_f(): assert True\n",
    }
)
RULES = EditRules(protected=PROTECTED_BY_DEFAULT)
SHOWN = ("pkg/core.py", "pkg/crlf.py")


def read(text, preferred=EditFormat.BLOCKS, **more):
    more = {"tree": TREE, "shown": SHOWN, "rules": RULES, "target": ""} | more
    return read_reply(text, preferred=preferred, **more)


def after(result):
    assert isinstance(result, Edited), result
    return {c.path: c.after for c in result.patch.changes}


def block(path, search, replace):
    return f"{path}\n<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"


F_NEW = CORE.replace("return x\n", "return -x\n").encode()
F_BLOCK = block("pkg/core.py", "    return x\n", "    return -x\n")


@pytest.mark.parametrize(
    "text",
    [
        F_BLOCK,
        f"Sure, here it is:\n\n```python\n{F_BLOCK}```\nDone.",
        "pkg/core.py\n```python\n" + F_BLOCK.partition("\n")[2] + "```\n",
        "```python pkg/core.py\n" + F_BLOCK.partition("\n")[2] + "```\n",
        "```python:pkg/core.py\n" + F_BLOCK.partition("\n")[2] + "```\n",
        "**File: `pkg/core.py`**\n\n```python\n" + F_BLOCK.partition("\n")[2] + "```\n",
        "### pkg/core.py:\n" + F_BLOCK.partition("\n")[2],
        "# pkg/core.py\n" + F_BLOCK.partition("\n")[2],
        "core.py\n" + F_BLOCK.partition("\n")[2],
        "We change the sign.\n" + F_BLOCK.partition("\n")[2],  # target
        F_BLOCK.replace("\n", "\r\n"),
        F_BLOCK.replace("SEARCH", "SEARCH>").replace("<<<<<<<", "<<<<<"),
        "pkg/crlf.py\n" + F_BLOCK.partition("\n")[2],  # the same text in another shown file
    ],
)
@pytest.mark.parametrize("preferred", list(EditFormat))
def test_blocks_wherever_the_path_stands(text, preferred):
    assert after(read(text, preferred, target="pkg/core.py")) == {"pkg/core.py": F_NEW}


def test_the_lowest_rung_used_is_recorded():
    text = F_BLOCK + block("", "return f(x) + 1\n", "return f(x) - 1\n")
    result = read(text)
    assert result.rung == "indent"
    assert read(F_BLOCK).rung == "exact"
    assert b"f(x) - 1" in after(result)["pkg/core.py"]


def test_several_files_created_changed_and_deleted():
    text = F_BLOCK + block("pkg/new.py", "", "x = 1\n") + "notes.md\n<<<<<<< DELETE\n>>>>>>> DELETE\n"
    assert after(read(text)) == {"pkg/core.py": F_NEW, "pkg/new.py": b"x = 1\n", "notes.md": None}


def test_a_later_block_sees_what_an_earlier_one_did():
    text = block("pkg/new.py", "", "x = 1\n") + block("pkg/new.py", "x = 1\n", "x = 2\n")
    assert after(read(text)) == {"pkg/new.py": b"x = 2\n"}


@pytest.mark.parametrize(
    ("path", "search", "replace", "content"),
    [
        ("pkg/crlf.py", "b = 2\n", "b = 3\nc = 4\n", b"a = 1\r\nb = 3\r\nc = 4\r\n"),
        ("pkg/bom.py", "a = 1\n", "a = 2\n", "\ufeffa = 2\nb = 2\n".encode()),
        ("pkg/latin.py", "t = 1\n", "t = 2\n", b"# coding: latin-1\ns = '\xe9'\nt = 2\n"),
        ("pkg/noeol.py", "b = 2\n", "b = 3\n", b"a = 1\nb = 3"),
        ("empty.py", "", "a = 1\n", b"a = 1\n"),
    ],
)
def test_bytes_that_the_edit_does_not_mean_survive(path, search, replace, content):
    assert after(read(block(path, search, replace))) == {path: content}


def test_a_missed_block_fails_the_whole_candidate_and_shows_the_nearest_text():
    text = F_BLOCK + block("pkg/core.py", "def g(y):\n    return f(y) + 1\n", "def g(y):\n    return 0\n")
    result = read(text)
    assert result == EditFailure(
        reason="block 2 (pkg/core.py): the SEARCH text is not in pkg/core.py",
        nearest="pkg/core.py:8-9\ndef g(x):\n    return f(x) + 1\n",
        applied=("block 1 (pkg/core.py)",),
    )


def test_a_no_op_block_is_a_warning():
    result = read(F_BLOCK + block("pkg/core.py", "import os\n", "import os\n"))
    assert result.warnings == ("block 2 (pkg/core.py) changes nothing",)
    assert "changes nothing" in read(block("pkg/core.py", "import os\n", "import os\n")).reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no edit in the reply"),
        ("I cannot help.", "no edit in the reply"),
        (F_BLOCK.replace(">>>>>>> REPLACE\n", ""), "cut off"),
        (F_BLOCK.replace("=======\n", ""), "0 `=======` lines"),
        (F_BLOCK.replace("=======\n", "=======\n=======\n"), "2 `=======` lines"),
        (F_BLOCK.replace(">>>>>>> REPLACE\n", "") + F_BLOCK, "before the next block"),
        (F_BLOCK + ">>>>>>> REPLACE\n", "ends no block"),
        (block("pkg/core.py", "", "x\n"), "there already"),
        (block("", "def f(x):\n", "x\n"), "not named"),
        ("none.py\n<<<<<<< DELETE\n>>>>>>> DELETE\n", "no such file"),
        ("Some words.\n<<<<<<< DELETE\n>>>>>>> DELETE\n", "without naming it"),
        ("notes.md\n<<<<<<< DELETE\ntext\n", "must be followed"),
        (F_BLOCK * 201, "more than 200"),
        (block("../evil.py", "", "x\n"), "refused: "),
        (block("/etc/passwd", "", "x\n"), "refused: "),
        (block(".git/hooks/pre-commit", "", "x\n"), "refused: "),
        (block("conftest.py", "", "x\n"), "refused: conftest.py is protected"),
        (block("tests/test_core.py", "def test_f(): assert True\n", ""), "refused: tests/test_core.py is protected"),
        (block("pkg/core.py", "import os\n", "import os\0\n"), "NUL"),
        ("x\ud800", "surrogates"),
        ("x" * 2_000_001, "characters"),
    ],
)
def test_refuses(text, reason):
    result = read(text, shown=("pkg/core.py", "pkg/crlf.py"))
    assert isinstance(result, EditFailure)
    assert reason in result.reason


@pytest.mark.parametrize("preferred", list(EditFormat))
@pytest.mark.parametrize(
    "text",
    [
        "```python\ndef f(x):\n    return -x\n```",
        "Reason.\n```python\ndef f(x):\n    return -x\n```\nUse it:\n```python\nprint(f(1))\n```\n",
        "Before:\n```python\ndef f(x):\n    return x\n```\nAfter:\n```py\ndef f(x):\n    return -x\n```",
        "```\ndef f(x):\n    return -x\n```",
        "  ```python\n  def f(x):\n      return -x\n  ```",
        "def f(x):\n    return -x\n",
        "```python\n# pkg/core.py\ndef f(x):\n    return -x\n```".replace("# pkg/core.py\n", ""),
        "```python\ndef f(x):\n    return -x\n",
    ],
)
def test_functions(text, preferred):
    if preferred is EditFormat.WHOLE_FILE and text.count("```") != 4:
        preferred = EditFormat.FUNCTION  # asked for a whole file, an only fence is one
    result = read(text, preferred, target="pkg/core.py::f")
    assert after(result) == {"pkg/core.py": F_NEW}
    assert result.rung == "function"


def test_fences_that_only_get_in_the_way_of_the_target_are_left_out_with_a_warning():
    recalled = "```python\ndef help(x):\n    return 1\n```\n"
    text = recalled + "```python\ndef help(x):\n    return -x\n\n\ndef f(x):\n    return help(x)\n```\n"
    result = read(text, EditFormat.FUNCTION, target="pkg/core.py::f")
    assert after(result)["pkg/core.py"].count(b"def help") == 1
    assert "left out the fences" in result.warnings[-1]
    assert isinstance(read(text, EditFormat.FUNCTION, target="pkg/core.py"), EditFailure)


def test_functions_of_several_files():
    text = "`pkg/core.py`\n```python\ndef f(x):\n    return -x\n```\n"
    text += "`pkg/crlf.py`\n```python\ndef h():\n    return 1\n```\n"
    result = after(read(text, EditFormat.FUNCTION, target="pkg/core.py"))
    assert result == {"pkg/core.py": F_NEW, "pkg/crlf.py": b"a = 1\r\nb = 2\r\n\r\n\r\ndef h():\r\n    return 1\r\n"}


@pytest.mark.parametrize(
    ("text", "target", "reason"),
    [
        ("```python\ndef f(x:\n    return\n```", "pkg/core.py", "does not parse"),
        ("```python\ndef g(x):\n    return 1\n```", "pkg/core.py::f", "does not define `f`"),
        ("```python\ndef f(x):\n    return 1\n```\n```python\ndef f(x):\n    return 2\n```", "pkg/core.py", "twice"),
        ("```python\ndef f(x):\n    return 1\n```", "none.py", "none.py"),
        ("```python\ndef f(x):\n    # ... existing code ...\n    return 1\n```", "pkg/core.py", "leaves code out"),
        ("```python\ndef f():\n    return " + "(" * 9000 + ")" * 9000 + "\n```", "pkg/core.py", "does not parse"),
        ("```python\ndef f():\n    return " + "-" * 90000 + "1\n```", "pkg/core.py", "does not parse"),
    ],
)
def test_functions_that_cannot_be_spliced(text, target, reason):
    result = read(text, EditFormat.FUNCTION, target=target, shown=())
    assert isinstance(result, EditFailure)
    assert reason in result.reason


WHOLE = CORE.replace("return x\n", "return -x\n")


@pytest.mark.parametrize("preferred", list(EditFormat))
@pytest.mark.parametrize(
    "text",
    [
        f"pkg/core.py\n```python\n{WHOLE}```\n",
        f"```python pkg/core.py\n{WHOLE}```\n",
        f'```python title="pkg/core.py"\n{WHOLE}```\n',
        f"**pkg/core.py**:\n\n```\n{WHOLE}```\n",
        f"```python\n# pkg/core.py\n{WHOLE}```\n",
        f"````pkg/core.py\n{WHOLE}````\n",
        f"Here:\n```python\n{WHOLE}```\n",
    ],
)
def test_whole_files(text, preferred):
    assert after(read(text, preferred, target="pkg/core.py")) == {"pkg/core.py": F_NEW}


def test_a_label_inside_the_fence_is_content_where_the_file_begins_with_it():
    tree = MemorySnapshot(files={"a.py": b"# a.py\nx = 1\n"})
    result = read("```python\n# a.py\nx = 2\n```\n", EditFormat.WHOLE_FILE, tree=tree, shown=("a.py",))
    assert after(result) == {"a.py": b"# a.py\nx = 2\n"}


def test_thoughts_are_not_edits():
    assert after(read("<think>\n" + F_BLOCK.replace("-x", "x + 9") + "</think>\n" + F_BLOCK)) == {"pkg/core.py": F_NEW}
    assert isinstance(read("<think>\n" + F_BLOCK), EditFailure)


def test_whole_files_created_and_in_the_files_own_line_ends():
    text = "pkg/new.txt\n```\nhello\n```\npkg/crlf.py\n```\na = 2\nb = 2\n```\npkg/noeol.py\n```\na = 3\nb = 2\n```\n"
    assert after(read(text, EditFormat.WHOLE_FILE)) == {
        "pkg/new.txt": b"hello\n",
        "pkg/crlf.py": b"a = 2\r\nb = 2\r\n",
        "pkg/noeol.py": b"a = 3\nb = 2",
    }


def test_a_fence_with_some_of_a_files_functions_is_not_the_whole_file():
    text = "pkg/core.py\n```python\ndef f(x):\n    return -x\n```\n"
    assert after(read(text)) == {"pkg/core.py": F_NEW}
    asked = read(text, EditFormat.WHOLE_FILE)
    assert after(asked) == {"pkg/core.py": b"def f(x):\n    return -x\n"}
    assert "no longer has all" in asked.warnings[0]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("pkg/core.py\n```python\nimport os\n# ... rest of the file unchanged ...\n```", "leaves text out"),
        ("notes.md\n```\nx\n```\nnotes.md\n```\ny\n```\n", "twice"),
        ("notes.md\n```\nx\n", "not closed"),
        ("tests/test_core.py\n```python\npass\n```\n", "protected"),
        ("../x.py\n```python\npass\n```\n", "refused"),
    ],
)
def test_whole_files_refused(text, reason):
    result = read(text, EditFormat.WHOLE_FILE)
    assert isinstance(result, EditFailure)
    assert reason in result.reason


HUNK = " def f(x):\n-    return x\n+    return -x\n \n"


@pytest.mark.parametrize("preferred", list(EditFormat))
@pytest.mark.parametrize(
    ("text", "rung"),
    [
        (f"--- a/pkg/core.py\n+++ b/pkg/core.py\n@@ -4,3 +4,3 @@\n{HUNK}", "udiff"),
        (f"```diff\n--- a/pkg/core.py\n+++ b/pkg/core.py\n@@ -4,3 +4,3 @@\n{HUNK}```\n", "udiff"),
        (f"Here:\n```diff\n--- a/pkg/core.py\n+++ b/pkg/core.py\n@@ -40,7 +41,9 @@\n{HUNK}```\n", "exact"),
        (f"```diff\n--- pkg/core.py\n+++ pkg/core.py\n@@ ... @@\n{HUNK}```\n", "exact"),
        (f"diff --git a/pkg/core.py b/pkg/core.py\n--- a/pkg/core.py\n+++ b/pkg/core.py\n@@\n{HUNK}", "exact"),
        (f"```diff\n--- a/core.py\n+++ b/core.py\n@@ -1 +1 @@\n{HUNK}```\n", "exact"),
    ],
)
def test_diffs(text, rung, preferred):
    result = read(text, preferred, target="pkg/core.py")
    assert after(result) == {"pkg/core.py": F_NEW}
    assert result.rung == rung


def test_a_loose_diff_creates_and_deletes():
    text = "--- /dev/null\n+++ b/pkg/new.py\n@@ -0,0 +1,9 @@\n+x = 1\n"
    text += "--- a/notes.md\n+++ /dev/null\n@@ -1 +0,0 @@\n-# Notes\n"
    assert after(read(text, EditFormat.UDIFF)) == {"pkg/new.py": b"x = 1\n", "notes.md": None}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("--- a/pkg/core.py\n+++ b/pkg/core.py\n@@ -90 +90 @@\n+x\n", "without context"),
        ("--- a/pkg/core.py\n+++ b/pkg/core.py\n@@ -90 +90 @@\n-no such line\n+x\n", "not in pkg/core.py"),
        ("--- a/pkg/core.py\n+++ b/pkg/core.py\n@@ -90 +90 @@\nwords\n", "neither space"),
        ("--- a/pkg/core.py\n+++ b/pkg/else.py\n@@ -1 +1 @@\n-x\n+y\n", "renames"),
        ("--- a/pkg/core.py\n+++ b/pkg/core.py\n", "no hunk"),
        ("--- /dev/null\n+++ b/../x\n@@ -0,0 +1 @@\n+y\n", "refused"),
        ("--- /dev/null\n+++ b/.git/config\n@@ -0,0 +1 @@\n+y\n", "refused"),
        ("diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc/passwd\n", "link"),
    ],
)
def test_diffs_refused(text, reason):
    result = read(text, EditFormat.UDIFF)
    assert isinstance(result, EditFailure)
    assert reason in result.reason


@pytest.mark.parametrize(
    "text",
    [
        "`" * 200_000,
        "```" + " " * 200_000 + "`",
        "```\n" * 12_000,
        "a.py\n```\n```\n" * 20_000,
        "<<<<<<< SEARCH\n" * 12_000,
        block("pkg/core.py", "...\n" * 20_000, "...\n" * 20_000),
        block("pkg/core.py", "def f(x):\n" * 10_000, "x\ny\n" * 10_000),
        "--- a/pkg/core.py\n+++ b/pkg/core.py\n@@ -1 +1 @@\n" + "\n" * 200_000,
        "diff --git a/" + " b/" * 60_000 + "\n@@ -1 +1 @@\n",
        "```" + "x.py " * 60_000 + "\nx\n```\n",
        "```python\n" + "def f(x): pass\n" * 20_000 + "```\n",
        "```python\ndef f(x): pass\n" + "x = 1\n" * 10_000 + "```\n",
        "```python\n" + " " * 200_000 + "def f(x): pass\n```\n",
    ],
    ids=range(13),
)
def test_replies_made_to_cost_much_are_read_soon(text):
    """Each of them took minutes with one careless loop or pattern."""
    honest(read(text, EditFormat.FUNCTION, target="pkg/core.py"))


VALID = (
    F_BLOCK,
    block("pkg/new.py", "", "x = 1\n"),
    "notes.md\n<<<<<<< DELETE\n>>>>>>> DELETE\n",
    "```python\ndef f(x):\n    return -x\n```\n",
    f"pkg/core.py\n```python\n{WHOLE}```\n",
    f"```diff\n--- a/pkg/core.py\n+++ b/pkg/core.py\n@@ -4,3 +4,3 @@\n{HUNK}```\n",
    "--- /dev/null\n+++ b/../../x\n@@ -0,0 +1 @@\n+x\n",
    "../x.py\n```\nx\n```\n",
    "```python\nclass A:\n    @property\n    def m(self): ...\n```\n",
    "...\n",
    "# ... rest of code\n",
)


def honest(result):
    """A patch within the rules, made from the tree as it is; or a failure with a reason."""
    if isinstance(result, EditFailure):
        assert result.reason
        return
    assert isinstance(result.patch, Patch)
    assert result.patch.changes
    for change in result.patch.changes:
        assert change.before == TREE.files.get(change.path)
        assert not {"", ".", "..", ".git"} & set(change.path.split("/"))
        assert not change.path.startswith("tests/")


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=200),
    st.sampled_from(EditFormat),
    st.sampled_from(["", "pkg/core.py", "pkg/core.py::f", "../x::y"]),
)
def test_any_text_is_an_edit_or_a_failure(text, preferred, target):
    honest(read(text, preferred, target=target))


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_mutated_reply_applies_whole_or_not_at_all(data):
    lines = "".join(data.draw(st.lists(st.sampled_from(VALID), min_size=1, max_size=3))).splitlines(keepends=True)
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(lines)))
        inserted = data.draw(st.lists(st.sampled_from(lines) | st.text(max_size=8), max_size=2)) if lines else []
        lines[at : at + data.draw(st.integers(0, 2))] = inserted
    target = data.draw(st.sampled_from(["", "pkg/core.py", "pkg/core.py::f", "none.py"]))
    honest(read("".join(lines), data.draw(st.sampled_from(EditFormat)), target=target))


names = st.sampled_from(["pkg/core.py", "pkg/crlf.py", "pkg/bom.py", "pkg/noeol.py", "pkg/latin.py"])


@given(names, st.data())
def test_a_block_cut_from_the_file_replaces_exactly_those_lines(name, data):
    content = TREE.files[name].decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    lines = content.split("\n")
    lines = lines if lines[-1] else lines[:-1]
    first = data.draw(st.integers(0, len(lines) - 1))
    last = data.draw(st.integers(first + 1, len(lines)))
    search = "".join(line.removesuffix("\r") + "\n" for line in lines[first:last])
    if "\udce9" in search:
        return
    result = read(block(name, search, "fresh\n"), shown=(name,))
    ambiguous = content.replace("\r", "").count(search.rstrip("\n")) > 1
    if not search.strip() or ambiguous:
        honest(result)
        return
    wanted = [*lines[:first], "fresh" + ("\r" if "\r" in content else ""), *lines[last:]]
    got = after(result)[name].decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    assert got == "\n".join(wanted) + ("\n" if content.endswith("\n") else "")
