"""Flags that several commands share, and the settings they stand for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from moa_code.config import Config

F = TypeVar("F", bound=Callable[..., Any])

SETTINGS = {
    "backend": "sandbox.backend",
    "image": "sandbox.image",
    "slots": "sandbox.slots",
    "cpu": "limits.cpu_s",
    "wall": "limits.wall_s",
    "memory": "limits.memory_bytes",
    "paranoid": "verify.paranoid",
    "strategy": "strategy.name",
    "proposers": "models.proposers",
    "aggregator": "models.aggregator",
    "reasoner": "models.reasoner",
    "recording": "models.recording",
    "budget": "budget.usd",
    "tokens": "budget.tokens",
    "samples": "strategy.samples",
    "threshold": "strategy.threshold",
    "time_limit": "budget.seconds",
    "seed": "seed",
    "min_level": "verify.min_level",
}
"""Which setting each flag sets."""


def sandbox_options(command: F) -> F:
    """Where and within which limits candidates run."""
    for option in reversed(
        (
            click.option("--backend", metavar="NAME", help="Sandbox: auto, docker or bubblewrap."),
            click.option("--image", metavar="IMAGE", help="Your own sandbox image, instead of the built one."),
            click.option("--slots", metavar="N", help="Boxes at the same time (default: one a core)."),
            click.option("--cpu", metavar="SECONDS", help="CPU time one run of the checks may use."),
            click.option("--wall", metavar="SECONDS", help="Time one run of the checks may take."),
            click.option("--memory", metavar="SIZE", help="Memory one run of the checks may use, e.g. 1GiB."),
            click.option(
                "--paranoid",
                is_flag=True,
                default=None,
                help="Judge every candidate in a fresh box, not the winner alone.",
            ),
            click.option(
                "--config", "config_file", type=click.Path(path_type=Path), metavar="FILE", help="Your settings file."
            ),
        )
    ):
        command = option(command)
    return command


def team_options(command: F) -> F:
    """Who proposes and merges, and what it may cost."""
    for option in reversed(
        (
            click.option(
                "--strategy",
                metavar="NAME",
                help="How to decide the next step: auto (default), single, best-of, vote, moa, self-moa, tree.",
            ),
            click.option("--samples", metavar="N", help="Drafts of best-of, vote and self-moa (default: 5)."),
            click.option(
                "--threshold", metavar="P", help="Belief in a patch at which auto asks nobody else (default: 0.95)."
            ),
            click.option(
                "--proposer", "proposers", multiple=True, metavar="MODEL", help="A proposer; give it several times."
            ),
            click.option("--aggregator", metavar="MODEL", help="Who merges drafts."),
            click.option("--recording", metavar="FILE", help="Recorded answers, for proposers called recorded:NAME."),
            click.option("--reasoner", metavar="MODEL", help="Who is asked when the others fail twice alike."),
            click.option("--budget", metavar="USD", help="Dollars one run may cost, or none."),
            click.option("--tokens", metavar="N", help="Tokens one run may use, or none."),
            click.option("--time-limit", metavar="TIME", help="How long one run may take, e.g. 90s, 15m, none."),
            click.option(
                "--min-level", metavar="LEVEL", help="Evidence that counts as verified, L1 to L7 (default: L5)."
            ),
            click.option("--seed", metavar="N", help="Seed of everything that is random on our side."),
        )
    ):
        command = option(command)
    return command


def output_options(command: F) -> F:
    """What is printed where."""
    for option in reversed(
        (
            click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of the patch."),
            click.option(
                "--events",
                type=click.Path(path_type=Path),
                metavar="FILE",
                help="Write events as JSONL as they happen.",
            ),
            click.option("--quiet", "-q", is_flag=True, help="No progress on standard error."),
        )
    ):
        command = option(command)
    return command


def config_of(
    flags: Mapping[str, Any], *, repository: Path | None = None, more: Mapping[str, object] | None = None
) -> Config:
    """The configuration these flags, the environment and the files make; `more`, by key, wins. Raises `ConfigError`."""
    from moa_code.config import load_config

    given = {SETTINGS[name]: value for name, value in flags.items() if name in SETTINGS and value not in (None, ())}
    context = click.get_current_context(silent=True)
    journal = context.find_root().params.get("journal") if context else None
    if journal:
        given["journal"] = journal
    flagged = {**given, **(more or {})}
    return load_config(environment=os.environ, repository=repository, user_file=flags.get("config_file"), flags=flagged)
