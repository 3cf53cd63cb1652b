"""When a box is probed, and that nobody works with one that was found wanting."""

import asyncio
import json
from dataclasses import replace

import jsonschema
import pytest
from probe_reports import answers, lines

from moa_code.cli import main
from moa_code.config import load_config
from moa_code.core.box import BoxInfo, Ended, Limits, Observation
from moa_code.core.errors import SandboxUnavailable
from moa_code.probe.jobs import probe, scripts
from moa_code.probe.policy import GREED
from moa_code.report.documents import schema
from moa_code.sandbox.fake import FakeSandbox
from moa_code.wiring.probing import probe_key, require_tight
from moa_code.wiring.session import open_session

INFO = BoxInfo(
    backend="docker",
    image_digest="sha256:1",
    kernel="6.1",
    enforced={"engine": "28", "pids": "72", "memory_bytes": "1"},
)
HOLE = {"kind": "network", "name": "socket(AF_VSOCK)", "did": "type 1"}


class Box:
    """A double that is probed, because it is no `FakeSandbox`; and says that it is Docker."""

    def __init__(self, script, info=INFO):
        self.fake = FakeSandbox(script, info=info)
        self.opened = self.closed = 0

    info = property(lambda self: self.fake.info)
    slots = property(lambda self: self.fake.slots)
    jobs = property(lambda self: self.fake.jobs)

    async def open(self):
        self.opened += 1
        await self.fake.open()

    async def aclose(self):
        self.closed += 1
        await self.fake.aclose()

    async def run(self, job):
        return await self.fake.run(job)

    async def run_fresh(self, job):
        return await self.fake.run_fresh(job)


@pytest.fixture
def session(tmp_path):
    """Open a session over a sandbox and close it; what it said comes back."""

    def opened(sandbox):
        said = []
        environment = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
        config = load_config(environment=environment, flags={"journal": str(tmp_path / "journal.sqlite")})

        async def main():
            async with open_session(config, environment, said.append, sandbox=sandbox):
                said.append("open")

        asyncio.run(main())
        return said

    return opened


def kept(tmp_path):
    return list((tmp_path / "cache" / "moa-code" / "probe").glob("*"))


def test_the_first_session_probes_and_says_so_and_the_next_does_not(session, tmp_path):
    assert session(Box(answers())) == ["probing the box, once for this engine, image and kernel", "open"]
    assert len(kept(tmp_path)) == 1
    second = Box(answers())
    assert session(second) == ["open"]
    assert second.jobs == []


@pytest.mark.parametrize(
    "other",
    [{"image_digest": "sha256:2"}, {"kernel": "6.2"}, {"missing": ("cpus: all",)}, {"enforced": {"engine": "29"}}],
)
def test_another_image_kernel_or_engine_is_probed_anew(session, other):
    session(Box(answers()))
    assert len(session(Box(answers(), replace(INFO, **other)))) == 2


def test_other_limits_are_the_same_kind_of_box(session):
    session(Box(answers()))
    enforced = {**INFO.enforced, "pids": "9", "memory_bytes": "9"}
    assert session(Box(answers(), replace(INFO, enforced=enforced))) == ["open"]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (answers(lines(HOLE)), r"socket\(AF_VSOCK\)"),
        (answers(pids=Observation(ended=Ended.EXITED, exit_code=0)), "a fork bomb"),
        (answers(memory=Observation(ended=Ended.LOST, detail="gone")), "twice the memory"),
        (lambda job: Observation(ended=Ended.EXITED, exit_code=0), "does not hold"),
        (lambda job: Observation(ended=Ended.SIGNALLED, signal=9), "could not be probed"),
    ],
    ids=["a socket", "a bomb", "lost", "all went well", "killed"],
)
def test_no_session_opens_over_a_box_that_does_not_hold(session, tmp_path, script, words):
    for _ in range(2):  # the second time too: nothing of it was kept
        box = Box(script)
        with pytest.raises(SandboxUnavailable, match=words) as caught:
            session(box)
        assert "docker" in caught.value.message
        assert "moa-code doctor --probe" in caught.value.remedy
        assert (box.opened, box.closed) == (1, 1)
        assert kept(tmp_path) == []


def test_a_box_lost_on_the_way_is_tried_once_more(session):
    good, lost = answers(), [Observation(ended=Ended.LOST, detail="gone")]
    said = session(Box(lambda job: lost.pop() if lost and "memory" in job.payload["argv"] else good(job)))
    assert said[1:] == ["the probe did not come to an end; once more", "open"]


def test_a_hole_is_not_tried_again(session):
    box = Box(answers(lines(HOLE)))
    with pytest.raises(SandboxUnavailable):
        session(box)
    assert len(box.jobs) == 1 + len(GREED)


def test_a_corrupted_file_makes_the_next_session_probe_again(session, tmp_path):
    session(Box(answers()))
    (place,) = kept(tmp_path)
    place.write_bytes(place.read_bytes()[:40])
    assert len(session(Box(answers()))) == 2
    assert session(Box(answers())) == ["open"]


def test_what_cannot_be_kept_is_said_and_stops_nobody(session, tmp_path):
    (tmp_path / "cache").write_text("a file where a folder should be")
    said = session(Box(answers()))
    assert "cannot be kept" in said[1]
    assert said[-1] == "open"


def test_a_double_that_runs_nothing_is_not_probed():
    fake = FakeSandbox(())
    asyncio.run(require_tight(fake, Limits(), "", {}, pytest.fail))
    assert fake.jobs == []


def test_the_key_changes_with_the_filter():
    assert probe_key(INFO, "{}") == probe_key(INFO, "{}")
    assert probe_key(INFO, "{}") != probe_key(INFO, "{ }")


def test_the_trials_run_within_the_walls_of_the_warm_box():
    """Else it would cost a box more, and another box would be probed than the one that is used."""
    limits = Limits(memory_bytes=3 << 28, pids=33, disk_bytes=5 << 20, inodes=777)

    async def main():
        fake = FakeSandbox(answers())
        await fake.open()
        await probe(fake, limits)
        return [job for job in fake.jobs if "probe" in job.payload["argv"]]

    (job,) = asyncio.run(main())
    assert (job.entry, set(scripts()) < set(job.tree.paths())) == ("command", True)
    for name in ("memory_bytes", "pids", "disk_bytes", "inodes"):
        assert getattr(job.limits, name) == getattr(limits, name)


@pytest.fixture
def doctor(monkeypatch, tmp_path, capsys):
    """`moa-code doctor --probe` over a double: exit code, standard output, standard error."""

    def call(script, *arguments, info=INFO):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setattr("moa_code.wiring.session.open_sandbox", lambda config, progress: Box(script, info))
        code = main.run(["doctor", "--probe", *arguments])
        return (code, *capsys.readouterr())

    return call


def test_doctor_tells_what_was_refused_and_the_limits(doctor, tmp_path):
    code, out, err = doctor(answers())
    assert (code, err) == (0, "")
    told = {line[:17].strip(): line[17:].strip() for line in out.splitlines()}
    assert told["ordinary work"] == "1 allowed as intended"
    assert told["network"] == "1 refused"
    assert told["engine"] == "28"
    assert len(kept(tmp_path)) == 1


def test_doctor_names_what_should_have_been_refused(doctor, tmp_path):
    doctor(answers())
    code, out, err = doctor(answers(lines(HOLE)))
    assert code == 3
    assert "FORBIDDEN BUT ALLOWED: network: socket(AF_VSOCK) (type 1)" in out
    assert "moa-code doctor --probe --backend docker" in err
    assert kept(tmp_path) == []  # what an earlier probe said holds no more


def test_doctor_says_what_is_not_enforced_here(doctor):
    info = replace(INFO, backend="bubblewrap", missing=("seccomp: libseccomp is not installed",))
    code, out, _ = doctor(answers(lines(HOLE)), info=info)
    assert code == 0
    assert "NOT ENFORCED HERE: network: socket(AF_VSOCK) (seccomp: libseccomp is not installed)" in out


@pytest.mark.parametrize(("found", "code"), [(lines(), 0), (lines(HOLE), 3)])
def test_the_document_of_the_probe(doctor, found, code):
    done, out, _ = doctor(answers(found), "--json")
    document = json.loads(out)
    jsonschema.Draft202012Validator(schema("probe")).validate(document)
    assert (done, document["tight"], document["kernel"]) == (code, code == 0, "6.1")
    assert ("forbidden" in {f["standing"] for f in document["findings"]}) == (code == 3)
