"""Hypothesis as every property meets it: so many examples, a seed of ours, nothing remembered."""

from __future__ import annotations

from hypothesis import HealthCheck, core, settings

MAX_EXAMPLES = 100  # of a property whose tests say nothing about it, whatever Hypothesis's own default becomes


def set_up_properties() -> None:
    """Give tests with `@given` our settings, as far as they have none of their own."""
    settings.register_profile(
        "box",
        max_examples=MAX_EXAMPLES,
        database=None,
        deadline=None,
        derandomize=False,
        print_blob=False,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("box")


def set_seed(seed: int) -> None:
    """Where no pytest plugin does it."""
    core.global_force_seed = seed  # type: ignore[assignment]  # declared as None alone
