"""Which functions are called to compare candidates."""

from moa_code.core.patch import FileChange, patch_of
from moa_code.core.task import CheckKind, Checks, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.evidence.targets import NoTarget, find_targets, module_of


def task_of(files, entry="", instruction="", targets=("tests",)):
    return Task(
        task_id=TaskId("t"),
        mode=Mode.FIX,
        instruction=instruction,
        tree=MemorySnapshot(files={path: text.encode() for path, text in files.items()}),
        checks=Checks(kind=CheckKind.PYTEST, targets=targets),
        entry_point=entry,
    )


def patch(task, path, after):
    try:
        before = task.tree.read(path)
    except KeyError:
        before = None
    return patch_of(FileChange(path=path, before=before, after=after.encode()))


def found(task, *patches):
    targets = find_targets(task, patches)
    return targets.reason if isinstance(targets, NoTarget) else [(t.path, t.name) for t in targets]


TWO = "def f(n):\n    return n\n\n\ndef g(n):\n    return f(n)\n"
TEST_TWO = "from m import f, g\ndef test():\n    assert f(1) == 1\n    assert g(2) == 3\n"


def test_a_function_that_patches_change_and_checks_call_comes_first():
    task = task_of({"m.py": TWO, "tests/test_m.py": TEST_TWO})
    assert found(task, patch(task, "m.py", TWO.replace("f(n)\n", "f(n) + 1\n"))) == [("m.py", "g"), ("m.py", "f")]


def test_the_entry_point_alone_is_asked_where_there_is_one():
    task = task_of({"m.py": TWO, "tests/test_m.py": TEST_TWO}, entry="f")
    assert found(task, patch(task, "m.py", TWO.replace("f(n)\n", "f(n) + 1\n"))) == [("m.py", "f")]
    task = task_of({"m.py": TWO, "n.py": TWO, "tests/test_m.py": TEST_TWO}, entry="m.py::g")
    assert found(task, patch(task, "m.py", TWO + "x = 1\n")) == [("m.py", "g")]


def test_a_stub_has_its_examples_from_its_docstring():
    stub = 'def f(n: int) -> int:\n    """Double.\n\n    >>> f(3)\n    6\n    """\n'
    task = task_of({"solution.py": stub}, entry="f")
    (target,) = find_targets(task, [patch(task, "solution.py", stub + "    return 2 * n\n")])
    assert target.domain.shown
    assert target.module == "solution"


def test_a_function_that_only_one_candidate_adds_cannot_be_compared():
    task = task_of({"m.py": "", "tests/test_m.py": "from m import f, h\ndef test():\n    assert f(1) == h(2)\n"})
    one = patch(task, "m.py", "def f(n):\n    return 1\ndef h(n):\n    return 2\n")
    other = patch(task, "m.py", "def f(n):\n    return 3\n")
    assert found(task, one, other) == [("m.py", "f")]


def test_an_entry_point_may_be_in_a_file_that_every_candidate_creates():
    task = task_of({"tests/test_m.py": "from m import f\ndef test():\n    assert f(1) == 2\n"}, entry="f")
    assert found(task, patch(task, "m.py", "def f(n): return 2"), patch(task, "m.py", "def f(n): return 3")) == [
        ("m.py", "f")
    ]


def test_methods_are_called_on_objects_made_as_in_the_checks():
    source = "class Stack:\n    def __init__(self, size):\n        pass\n    def twice(self, n):\n        return n\n"
    test = "from m import Stack\ndef test():\n    s = Stack(3)\n    assert s.twice(2) == 4\n"
    task = task_of({"m.py": source, "tests/test_m.py": test})
    (target,) = find_targets(task, [patch(task, "m.py", source.replace("return n", "return n * 2"))])
    assert (target.name, target.domain.examples, target.made.examples) == ("Stack.twice", ({"n": 2},), ({"size": 3},))


def test_what_the_checks_call_elsewhere_stands_in_for_an_inner_function():
    files = {
        "pkg/__init__.py": "",
        "pkg/core.py": "def _inner(n):\n    return n\n",
        "pkg/api.py": "from pkg.core import _inner\ndef outer(n):\n    return _inner(n)\n",
        "tests/test_api.py": "from pkg.api import outer\ndef test():\n    assert outer(1) == 2\n",
    }
    task = task_of(files)
    assert found(task, patch(task, "pkg/core.py", "def _inner(n):\n    return n + 1\n")) == [("pkg/api.py", "outer")]


def test_hints_alone_do_where_no_check_calls_anything():
    source = "def f(n: int) -> int:\n    return n\n"
    task = task_of({"m.py": source, "tests/test_m.py": "import m\n"})
    (target,) = find_targets(task, [patch(task, "m.py", source.replace("return n", "return n + 1"))])
    assert not target.domain.shown


def test_an_example_of_another_modules_function_is_not_ours():
    source = "def f(n):\n    return n\n"
    task = task_of({"m.py": source, "tests/test_o.py": "from other import f\ndef test():\n    assert f(1) == 1\n"})
    reason = found(task, patch(task, "m.py", source.replace("return n", "return 1")))
    assert "f: no example calls it" in reason


def test_properties_and_dunders_are_not_called():
    source = "class A:\n    @property\n    def p(self): return 1\n    def __len__(self): return 1\n"
    task = task_of({"m.py": source})
    assert "no function" in found(task, patch(task, "m.py", source.replace("1", "2")))


def test_modules_under_src_are_named_without_it():
    assert [module_of(path) for path in ("a.py", "src/pkg/mod.py", "pkg/__init__.py")] == ["a", "pkg.mod", "pkg"]


def test_candidates_nested_too_deeply_are_no_trouble():
    task = task_of({"m.py": TWO, "tests/test_m.py": TEST_TWO})
    deep = TWO.replace("f(n)\n", "-" * 800 + "n\n")
    hint = TWO.replace("f(n)", "f(n: " + "int | " * 900 + "int)")
    for text in (deep, hint, "x = " + "(" * 10_000, "\0", "def f(:"):
        assert found(task, patch(task, "m.py", text))
