"""Fill in a prompt: one strict renderer over the `.md` files of this folder."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib import resources

_VARIABLE = re.compile(r"\{\{([a-z_]+)\}\}")


@cache
def template(name: str) -> str:
    """The text of `name`.md. Raises `KeyError` for a prompt that is not there."""
    if not re.fullmatch(r"[a-z_]+", name):
        raise KeyError(f"a prompt's name is lower-case letters and underscores, got {name!r}")
    file = resources.files(__package__) / f"{name}.md"
    if not file.is_file():
        raise KeyError(f"no prompt {name!r}")
    return file.read_text(encoding="utf-8").strip() + "\n"


@cache
def prompt_hash(name: str) -> str:
    """SHA-256 of a prompt's text; stands in the record of every call made with it."""
    return hashlib.sha256(template(name).encode()).hexdigest()


def variables(name: str) -> frozenset[str]:
    return frozenset(_VARIABLE.findall(template(name)))


def render(name: str, **values: str) -> str:
    """The prompt with each `{{variable}}` replaced, in one pass: braces inside a value stay what they are.

    Raises `KeyError` for a prompt that is not there and `ValueError` for a variable missing or not used.
    """
    wanted = variables(name)
    if missing := wanted - values.keys():
        raise ValueError(f"prompt {name!r} needs {', '.join(sorted(missing))}")
    if unused := values.keys() - wanted:
        raise ValueError(f"prompt {name!r} has no place for {', '.join(sorted(unused))}")
    return _VARIABLE.sub(lambda match: values[match[1]], template(name))
