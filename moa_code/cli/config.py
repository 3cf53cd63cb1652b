"""`moa-code config show`."""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import click

from moa_code.cli.options import config_of
from moa_code.cli.output import emit


@click.group()
def config() -> None:
    """Look at the settings in force."""


@config.command()
@click.option("--origin", is_flag=True, help="Say where each value comes from.")
@click.option(
    "--repo",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    default=Path(),
    help="Whose settings to merge in (default: this folder's).",
)
@click.option("--config", "config_file", type=click.Path(path_type=Path), metavar="FILE", help="Your settings file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def show(origin: bool, repo: Path, config_file: Path | None, as_json: bool) -> None:
    """Every setting and its value."""
    from moa_code.report.documents import config_document

    settings = config_of({"config_file": config_file}, repository=repo).settings()
    rows = [(setting.key, _plain(setting.value), setting.origin) for setting in settings]
    if as_json:
        emit(json.dumps(config_document(rows), indent=2))
        return
    width = max(len(key) for key, _, _ in rows)
    for key, value, source in rows:
        emit(f"{key:<{width}}  {json.dumps(value, ensure_ascii=False)}" + (f"  ({source})" if origin else ""))


def _plain(value: Any) -> Any:
    """The value as JSON holds it, and as a settings file takes it."""
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, IntEnum):
        return f"L{int(value)}"
    return str(value) if isinstance(value, Path) else value
