import pytest
from hypothesis import given
from hypothesis import strategies as st

from moa_code.core.errors import TaskError
from moa_code.suites.task_toml import decode, nearest

CAPS = {"cpu_s": 3600, "wall_s": 7200, "memory_mb": 65_536, "pids": 4096, "output_kb": 65_536}
GOOD = '[task]\nid = "a"\nmode = "fix"\neditable = ["**"]\n'


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "task.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["table [task] is missing"]),
        ("task = 3\n", ["task must be a table, got 3"]),
        (GOOD + "[limit]\n", ["unknown table or key 'limit'", "did you mean limits?"]),
        (GOOD + "[zebra]\n", ["unknown table or key 'zebra'", "known are checks, environment, limits, task"]),
        (GOOD.replace("mode", "mood"), ["[task] mood", "unknown key", "did you mean mode?"]),
        ('[task]\nid = "a"\nmode = "fix"\n', ["[task] editable", "is missing"]),
        ('[task]\nmode = "fix"\neditable = ["**"]\n', ["[task] id", "is missing"]),
        (GOOD.replace('"fix"', '"fixx"'), ["[task] mode", "'fixx' is no mode", "did you mean fix?"]),
        (GOOD.replace('"a"', '"../a"'), ["[task] id", "'../a' is no id"]),
        (GOOD.replace('"a"', "7"), ["[task] id", "must be a string, got 7"]),
        (GOOD.replace('"a"', '""'), ["[task] id", "must not be empty"]),
        (GOOD.replace('["**"]', '"**"'), ["[task] editable", "must be a list of strings"]),
        (GOOD.replace('["**"]', "[]"), ["[task] editable", "at least one"]),
        (GOOD.replace('["**"]', '["../x"]'), ["'../x' leads out"]),
        (GOOD.replace('["**"]', '["/etc/*"]'), ["'/etc/*' leads out"]),
        (GOOD + "[limits]\ncpu_s = 0\n", ["[limits] cpu_s", "above 0 and at most 3600, got 0"]),
        (GOOD + "[limits]\ncpu_s = nan\n", ["[limits] cpu_s", "got nan"]),
        (GOOD + "[limits]\ncpu_s = true\n", ["[limits] cpu_s", "must be a number, got True"]),
        (GOOD + "[limits]\npids = 1.5\n", ["[limits] pids", "must be a whole number, got 1.5"]),
        (GOOD + "[limits]\nmemory_mb = 100000000\n", ["[limits] memory_mb", "at most 65536"]),
        (GOOD + "[limits]\nmemory = 5\n", ["[limits] memory", "did you mean memory_mb?"]),
        (GOOD + '[checks]\ncommands = ["make"]\n', ["[checks] commands", "list of argument lists"]),
        (GOOD + "[checks]\ncommands = []\n", ["[checks] commands", "is empty"]),
        (GOOD + "[checks]\ncommands = [[]]\n", ["[checks] commands", "none of them empty"]),
        (GOOD + '[checks]\ncommands = [["a"], ["b"]]\n', ["holds 2 commands, one is supported"]),
        (GOOD + "[checks]\nexpected = [1]\n", ["[checks] expected", "list of strings"]),
        (GOOD + '[environment]\npackages = "numpy"\n', ["[environment] packages", "list of strings"]),
        ("[task\n", ["is not TOML"]),
        (b"\xff", ["is not UTF-8"]),
    ],
)
def test_what_is_wrong_is_named(written, text, parts):
    path = written(text)
    with pytest.raises(TaskError) as caught:
        decode(path)
    assert all(part in caught.value.message for part in [str(path), *parts]), caught.value.message
    assert caught.value.remedy


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(TaskError, match="cannot read"):
        decode(tmp_path / "task.toml")


def test_nothing_known_is_said():
    assert nearest("x", []) == "there is none"


@given(st.binary(max_size=200))
def test_bytes_are_decoded_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(content)
    with pytest.raises(TaskError):
        decode(path)


@given(
    st.dictionaries(
        st.sampled_from(["cpu_s", "wall_s", "memory_mb", "pids", "output_kb"]),
        st.one_of(st.integers(-5, 10**6), st.floats(allow_nan=True), st.booleans(), st.text("ab", max_size=3)),
    )
)
def test_limits_are_positive_numbers_or_refused(tmp_path_factory, values):
    shown = {
        key: f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else repr(value)
        for key, value in values.items()
    }
    path = tmp_path_factory.getbasetemp() / "limits.toml"
    path.write_text(GOOD + "[limits]\n" + "".join(f"{key} = {value}\n" for key, value in shown.items()))
    good = all(
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and 0 < value <= CAPS[key]
        and (isinstance(value, int) or key in ("cpu_s", "wall_s"))
        for key, value in values.items()
    )
    if good:
        limits = decode(path).limits
        assert min(limits.cpu_s, limits.wall_s, limits.memory_bytes, limits.pids, limits.output_bytes) > 0
    else:
        with pytest.raises(TaskError, match=r"\[limits\]"):
            decode(path)
