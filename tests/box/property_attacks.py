"""Ways in which code under test makes a property look less hard, and honest code that resembles them."""

TESTS = """
from hypothesis import assume, given, settings, strategies as st

from m import double


@given(st.integers())
def test_double(n):
    assert double(n) == 2 * n


@settings(max_examples=60)
@given(st.lists(st.integers(), max_size=4), st.text(max_size=3))
def test_double_all(numbers, text):
    assume(len(numbers) != 1)
    assert [double(n) for n in numbers] == [n + n for n in numbers]
    assert double(text) == text + text
"""

HONEST = "def double(x):\n    return x + x\n"
WRONG = "def double(x):\n    return 2 * x if isinstance(x, str) or x < 300 else 0\n"


def _discarding(how, before="", imports="import hypothesis"):
    """Right where it is right, and on all other inputs the example is thrown away by `how`."""
    return (
        f"{imports}\n{before}\n\ndef double(x):\n    if isinstance(x, str) or abs(x) < 300:\n        return x + x\n"
        f"    {how}\n"
    )


def _before(text):
    """`text` runs while the module is imported; the function is wrong."""
    return f"{text}\n\n\n{WRONG}"


ATTACKS = {
    "given": _before(
        "import hypothesis\n\n\ndef given(*a, **k):\n    return lambda f: lambda: None\n\n\nhypothesis.given = given"
    ),
    "given keeps the tests": _before(
        "import hypothesis\nfrom hypothesis import strategies as st\n\nreal = hypothesis.given\n\n\n"
        "def given(*a, **k):\n    return real(*(st.just(0) if i != 1 else st.just('') for i in range(len(a))))\n\n\n"
        "hypothesis.given = given"
    ),
    "assume": _discarding(
        "hypothesis.assume(False)",
        "import hypothesis.control\n\nhypothesis.assume = hypothesis.control.assume = lambda condition: True",
    ),
    "register_profile": _before(
        "from hypothesis import settings as s\n\ns.register_profile('box', max_examples=1)\ns.load_profile('box')"
    ),
    "load_profile": _before(
        "from hypothesis import settings as s\n\ns.register_profile('few', max_examples=2)\ns.load_profile('few')"
    ),
    "phases": _before(
        "from hypothesis import Phase, settings\n\nsettings.register_profile('none', phases=[Phase.explicit])\n"
        "settings.load_profile('none')"
    ),
    "health checks": _before(
        "from hypothesis import HealthCheck, settings\n\n"
        "settings.register_profile('h', suppress_health_check=list(HealthCheck))\nsettings.load_profile('h')"
    ),
    "database": _before(
        "from hypothesis import settings\nfrom hypothesis.database import InMemoryExampleDatabase\n\n"
        "settings.register_profile('d', database=InMemoryExampleDatabase(), max_examples=100)\n"
        "settings.load_profile('d')"
    ),
    "settings class": _before(
        "import hypothesis\n\ntype.__setattr__(hypothesis.settings, 'max_examples', property(lambda self: 1))"
    ),
    "strategy": _before("import hypothesis.strategies as st\n\nst.integers = lambda *a, **k: st.just(0)"),
    "strategy's code": _before(
        "import hypothesis.strategies as st\nfrom hypothesis.strategies._internal import numbers\n\n"
        "numbers.IntegersStrategy.do_draw = lambda self, data: 0"
    ),
    "code of the engine": _before(
        "from hypothesis.internal.conjecture.engine import ConjectureRunner\n\n\n"
        "def quiet(self):\n    return None\n\n\nConjectureRunner._run.__code__ = quiet.__code__"
    ),
    "engine": _before(
        "from hypothesis.internal.conjecture import engine\n\nengine.ConjectureRunner.run = lambda self: None"
    ),
    "seed": "from hypothesis import core\n\n\ndef double(x):\n    core.global_force_seed = 99\n    return x + x\n",
    "assume(False)": _discarding("hypothesis.assume(False)"),
    "reject()": _discarding("hypothesis.reject()"),
    "UnsatisfiedAssumption": _discarding("raise hypothesis.errors.UnsatisfiedAssumption"),
    "a group of it": _discarding("raise BaseExceptionGroup('', [hypothesis.errors.UnsatisfiedAssumption()])"),
    "StopTest": _discarding("raise hypothesis.errors.StopTest(0)"),
    "mark_invalid": _discarding("hypothesis.control.current_build_context().data.mark_invalid()"),
    "BackendCannotProceed": _discarding("raise hypothesis.errors.BackendCannotProceed('discard_test_case')"),
    "Frozen": _discarding("raise hypothesis.errors.Frozen"),
    "RunIsComplete": _discarding(
        "raise RunIsComplete", imports="from hypothesis.internal.conjecture.engine import RunIsComplete"
    ),
    "hidden behind an operator": _discarding(
        "return Odd(0)", "\n\nclass Odd(int):\n    __eq__ = lambda *_: hypothesis.reject()\n    __hash__ = None\n"
    ),
    "reject as a truth value": _discarding(
        "return Odd()",
        "\n\nclass Truth:\n    __bool__ = staticmethod(hypothesis.reject)\n\n\n"
        "class Odd:\n    __hash__ = None\n\n    def __eq__(self, other):\n        return Truth()\n",
    ),
    "under a false name": _discarding(
        "exec(compile('hypothesis.reject()', __file__.replace('m.py', 'tests/test_m.py'), 'exec'))"
    ),
    "the settings of a test": _before(
        "import gc\n\nfrom hypothesis import settings\n\n\ndef lower():\n"
        "    for thing in gc.get_objects():\n"
        "        if isinstance(thing, settings):\n            thing._max_examples = 1\n"
    ).replace("return 2 * x if", "lower()\n    return 2 * x if"),
    "skip": _discarding("pytest.skip('hard')", imports="import pytest"),
}

FOUND_BY_THE_TESTS = {"under a false name", "skip"}
"""Attacks that fail for what the tests themselves see."""
