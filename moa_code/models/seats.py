"""Seats: one model asked in one way. `codestral#plan@0.8~2` is a model, a style, a temperature, which draw of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches

from moa_code.core.errors import ConfigError
from moa_code.models.spec import ModelSpec

DIRECT = "direct"
STYLES = (DIRECT, "plan", "tests", "minimal", "rewrite")
"""How a proposer may be asked; the prompts of that name are in `prompts/`."""

HOTTEST = 2.0  # what providers take at most

# The first seat of a model answers as it likes best; each later one differs in what it is told to do first, and where
# that has been said already, in how freely it draws. Order: largest change of approach first.
_DESIGN: tuple[tuple[str, float | None], ...] = (
    (DIRECT, None),
    ("plan", 0.7),
    ("tests", 0.7),
    ("rewrite", 1.0),
    ("minimal", 0.4),
)
_LATER_DRAWS = 0.9  # of a style that was used already

_SUFFIX = re.compile(r"(?:#(?P<style>[^#@~/]*))?(?:@(?P<temperature>[^#@~/:]*))?(?:~(?P<draw>[^#@~/]*))?\Z")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat(ModelSpec):
    """One proposer: a model under the name of this seat, and how it is asked.

    `model` is the model's own name. `temperature` None: as the writer does. `sample` tells apart draws that are asked
    alike, counted from 0.
    """

    model: str
    style: str = DIRECT
    temperature: float | None = None
    sample: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatName:
    """A seat's name, taken apart. `draw` counts from 1, as it is written."""

    model: str
    style: str = DIRECT
    temperature: float | None = None
    draw: int = 1

    def __str__(self) -> str:
        style = "" if self.style == DIRECT else f"#{self.style}"
        temperature = "" if self.temperature is None else f"@{self.temperature:g}"
        return f"{self.model}{style}{temperature}" + (f"~{self.draw}" if self.draw > 1 else "")


def parse_seat(text: str, known: Iterable[str] = ()) -> SeatName:
    """The parts of `MODEL[#STYLE][@TEMPERATURE][~DRAW]`; the model's part is not looked at, and may be `MODEL@URL`.

    A name in `known` is taken whole. Raises `ConfigError` naming the part that is wrong, with what it may be.
    """
    if text in known:
        return SeatName(model=text)
    found = _suffix(text)
    if found is None:
        return SeatName(model=text)
    model, style, temperature, draw = text[: found.start()], found["style"], found["temperature"], found["draw"]
    if not model:
        raise ConfigError(f"{text!r} names no model", remedy="write MODEL#STYLE@TEMPERATURE, e.g. codestral#plan@0.8")
    if style is not None and style not in STYLES:
        near = get_close_matches(style, STYLES, n=1, cutoff=0.5)
        raise ConfigError(
            f"{text!r}: no style is called {style!r}" + (f"; nearest: {near[0]}" if near else ""),
            remedy=f"one of {', '.join(STYLES)}",
        )
    if temperature is not None and not (_NUMBER.match(temperature) and 0 <= float(temperature) <= HOTTEST):
        raise ConfigError(
            f"{text!r}: the temperature {temperature!r} is no number from 0 to {HOTTEST:g}",
            remedy=f"write it like {model}{f'#{style}' if style else ''}@0.8",
        )
    if draw is not None and not (draw.isascii() and draw.isdecimal() and 1 <= int(draw) <= 99):
        raise ConfigError(f"{text!r}: the draw {draw!r} is no number from 1 to 99", remedy=f"write it like {model}~2")
    return SeatName(
        model=model,
        style=style or DIRECT,
        temperature=None if temperature is None else float(temperature),
        draw=int(draw or 1),
    )


def model_of(author: str) -> str:
    """The model's part of an author's name; the whole name where it is no seat's."""
    try:
        return parse_seat(author).model
    except ConfigError:
        return author


def seat_of(spec: ModelSpec, name: SeatName | None = None) -> Seat:
    """`spec` in the seat that `name` describes. A model that takes no temperature has none in its seat's name either,
    because none is sent.
    """
    model = spec.model if isinstance(spec, Seat) else spec.name
    wanted = replace(name or SeatName(model=model), model=model)
    if not spec.supports_temperature or spec.is_builtin:
        wanted = replace(wanted, temperature=None)
    given = {field.name: getattr(spec, field.name) for field in fields(ModelSpec)}
    return Seat(
        **{**given, "name": str(wanted)},
        model=model,
        style=wanted.style,
        temperature=wanted.temperature,
        sample=wanted.draw - 1,
    )


def seats_of(spec: ModelSpec, count: int, *, taken: Iterable[str] = ()) -> tuple[Seat, ...]:
    """`count` seats of one model that differ by design, none with a name in `taken`.

    The first is asked directly, later ones in another style at a higher temperature; when all styles are used, in the
    same ones again as further draws. A builtin has one way of working, so it fills one seat at most.
    """
    if count < 0:
        raise ValueError(f"a team cannot have {count} seats")
    used = set(taken)
    seats: list[Seat] = []
    for turn in range(1, 100):
        for style, temperature in _DESIGN:
            if len(seats) == count:
                return tuple(seats)
            heat = temperature if turn == 1 else max(_LATER_DRAWS, temperature or 0.0)
            seat = seat_of(spec, SeatName(model=spec.name, style=style, temperature=heat, draw=turn))
            if seat.name not in used:
                used.add(seat.name)
                seats.append(seat)
            if spec.is_builtin:
                return tuple(seats)
    raise ValueError(f"{count} seats are more than one model can fill in different ways")


def _suffix(text: str) -> re.Match[str] | None:
    """Where the model ends and its seat begins; None for a model alone.

    An address has an `@` and may have a `#`: it ends where what follows looks like a seat's, to the end of the text.
    """
    for at, sign in enumerate(text):
        found = _SUFFIX.match(text, at) if sign in "#@~" else None
        if found is None:
            continue
        if sign == "@" and not _NUMBER.match(found["temperature"]):
            continue  # MODEL@ADDRESS: what is wrong with that is known where addresses are
        if sign == "~" and not found["draw"].isdecimal():
            continue  # https://host/~somebody
        return found
    return None
