"""Every key: what it expects, its default, and what the file of a repository may do to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum

from moa_code.config.values import (
    EDIT_FORMATS,
    Parse,
    command,
    endpoints,
    flag,
    formats,
    glob,
    level,
    limits,
    model,
    number,
    one_of,
    or_none,
    parse_duration,
    parse_size,
    several,
    whole,
    word,
)
from moa_code.core.box import Limits
from moa_code.core.task import EditRules
from moa_code.core.verdict import Level


class Trust(StrEnum):
    """What the repository's file may do to a key."""

    NOTHING = "cannot be set by a repository"
    SET = "may be set"
    LOWER = "may only be lowered by a repository"
    RAISE = "may only be made stricter by a repository"
    NARROW = "may only be narrowed by a repository"
    ADD = "is added to what the user protects"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    expects: str  # for messages
    parse: Parse  # raises ValueError or TypeError; takes TOML values, and strings from the environment and flags
    default: object
    trust: Trust = Trust.NOTHING


_STRATEGIES = ("auto", "single", "best-of", "vote", "moa", "self-moa", "tree")
_REFERENCES = ("real", "none", "other_task", "shuffled", "best_only", "failing_with_output")
_LIMITS, _RULES = Limits(), EditRules()


def _limit(name: str) -> Key:
    default = getattr(_LIMITS, name)
    if name.endswith("_s"):
        return Key(expects='seconds, or "90s"', parse=parse_duration, default=default, trust=Trust.LOWER)
    if name.endswith("_bytes"):
        return Key(expects='bytes, or "1GiB"', parse=parse_size, default=default, trust=Trust.LOWER)
    return Key(expects="a whole number from 1", parse=whole(1), default=default, trust=Trust.LOWER)


KEYS: Mapping[str, Key] = {
    "models.proposers": Key(
        expects="a list of model names", parse=several(model), default=(), trust=Trust.SET
    ),
    "models.aggregator": Key(expects="a model name", parse=model, default="", trust=Trust.SET),
    "models.reasoner": Key(expects="a model name", parse=model, default="", trust=Trust.SET),
    "models.recording": Key(expects="the path of a file of recorded answers", parse=word, default=""),
    "models.endpoints": Key(
        expects="tables with base_url (http…) and api_key_env (the name of a variable, never the key)",
        parse=endpoints,
        default={},
    ),
    "models.formats": Key(
        expects=f"a table of model = {' | '.join(EDIT_FORMATS)}", parse=formats, default={}, trust=Trust.SET
    ),
    "models.limits": Key(
        expects='tables of provider = { at_once, rpm, tpm }, each a whole number from 1, or "none"',
        parse=limits,
        default={},
    ),
    "models.timeout_s": Key(expects='seconds, or "90s"', parse=parse_duration, default=120.0, trust=Trust.LOWER),
    "models.hedge_after_s": Key(
        expects='seconds, "10s", or "none"', parse=or_none(parse_duration), default=10.0
    ),
    "models.max_prompt_tokens": Key(
        expects="a whole number from 256", parse=whole(256), default=24_000, trust=Trust.LOWER
    ),
    "models.max_answer_tokens": Key(
        expects="a whole number from 64", parse=whole(64), default=4_096, trust=Trust.LOWER
    ),
    "strategy.name": Key(
        expects=" | ".join(_STRATEGIES), parse=one_of(*_STRATEGIES), default="auto", trust=Trust.SET
    ),
    "strategy.entry": Key(
        expects="auto | cheap | strong", parse=one_of("auto", "cheap", "strong"), default="auto", trust=Trust.SET
    ),
    "strategy.threshold": Key(expects="a number from 0 to 1", parse=number(0, 1), default=0.95, trust=Trust.RAISE),
    "strategy.samples": Key(
        expects="a whole number from 1 to 64", parse=whole(1, 64), default=5, trust=Trust.LOWER
    ),
    "strategy.layers": Key(
        expects="a whole number from 2 to 6", parse=whole(2, 6), default=2, trust=Trust.LOWER
    ),
    "strategy.calls": Key(
        expects="a whole number from 1 to 256", parse=whole(1, 256), default=12, trust=Trust.LOWER
    ),
    "strategy.references": Key(
        expects=" | ".join(_REFERENCES), parse=one_of(*_REFERENCES), default="real", trust=Trust.SET
    ),
    "strategy.feedback_rounds": Key(
        expects="a whole number from 0 to 20", parse=whole(0, 20), default=3, trust=Trust.LOWER
    ),
    "budget.usd": Key(
        expects='dollars, or "none"', parse=or_none(number(0)), default=1.0, trust=Trust.LOWER
    ),
    "budget.tokens": Key(
        expects='a whole number, or "none"', parse=or_none(whole(0)), default=1_000_000, trust=Trust.LOWER
    ),
    "budget.seconds": Key(
        expects='seconds, "15m", or "none"', parse=or_none(parse_duration), default=900.0, trust=Trust.LOWER
    ),
    **{f"limits.{limit.name}": _limit(limit.name) for limit in fields(Limits)},
    "sandbox.backend": Key(
        expects="auto | docker | bubblewrap", parse=one_of("auto", "docker", "bubblewrap"), default="auto"
    ),
    "sandbox.image": Key(expects="an image name", parse=word, default=""),
    "sandbox.slots": Key(expects="a whole number from 0 to 256", parse=whole(0, 256), default=0),
    "verify.min_level": Key(
        expects='an evidence level, "L5" or "whole_suite"', parse=level, default=Level.WHOLE_SUITE, trust=Trust.RAISE
    ),
    "verify.lint": Key(expects="true or false", parse=flag, default=True, trust=Trust.RAISE),
    "verify.paranoid": Key(expects="true or false", parse=flag, default=False, trust=Trust.RAISE),
    "verify.test": Key(expects="a command", parse=command, default=(), trust=Trust.SET),
    "edits.editable": Key(
        expects="a list of globs inside the tree", parse=several(glob), default=_RULES.editable, trust=Trust.NARROW
    ),
    "edits.protected": Key(
        expects="a list of globs inside the tree", parse=several(glob), default=_RULES.protected, trust=Trust.ADD
    ),
    "edits.max_patch_bytes": Key(
        expects='bytes, or "1MB"', parse=parse_size, default=_RULES.max_patch_bytes, trust=Trust.LOWER
    ),
    "edits.max_files": Key(
        expects="a whole number from 1", parse=whole(1), default=_RULES.max_files, trust=Trust.LOWER
    ),
    "journal": Key(expects="a path", parse=word, default=""),
    "seed": Key(expects="a whole number from 0", parse=whole(0), default=0, trust=Trust.SET),
}  # fmt: skip
