"""Both kinds of box, opened once a module: every attack is made on each."""

import sys
from pathlib import Path

import pytest
from abuse_backends import BACKENDS

# The benches of the contract suites.
sys.path[:0] = [str(Path(__file__).parents[1] / folder) for folder in ("sandbox", "solve")]


@pytest.fixture(scope="module", params=[pytest.param(name, marks=marks) for name, marks in BACKENDS.items()])
def judge(request, tmp_path_factory):
    """A session whose verifier judges patches in real boxes."""
    import asyncio
    from contextlib import AsyncExitStack

    from docker_bench import Bench

    from moa_code.config import load_config
    from moa_code.wiring.session import open_session

    home = tmp_path_factory.mktemp("home")
    flags = {
        "sandbox.backend": request.param,
        "sandbox.slots": 1,
        "models.proposers": ("builtin:mutate",),
        "models.aggregator": "builtin:combine",
        "journal": str(home / "journal.sqlite"),
    }
    config = load_config(environment={"HOME": str(home)}, flags=flags)
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        session = runner.run(stack.enter_async_context(open_session(config, {}, lambda text: None)))
        try:
            yield Bench(runner, session)
        finally:
            runner.run(stack.aclose())
