import pytest

from moa_code.core.errors import EnvironmentFault
from moa_code.suites.reference import Question, ask


def test_answers_come_back_in_order(tmp_path):
    (tmp_path / "helper.py").write_text("def double(x):\n    return 2 * x\n")
    questions = [
        Question(source="from helper import double\ndef run(x):\n    return double(x)\n", inputs=("[1]", "[21]")),
        Question(source="def run(*args):\n    return set(args)\n", inputs=("[3, 3]",)),
    ]
    assert ask(questions, imports=tmp_path, cpu_s=1.0) == (("2", "42"), ("{3}",))


def test_what_raises_or_never_ends_has_no_answer(tmp_path):
    source = "def run(x):\n    while x == 0:\n        pass\n    return 1 / (x - 1)\n"
    assert ask([Question(source=source, inputs=("[0]", "[1]", "[2]"))], imports=tmp_path, cpu_s=0.05) == (
        (None, None, "1.0"),
    )


def test_a_source_that_does_not_compile_is_our_fault(tmp_path):
    with pytest.raises(EnvironmentFault, match="SyntaxError"):
        ask([Question(source="def run(:", inputs=("[1]",))], imports=tmp_path, cpu_s=1.0)
