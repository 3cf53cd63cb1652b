"""An engine that may be broken, and what makes use of it. Nothing here touches the machine's own engine."""

import asyncio
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

# The benches of the contract suites, and calls of the command line.
sys.path[:0] = [str(Path(__file__).parents[1] / folder) for folder in ("sandbox", "solve", "cli")]


@pytest.fixture(scope="package")
def stocked_engine(sandbox_image):
    """A private engine that holds the sandbox image. Gone, with all that was in it, when the folder's tests end."""
    import docker
    from private_engine import PrivateEngine, why_not

    if reason := why_not():
        pytest.skip(reason)
    engine = PrivateEngine()
    try:
        engine.start()
        source, target = docker.from_env(timeout=60), engine.client(timeout=60)
        target.api.load_image(source.api.get_image(sandbox_image))
        source.close()
        target.close()
        yield engine
    finally:
        engine.remove()


@pytest.fixture
def engine(stocked_engine, monkeypatch):
    """That engine, up, empty, and the one that DOCKER_HOST names. Each test must leave it empty."""
    if not stocked_engine.alive:
        stocked_engine.start()
    stocked_engine.remove_boxes()  # what was made late, after a test had failed
    monkeypatch.setenv("DOCKER_HOST", stocked_engine.host)
    yield stocked_engine
    if not stocked_engine.alive:
        stocked_engine.start()
    left, volumes = stocked_engine.boxes(), stocked_engine.volumes()
    stocked_engine.remove_boxes()
    assert left == {}, "boxes were left behind"
    assert volumes == []


@pytest.fixture
def proxy(engine, monkeypatch):
    """What DOCKER_HOST names now: it stands before the engine and does as it is told."""
    from engine_proxy import Proxy

    proxy = Proxy(engine.socket)
    monkeypatch.setenv("DOCKER_HOST", proxy.host)
    yield proxy
    proxy.close()


@pytest.fixture
def impatient(monkeypatch):
    """An engine that does not come back is given up after a second, and so is an answer that does not come."""
    monkeypatch.setattr("moa_code.sandbox.pool.ENGINE_PATIENCE_S", 1.0)
    monkeypatch.setattr("moa_code.sandbox.docker.API_TIMEOUT_S", 1.5)


@pytest.fixture
def in_sandbox(sandbox_image):
    """Carries out `work(sandbox, bench)` in an open Docker sandbox, within a bound, and closes it."""
    from sandbox_bench import Bench, docker_sandbox

    def carry_out(work, *, seconds=60):
        async def whole():
            async with asyncio.timeout(seconds), opened() as sandbox:
                return await work(sandbox, Bench(None, sandbox, "/opt/moa/bin/python", None))

        @asynccontextmanager
        async def opened():
            sandbox = docker_sandbox(sandbox_image)
            try:
                await sandbox.open()
                yield sandbox
            finally:
                await sandbox.aclose()

        return asyncio.run(whole())

    return carry_out
