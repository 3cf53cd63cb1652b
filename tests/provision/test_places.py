import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moa_code.core.errors import EnvironmentFault
from moa_code.provision.machine import quiet
from moa_code.provision.places import cache_dir, digest, engine_state_path, exclusive, require_space, source_files


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"HOME": "/home/ann"}, "/home/ann/.cache/moa-code"),
        ({"HOME": "/home/ann", "XDG_CACHE_HOME": "/big"}, "/big/moa-code"),
        ({"HOME": "/home/ann", "XDG_CACHE_HOME": "relative"}, "/home/ann/.cache/moa-code"),
    ],
)
def test_the_cache_follows_the_xdg_rules(env, expected):
    assert cache_dir(env) == Path(expected)


def test_a_job_keeps_its_engine_note_where_it_says():
    assert engine_state_path({"MOA_CODE_ENGINE_STATE": "/tmp/x.json"}) == Path("/tmp/x.json")
    assert engine_state_path({"HOME": "/home/ann"}) == Path("/home/ann/.local/state/moa-code/engine.json")


@given(st.lists(st.binary(max_size=5), max_size=4), st.lists(st.binary(max_size=5), max_size=4))
def test_only_equal_parts_have_equal_digests(left, right):
    assert (digest(*left) == digest(*right)) is (left == right)


def test_sources_are_sorted_and_without_bytecode(tmp_path):
    box = tmp_path / "box"
    (box / "__pycache__").mkdir(parents=True)
    (box / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"x")
    (box / "b.py").write_text("b")
    (box / "a.py").write_text("a")
    (tmp_path / "Dockerfile").write_text("FROM x")
    found = source_files(tmp_path / "Dockerfile", box)
    assert list(found.items()) == [("Dockerfile", b"FROM x"), ("box/a.py", b"a"), ("box/b.py", b"b")]


def test_a_full_disk_is_named_before_the_work_starts(tmp_path):
    with pytest.raises(EnvironmentFault, match=r"making it needs \d+ MB free under .*; \d+ MB are left"):
        require_space(tmp_path / "not" / "yet", 1 << 60, "making it")


def test_the_second_to_come_waits_and_says_so(tmp_path):
    lock = tmp_path / "x.lock"
    code = (
        "import sys; from pathlib import Path; from moa_code.provision.places import exclusive\n"
        "with exclusive(Path(sys.argv[1]), lambda line: print(line, flush=True)): print('in', flush=True)"
    )
    with exclusive(lock, quiet):
        other = subprocess.Popen(
            [sys.executable, "-c", code, str(lock)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
        )
        assert "waiting for another moa-code" in other.stdout.readline()
    rest, _ = other.communicate(timeout=20)
    assert rest == "in\n"


def test_a_cache_that_cannot_be_written_names_the_way_out(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault) as caught, exclusive(tmp_path / "file" / "x.lock", quiet):
        pass
    assert "XDG_CACHE_HOME" in caught.value.remedy
