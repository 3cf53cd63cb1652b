import pytest

from moa_code.core.errors import TaskError
from moa_code.core.tree import MemorySnapshot
from moa_code.edits.stubs import docstring_of, find_stub, module_of, with_docstring

SOURCE = '''import abc


class Box:
    def put(self, item, *, at=0):
        """Put it in."""
        raise NotImplementedError("later")

    def size(self):
        return 0


@abc.abstractmethod
def dots(a, b=1, *rest): ...


def only_words(a, /, b):
    """Says what."""


def passes():
    pass


def outer():
    def inner():
        ...
    return inner


def written():
    """Done."""
    return 1
'''
TREE = MemorySnapshot(files={"src/pkg/a.py": SOURCE.encode(), "broken.py": b"def f(:", "b.txt": b""})


def stub(name):
    return find_stub(TREE, "src/pkg/a.py", name)


@pytest.mark.parametrize("name", ["Box.put", "dots", "only_words", "passes", "outer.inner"])
def test_what_has_no_body_yet_is_a_stub(name):
    assert stub(name).name == name


def test_what_is_known_of_a_stub():
    found = stub("only_words")
    assert (found.module, found.docstring, found.parameters) == ("pkg.a", "Says what.", ("a", "b"))
    assert found.text == 'def only_words(a, /, b):\n    """Says what."""'
    assert found.called == "only_words"
    assert {"Box", "dots", "written"} <= found.names
    assert "Box.put" not in found.names
    assert stub("dots").parameters == ("a",)
    assert stub("dots").text.startswith("@abc.abstractmethod\n")
    assert stub("Box.put").called == ""


@pytest.mark.parametrize(
    ("path", "name", "message", "remedy"),
    [
        ("src/pkg/a.py", "written", "has a body already (line 31)", "solve"),
        ("src/pkg/a.py", "Box.size", "has a body already", "solve"),
        ("src/pkg/a.py", "nothing", "defines no function 'nothing'", "Box.put, dots, only_words"),
        ("src/pkg/a.py", "Box", "defines no function 'Box'", "Box.put"),
        ("a.py", "written", "there is no file a.py", "src/pkg/a.py"),
        ("broken.py", "f", "cannot be read: line 1", "correct the file"),
    ],
)
def test_what_is_no_stub_is_said_with_what_is_there(path, name, message, remedy):
    with pytest.raises(TaskError) as raised:
        find_stub(TREE, path, name)
    assert message in raised.value.message
    assert remedy in raised.value.remedy


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("a.py", "a"),
        ("src/a.py", "a"),
        ("pkg/sub/a.py", "pkg.sub.a"),
        ("pkg/__init__.py", "pkg"),
        ("lib/src/a.py", "lib.src.a"),
    ],
)
def test_the_name_a_file_is_imported_by(path, module):
    assert module_of(path) == module


def test_the_call_of_a_coroutine_is_not_its_value():
    tree = MemorySnapshot(files={"a.py": b'async def f(x):\n    """f(1) == 2"""\n\n\ndef g(): ...\n'})
    found = find_stub(tree, "a.py", "f")
    assert (found.called, found.names) == ("", {"g"})


def test_a_stub_may_import_something_first():
    tree = MemorySnapshot(files={"a.py": b'def f(x):\n    import math\n    """f(1) == 2"""\n'})
    assert find_stub(tree, "a.py", "f").docstring == "f(1) == 2"


def test_a_docstring_as_it_stands():
    assert docstring_of(SOURCE, "written") == "Done."
    assert docstring_of(SOURCE, "passes") == docstring_of(SOURCE, "none") == docstring_of("def f(:", "f") == ""


BEFORE = 'class A:\n    def f(self):\n        """Say it.\n\n        Twice.\n        """\n'


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (
            "class A:\n    def f(self):\n        return 1\n",
            'class A:\n    def f(self):\n        """Say it.\n\n        Twice.\n        """\n        return 1\n',
        ),
        (
            "class A:\n    def f(\n        self,\n    ):\n        # why\n        @x\n        def g(): ...\n",
            'class A:\n    def f(\n        self,\n    ):\n        # why\n        """Say it.\n\n        Twice.\n'
            '        """\n'
            "        @x\n        def g(): ...\n",
        ),
        ('class A:\n    def f(self):\n        """Else."""\n', None),
        ("class A:\n    def f(self): return 1\n", None),
        ("class A:\n  def f(self):\n    return 1\n", None),
        ("class A:\n    pass\n", None),
        ("def f(:", None),
    ],
)
def test_a_docstring_that_was_left_out_comes_back(after, expected):
    assert with_docstring(BEFORE, after, "A.f") == (after if expected is None else expected)
