"""What is remembered: a tight box, exactly this kind of box, whatever somebody did to the file."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from moa_code.core.box import BoxInfo
from moa_code.probe.findings import Finding, ProbeReport, Standing
from moa_code.probe.memory import remember, remembered

KEY = {"backend": "docker", "image": "sha256:1", "kernel": "6.1"}


def report(standing):
    finding = Finding(kind="network", name="socket(AF_INET)", standing=standing)
    return ProbeReport(
        box=BoxInfo(backend="docker", image_digest="sha256:1"), kernel="6.1", findings=(finding,), duration_s=1.0
    )


TIGHT, HOLED, UNCLEAR = (report(s) for s in (Standing.REFUSED, Standing.FORBIDDEN, Standing.UNCLEAR))


def test_a_tight_box_is_remembered_and_another_kind_is_not(tmp_path):
    folder = tmp_path / "not" / "there"
    assert not remembered(folder, KEY)
    remember(folder, KEY, TIGHT)
    assert remembered(folder, KEY)
    for name in KEY:
        assert not remembered(folder, {**KEY, name: "another"})
    assert not remembered(folder, {**KEY, "more": ""})


@pytest.mark.parametrize("bad", [HOLED, UNCLEAR])
def test_one_that_is_not_is_not_remembered_and_what_was_is_forgotten(tmp_path, bad):
    remember(tmp_path, KEY, bad)
    assert not list(tmp_path.iterdir())
    remember(tmp_path, KEY, TIGHT)
    remember(tmp_path, KEY, bad)
    assert not remembered(tmp_path, KEY)


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00\xff", b"{", b"[]", b"null", b'{"tight": true}', b'{"version": 1, "tight": true, "key": {}}',
     b"[" * 90000],
    ids=["empty", "bytes", "cut", "list", "null", "no key", "another key", "deep"],
)  # fmt: skip
def test_a_corrupted_file_is_as_good_as_none(tmp_path, content):
    remember(tmp_path, KEY, TIGHT)
    (place,) = tmp_path.iterdir()
    place.write_bytes(content)
    assert not remembered(tmp_path, KEY)
    remember(tmp_path, KEY, TIGHT)
    assert remembered(tmp_path, KEY)


@pytest.mark.parametrize("change", [{"tight": False}, {"tight": 1}, {"version": 2}, {"key": {**KEY, "kernel": "5"}}])
def test_a_file_that_says_something_else_is_not_believed(tmp_path, change):
    remember(tmp_path, KEY, TIGHT)
    (place,) = tmp_path.iterdir()
    place.write_text(json.dumps(json.loads(place.read_bytes()) | change))
    assert not remembered(tmp_path, KEY)


def test_many_at_once_leave_one_whole_file(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: remember(tmp_path, KEY, TIGHT), range(64)))
    assert len(list(tmp_path.iterdir())) == 1
    assert remembered(tmp_path, KEY)
