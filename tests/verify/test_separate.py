"""Which checks can be judged from another process, from their text alone."""

import pytest

from moa_code.core.tree import MemorySnapshot
from moa_code.verify.separate import named_in, separation

PROJECT = {
    "bank.py": "class Money:\n    pass\n\ndef pay(): ...\n\nclass _Hidden: ...\n",
    "shop/__init__.py": "",
    "shop/cart.py": "class Cart: ...\nTotal = 3\n",
    "src/lib/core.py": "class Core: ...\n",
}
HEAD = "import pytest\nfrom bank import Money, pay\n"


def tree_of(files):
    return MemorySnapshot(files={path: text.encode() for path, text in files.items()})


def parted(text, more=(), path="tests/test_it.py"):
    files = PROJECT | dict(more) | {path: text}
    sealed = [name for name in files if name not in PROJECT]
    return separation(tree_of(files), [path], sealed)


@pytest.mark.parametrize(
    "body",
    [
        "def test_a():\n    assert pay() == 3",
        "import math, copy, itertools\nfrom hypothesis import given, strategies as st\ndef test_a(): assert pay()",
        "import unittest\nclass PayTest(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(pay(), 3)",
        "from dataclasses import asdict\ndef test_a(capsys): assert asdict(Money()) == {}",
        "import asyncio\ndef test_a(): assert asyncio.run(pay()) == 3",
        "import shop.cart\nfrom lib.core import Core\ndef test_a(): assert shop.cart.Cart()",
        "import sys\nsys.path.insert(0, 'src')\ndef test_a(): assert pay()",
        "def test_a():\n    input = pay()\n    assert input == 3",  # a variable of that name
        "@pytest.fixture\ndef money():\n    return Money()\ndef test_a(money): assert money",
    ],
)
def test_what_calls_and_compares_fits(body):
    found = parted(HEAD + body)
    assert found.modules == {"tests/test_it.py"}
    assert found.fits("tests/test_it.py::test_a[1]")
    assert found.fits("tests/test_it.py::PayTest::test_a")
    assert found.fits_all("tests/test_it.py")


@pytest.mark.parametrize(
    "body",
    [
        "def test_a(): open('x')",
        "def test_a(): assert input() == ''",
        "def test_a(): assert eval('1')",
        "def test_a(): assert pay.__code__",
        "def test_a(): assert vars(Money())",
        "import subprocess\ndef test_a(): subprocess.run(['ls'])",
        "def test_a():\n    import os\n    os.getcwd()",
        "from unittest import mock\ndef test_a(): mock.patch('bank.pay')",
        "import unittest.mock\ndef test_a(): unittest.mock.Mock()",
        "def test_a():\n    monkey = pytest.MonkeyPatch()",
        "@pytest.mark.usefixtures('mock')\ndef test_a(): pass",
        "def helper(): open('x')\ndef test_a(): helper()",
        "def one(): open('x')\ndef two(): one()\ndef test_a(): two()",
        "@pytest.fixture\ndef file():\n    return open('x')\ndef test_a(file): pass",
        "def test_a(input): assert input",  # a fixture of that name may be anything
    ],
)
def test_what_does_more_stays_inside_alone(body):
    found = parted(HEAD + "def test_b(): assert pay()\n" + body)
    assert found.modules == {"tests/test_it.py"}
    assert not found.fits("tests/test_it.py::test_a")
    assert not found.fits("tests/test_it.py::test_a[x-1]")
    assert found.fits("tests/test_it.py::test_b")
    assert not found.fits_all("tests/test_it.py")


@pytest.mark.parametrize(
    "text",
    [
        "DATA = open('x').read()\ndef test_a(): pass",
        "import numpy\ndef test_a(): pass",
        "def test_a(:\n",
        "import subprocess\nsubprocess.run(['ls'])\ndef test_a(): pass",
    ],
)
def test_what_does_more_on_loading_stays_inside(text):
    found = parted(text)
    assert found.modules == frozenset()
    assert not found.fits("tests/test_it.py::test_a")


def test_helpers_are_followed():
    honest = parted(
        "from helpers import twice\ndef test_a(): assert twice(1)", {"tests/helpers.py": "def twice(x): return x"}
    )
    assert honest.modules
    assert honest.fits("tests/test_it.py::test_a")
    assert set(honest.judged) == {"tests/test_it.py", "tests/helpers.py"}
    patched = parted("from helpers import twice\ndef test_a(): assert twice(1)", {"tests/helpers.py": "X = open('x')"})
    assert not patched.modules
    unfit = parted(
        "from helpers import read\ndef test_a(): assert read()", {"tests/helpers.py": "def read(): open('x')"}
    )
    assert not unfit.fits("tests/test_it.py::test_a")


def test_conftests_are_followed():
    plain = {"conftest.py": "import pytest\n@pytest.fixture\ndef three(): return 3\n"}
    assert parted("def test_a(three): assert three == 3", plain).fits("tests/test_it.py::test_a")
    patching = {"tests/conftest.py": "import pytest\n@pytest.fixture(autouse=True)\ndef file():\n    open('x')\n"}
    assert not parted("def test_a(): pass", patching).modules
    hooking = {"conftest.py": "def pytest_configure(config): open('x')\n"}
    assert not parted("def test_a(): pass", hooking).modules
    elsewhere = {"other/conftest.py": "X = open('x')\n"}
    assert parted("def test_a(): pass", elsewhere).modules


def test_the_judge_alone_gets_what_lies_beside_the_checks():
    more = {"tests/data.json": "{}", "conftest.py": "", "setup.cfg": "", "docs/test_other.py": ""}
    assert parted("def test_a(): pass", more).judged == (
        "conftest.py",
        "setup.cfg",
        "tests/data.json",
        "tests/test_it.py",
    )


def test_a_module_that_is_not_sealed_is_not_judged():
    files = PROJECT | {"test_it.py": "def test_a(): pass"}
    assert separation(tree_of(files), ["test_it.py"], []).modules == frozenset()


def test_classes_that_the_checks_are_about():
    """Those of the project that the checks name, and those still to be defined; never a function or a constant."""
    body = "from shop.cart import Cart, Total, Basket\nimport bank\ndef test_a(): Money(bank.Purse, Other)"
    assert parted(HEAD + body).named == ("Basket", "Cart", "Money", "Purse")


def test_exceptions_that_end_iterations_are_given_to_those_who_name_them():
    assert "StopIteration" in parted("import pytest\ndef test_a():\n    with pytest.raises(StopIteration): pass").named
    assert "StopIteration" not in parted("def test_a(): pass").named
    files = PROJECT | {"cases.json": '[{"call": "bank.pay", "raises": "StopIteration"}]', "more.json": "[]"}
    assert named_in(tree_of(files), ["cases.json"]) == ("StopIteration",)
    assert named_in(tree_of(files), ["more.json"]) == ()
