"""Answers of the references of HumanEval+, in a process of its own. Run as a script; imports nothing of ours.

Reads JSON from stdin: {"rule": source of `humaneval_rule`, "programs": [{"source", "name", "inputs": [argument
lists]}]}. Writes JSON to stdout: for each program the Python text of the list of (arguments, answer).
"""

from __future__ import annotations

import copy
import json
import math
import sys
from typing import Any

LARGE = 10**1000
"""From here on an integer is written in base 16, which Python reads at any length."""


def main() -> None:
    sys.set_int_max_str_digits(0)
    asked = json.load(sys.stdin)
    rule: dict[str, Any] = {}
    exec(compile(asked["rule"], "<rule>", "exec"), rule)  # noqa: S102  # ours
    json.dump([cases(one["source"], one["name"], one["inputs"], rule) for one in asked["programs"]], sys.stdout)


def cases(source: str, name: str, inputs: list[list[Any]], rule: dict[str, Any]) -> str:
    """The text of what `name` of the program answers to each of `inputs`."""
    names: dict[str, Any] = {}
    exec(compile(source, "<reference>", "exec"), names)  # noqa: S102  # the data set's own reference programs
    rows = []
    for args in inputs:
        answer = names[name](*copy.deepcopy(args))
        text = text_of(answer)
        if len(text) > rule["LONG"] and not rule["_floats"](answer):
            text = f"Digest({rule['digest'](answer)!r})"
        rows.append(f"    ({text_of(args)}, {text}),\n")
    return f"[\n{''.join(rows)}]"


def text_of(value: Any) -> str:
    """A value as Python text; `inf` and `nan` as these names. Raises `TypeError` for what has no such text."""
    match value:
        case bool() | None | str() | bytes() | complex():
            return repr(value)
        case int():
            return repr(value) if -LARGE < value < LARGE else hex(value)
        case float():
            return repr(value) if math.isfinite(value) else f"({value!r})"
        case list():
            return f"[{', '.join(map(text_of, value))}]"
        case tuple():
            return f"({''.join(text_of(item) + ', ' for item in value)})"
        case dict():
            return f"{{{', '.join(f'{text_of(key)}: {text_of(item)}' for key, item in value.items())}}}"
        case set():
            return f"{{{', '.join(sorted(map(text_of, value)))}}}" if value else "set()"
        case _:
            raise TypeError(f"{type(value).__name__} has no text: {value!r:.80}")


if __name__ == "__main__":
    main()
