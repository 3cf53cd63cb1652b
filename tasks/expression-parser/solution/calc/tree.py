"""Expressions as trees."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Name:
    name: str


@dataclass(frozen=True)
class Binary:
    sign: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Negation:
    operand: Expression


Expression = Number | Name | Binary | Negation
