"""A session over the real Docker sandbox, opened once a module."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from docker_bench import Bench

from moa_code.config import load_config
from moa_code.wiring.session import open_session


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    flags = {
        "sandbox.backend": "docker",
        "sandbox.slots": 2,
        "models.proposers": ("builtin:mutate",),
        "models.aggregator": "builtin:combine",
        "journal": str(Path(home) / "journal.sqlite"),
    }
    config = load_config(environment={"HOME": str(home)}, flags=flags)
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        session = runner.run(stack.enter_async_context(open_session(config, {}, lambda text: None)))
        try:
            yield Bench(runner, session)
        finally:
            runner.run(stack.aclose())
