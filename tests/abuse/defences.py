"""What a defence of the verifier is, and how it is switched off: by changing the text of a private copy of our sources.

Nothing in the product knows of this. Each text that is changed occurs exactly once in its file, which a test asserts,
so the list cannot outlive what it is about. The list itself is in defences_*.py; defences_run.py carries it out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Where(StrEnum):
    """What it takes to see that a defence is gone."""

    HOST = "host"  # nothing: its rows are what the host itself reads
    BOXES = "bubblewrap"
    DOCKER = "docker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """In `file`, `old` (which is there once) becomes `new`."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Defence:
    """One defence. `rows` are the cases that are to notice when it is gone; at least one of them must.

    `behind` names defences that hold the same line before or after it: with those in place nothing shows, so they are
    switched off as well.
    """

    name: str
    what: str
    cuts: tuple[Cut, ...]
    rows: tuple[str, ...]
    where: Where = Where.BOXES
    behind: tuple[str, ...] = ()


def defence(
    name: str,
    what: str,
    file: str,
    old: str,
    new: str,
    *rows: str,
    where: Where = Where.BOXES,
    behind: tuple[str, ...] = (),
    also: tuple[Cut, ...] = (),
) -> Defence:
    """A defence with one cut, or with those in `also` too where it stands in several places."""
    cuts = (Cut(file=file, old=old, new=new), *also)
    return Defence(name=name, what=what, cuts=cuts, rows=rows, where=where, behind=behind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of the rows of a defence that is off. `error`: it could not be tried, or broke what it is part of."""

    name: str
    red: Mapping[str, str]  # case id -> what was seen
    green: tuple[str, ...] = ()
    error: str = ""
    seconds: float = 0.0


def texts_after(cuts: tuple[Cut, ...], root: Path = ROOT) -> dict[str, str]:
    """The changed files. Raises `ValueError` where a text is not there exactly once."""
    found: dict[str, str] = {}
    for cut in cuts:
        text = found.get(cut.file) or (root / cut.file).read_text(encoding="utf-8")
        if text.count(cut.old) != 1:
            raise ValueError(f"{cut.file} has {text.count(cut.old)} times {cut.old!r}, not once")
        found[cut.file] = text.replace(cut.old, cut.new)
    return found


def all_cuts(wanted: Defence, known: Mapping[str, Defence]) -> Iterator[Cut]:
    """What is changed to see that `wanted` is gone."""
    yield from wanted.cuts
    for name in wanted.behind:
        yield from known[name].cuts
