import tarfile

import pytest
from docker.errors import ImageNotFound

from moa_code.assets import sandbox_dir
from moa_code.core.errors import SandboxUnavailable
from moa_code.provision import image
from moa_code.provision.base import Base


def test_the_recipe_holds_the_server_and_no_bytecode():
    files = image.recipe()
    assert {"Dockerfile", "requirements.txt", "warm.py", "box/server.py"} <= set(files)
    assert not [name for name in files if "__pycache__" in name]


def test_the_tag_changes_with_every_file_and_with_the_python():
    files = {"Dockerfile": b"FROM a", "box/server.py": b"1"}
    tags = {
        image.image_tag(files, 11),
        image.image_tag(files, 13),
        image.image_tag({**files, "box/server.py": b"2"}, 11),
        image.image_tag({**files, "box/other.py": b""}, 11),
    }
    assert len(tags) == 4
    assert image.image_tag(dict(files), 11) in tags


def test_equal_files_make_equal_contexts():
    files = {"Dockerfile": b"FROM a", "box/server.py": b"1"}
    first, second = image.pack_context(files), image.pack_context(files)
    assert first.getvalue() == second.getvalue()
    with tarfile.open(fileobj=first) as archive:
        assert archive.getnames() == list(files)


def test_the_dockerfile_downloads_nothing_and_names_no_host():
    text = (sandbox_dir() / "Dockerfile").read_text()
    assert "--no-index" in text
    assert "--require-hashes" in text
    assert "apt" not in text.replace("adapt", "")
    assert "://" not in text


def test_a_failing_step_is_quoted():
    class Api:
        def build(self, **_):
            yield {"stream": "Step 1/2 : FROM base\n"}
            yield {"stream": "ERROR: no matching distribution\n"}
            yield {"error": "The command returned a non-zero code: 1"}

    class Client:
        api = Api()

    with pytest.raises(SandboxUnavailable, match=r"non-zero code: 1\n.*\n.*no matching distribution"):
        image._run_build(
            Client(), image.pack_context({}), "moa-code-sandbox:x", Base(reference="b", minor=11), lambda line: None
        )


@pytest.mark.docker
def test_the_image_is_built_once_and_then_there():
    first = image.ensure_image()
    said = []
    second = image.ensure_image(said.append)
    assert second == first
    assert said == []
    assert first.digest.startswith("sha256:")
    assert first.tag == image.image_tag()


@pytest.mark.docker
def test_what_is_in_the_image():
    """Warm bytecode for a stranger's uid, no file that lends rights, no package lists, no setting of the host's."""
    script = f"""
import glob, json, os, stat, subprocess, sys
lending = []
for folder, folders, files in os.walk('/'):
    folders[:] = [f for f in folders if os.path.join(folder, f) not in ('/proc', '/sys', '/dev')]
    for name in files:
        path = os.path.join(folder, name)
        mode = os.lstat(path).st_mode
        if stat.S_ISREG(mode) and mode & 0o6000:
            lending.append(path)
print(json.dumps(dict(
    lending=lending,
    lists=os.path.isdir('/var/lib/apt/lists') and os.listdir('/var/lib/apt/lists'),
    server=os.path.exists('{image.SERVER}'),
    rewritten=len(glob.glob('/opt/moa/lib/python3*/site-packages/hypothesis/**/*-pytest-*.pyc', recursive=True)),
    ruff=subprocess.run(['/opt/moa/bin/ruff', '--version'], capture_output=True, text=True).stdout.split()[0],
    environment=sorted(os.environ),
)))
"""
    import json

    from moa_code.provision.knock import connect

    reference = image.ensure_image()
    client = connect()
    try:
        found = json.loads(
            client.containers.run(
                reference.tag, [image.PYTHON, "-I", "-c", script], remove=True, network_mode="none", read_only=True
            )
        )
    finally:
        client.close()
    assert found["lending"] == []
    assert not found["lists"]
    assert found["server"]
    assert found["rewritten"] > 50
    assert found["ruff"] == "ruff"
    assert not [name for name in found["environment"] if "PIP" in name or "PROXY" in name.upper()]


@pytest.mark.docker
def test_pytest_in_the_image_writes_and_rewrites_nothing():
    """Every module of pytest and Hypothesis comes from baked bytecode, though the root cannot be written."""
    from moa_code.provision.knock import connect

    script = (
        "printf 'from hypothesis import given, strategies as st\\n@given(st.integers())\\n"
        "def test_a(x):\\n    assert x == x\\n' > /tmp/test_a.py && cd /tmp && "
        f"{image.PYTHON} -v -m pytest -q -p no:cacheprovider --debug=/tmp/log test_a.py 2>/tmp/imports >/dev/null; "
        "grep -c 'found cached rewritten pyc' /tmp/log; grep -c \"code object from /opt/moa\" /tmp/imports; "
        "grep 'rewriting PosixPath' /tmp/log | grep -v /tmp/test_a.py | wc -l"
    )
    reference = image.ensure_image()
    client = connect()
    try:
        out = client.containers.run(
            reference.tag,
            ["sh", "-c", script],
            remove=True,
            network_mode="none",
            read_only=True,
            user="4321:4321",
            tmpfs={"/tmp": "mode=1777"},
        )
    finally:
        client.close()
    cached, compiled, rewritten = (int(word) for word in out.split())
    assert cached > 30
    assert compiled == 0
    assert rewritten == 0


def test_a_missing_image_is_none_and_not_an_error():
    class Images:
        def get(self, tag):
            raise ImageNotFound(tag)

    class Client:
        images = Images()

    assert image.find_image(Client(), "moa-code-sandbox:x") is None
