"""`moa-code config show`."""

from __future__ import annotations

import json
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import click

from moa_code.cli.options import config_of


@click.group()
def config() -> None:
    """Look at the settings in force."""


@config.command()
@click.option("--origin", is_flag=True, help="Say where each value comes from.")
@click.option(
    "--repo", type=click.Path(path_type=Path, exists=True), default=Path(), help="Whose settings to merge in."
)
@click.option("--config", "config_file", type=click.Path(path_type=Path), metavar="FILE", help="Your settings file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def show(origin: bool, repo: Path, config_file: Path | None, as_json: bool) -> None:
    """Every setting and its value."""
    settings = config_of({"config_file": config_file}, repository=repo).settings()
    if as_json:
        rows = [{"key": s.key, "value": _plain(s.value), "origin": s.origin} for s in settings]
        click.echo(json.dumps({"schema_version": 1, "settings": rows}, indent=2, default=str))
        return
    width = max(len(setting.key) for setting in settings)
    for setting in settings:
        value = json.dumps(_plain(setting.value), default=str)
        click.echo(f"{setting.key:<{width}}  {value}" + (f"  ({setting.origin})" if origin else ""))


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return str(value) if is_dataclass(value) or isinstance(value, Path) else value
