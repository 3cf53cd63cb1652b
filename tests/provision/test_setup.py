import pytest
from fake_machine import ANSWERS, FakeMachine

from moa_code.core.errors import SandboxUnavailable
from moa_code.provision import setup
from moa_code.provision.image import ImageRef
from moa_code.provision.setup import run_setup

IMAGE = ImageRef(tag="moa-code-sandbox:x", digest="sha256:1", size_bytes=1)


def test_the_engine_comes_first_and_then_the_image(tmp_path, monkeypatch):
    order = []
    machine = FakeMachine(tmp_path)

    def engine(*, install, progress, machine):
        order.append(("engine", install))
        return ANSWERS

    def image(progress, machine):
        order.append(("image", machine))
        return IMAGE

    monkeypatch.setattr(setup, "ensure_engine", engine)
    monkeypatch.setattr(setup, "ensure_image", image)
    report = run_setup(install_engine=True, machine=machine)
    assert order == [("engine", True), ("image", machine)]
    assert (report.engine, report.image) == (ANSWERS, IMAGE)


def test_without_an_engine_no_image_is_tried(tmp_path, monkeypatch):
    monkeypatch.setattr(setup, "ensure_image", lambda *_: pytest.fail("asked for an image"))
    machine = FakeMachine(tmp_path, env={"DOCKER_HOST": f"unix://{tmp_path}/none.sock"})
    with pytest.raises(SandboxUnavailable, match="which DOCKER_HOST names"):
        run_setup(install_engine=False, machine=machine)


@pytest.mark.docker
def test_a_second_set_up_finds_everything_ready():
    run_setup(install_engine=False)
    said = []
    report = run_setup(install_engine=False, progress=said.append)
    assert said == []
    assert report.engine.version
