"""Arms of a benchmark as data: each is a team, a strategy and a budget under a name. Read from TOML, strictly.

[defaults]                       # what every arm has that does not say otherwise
tokens = 60000
seeds = [0, 1, 2]

[[arm]]
name = "mixture"
strategy = "moa"
proposers = ["codestral", "haiku"]
aggregator = "sonnet"
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moa_code.config.keys import KEYS
from moa_code.core.errors import ConfigError

SETTINGS: Mapping[str, str] = {
    key.rpartition(".")[2] if not key.startswith("strategy.name") else "strategy": key
    for key in KEYS
    if key.startswith(("strategy.", "budget.")) or key in ("models.max_prompt_tokens", "models.max_answer_tokens")
} | {
    name: f"models.{name}"
    for name in ("proposers", "aggregator", "reasoner", "strong", "recording")
    if f"models.{name}" in KEYS
}
"""What an arm may say, and the setting it stands for."""

MOST_ARMS = 100
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}\Z")
_REMEDY = "see docs/arms.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way of working that is measured. `settings` by dotted key, as given; each of `seeds` is a sample."""

    name: str
    settings: Mapping[str, object]
    seeds: tuple[int, ...] = (0,)
    about: str = ""


def load_arms(path: Path) -> tuple[Arm, ...]:
    """The arms of a file, in its order. Raises `ConfigError` naming file, arm, key and what was expected."""
    try:
        table = tomllib.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", remedy="name a file of arms: --arms FILE") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}", remedy=_REMEDY) from error
    for key in table:
        if key not in ("defaults", "arm"):
            raise ConfigError(f"{path}: unknown table {key!r}{_nearest(key, ('defaults', 'arm'))}", remedy=_REMEDY)
    entries, defaults = table.get("arm", []), table.get("defaults", {})
    if not isinstance(defaults, dict):
        raise ConfigError(f"{path}: [defaults] is no table", remedy=_REMEDY)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries) or not entries:
        raise ConfigError(f"{path} holds no [[arm]]", remedy=_REMEDY)
    if len(entries) > MOST_ARMS:
        raise ConfigError(f"{path} holds {len(entries)} arms, more than {MOST_ARMS}", remedy="use several files")
    if "name" in defaults:
        raise ConfigError(f"{path}: [defaults] has a name; only an arm has one", remedy=_REMEDY)
    _checked(defaults, f"{path}, [defaults]")
    arms: dict[str, Arm] = {}
    for number, entry in enumerate(entries, 1):
        arm = _arm(entry, defaults, path, number)
        if arm.name in arms:
            raise ConfigError(f"{path}: two arms are called {arm.name!r}", remedy="give each a name of its own")
        arms[arm.name] = arm
    return tuple(arms.values())


def choose(arms: Sequence[Arm], names: Iterable[str]) -> tuple[Arm, ...]:
    """The named arms in the order given; all when none is named. Raises `ConfigError` for one that is not there."""
    by_name = {arm.name: arm for arm in arms}
    wanted = tuple(names)
    for name in wanted:
        if name not in by_name:
            raise ConfigError(f"no arm is called {name!r}{_nearest(name, by_name)}", remedy="name one of the file's")
    return tuple(by_name[name] for name in wanted) if wanted else tuple(arms)


def _arm(entry: Mapping[str, Any], defaults: Mapping[str, Any], path: Path, number: int) -> Arm:
    name = entry.get("name")
    if not isinstance(name, str) or not _NAME.match(name):
        raise ConfigError(
            f"{path}: arm {number} has the name {name!r}: letters, digits and . _ + - are expected, 64 at most",
            remedy=_REMEDY,
        )
    where = f"{path}, arm {name!r}"
    own = {key: value for key, value in entry.items() if key != "name"}
    _checked(own, where)
    merged = {**defaults, **own}
    settings = {SETTINGS[key]: value for key, value in merged.items() if key in SETTINGS}
    return Arm(name=name, settings=settings, seeds=_seeds(merged, where), about=str(merged.get("about", "")))


def _checked(table: Mapping[str, Any], where: str) -> None:
    """Raises for a key nobody knows and for a value that its setting does not take."""
    for key, value in table.items():
        if key in ("seeds", "about"):
            continue
        if key not in SETTINGS:
            known = (*SETTINGS, "seeds", "about", "name")
            raise ConfigError(f"{where}: unknown key {key!r}{_nearest(key, known)}", remedy=_REMEDY)
        spec = KEYS[SETTINGS[key]]
        try:
            spec.parse(value)
        except (ValueError, TypeError, KeyError) as wrong:
            raise ConfigError(f"{where}: {key} = {value!r}: expected {spec.expects}", remedy=_REMEDY) from wrong
    if not isinstance(table.get("about", ""), str):
        raise ConfigError(f"{where}: about = {table['about']!r}: expected a sentence", remedy=_REMEDY)


def _seeds(table: Mapping[str, Any], where: str) -> tuple[int, ...]:
    seeds = table.get("seeds", [0])
    fits = isinstance(seeds, list) and all(type(seed) is int and seed >= 0 for seed in seeds)
    if not fits or not seeds or len(set(seeds)) != len(seeds):
        raise ConfigError(
            f"{where}: seeds = {seeds!r}: expected a list of different whole numbers from 0", remedy=_REMEDY
        )
    return tuple(seeds)


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f"; nearest: {', '.join(near)}" if near else ""
