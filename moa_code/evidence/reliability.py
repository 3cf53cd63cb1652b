"""How often an author's code passes the visible checks and is still wrong: what ships, before the journal knows."""

from __future__ import annotations

from collections.abc import Mapping

from moa_code.core.profile import Posterior

__all__ = ["Posterior", "prior"]

PRIOR_WEIGHT = 25.0  # how many observed passes a shipped rate is worth

# Share of passes on the visible examples that fail the hidden tests, by the start of the model's name without its
# provider. Models: recorded HumanEval answers, asserts of the docstring against the suite's own tests, all promptings
# of a model together; wrong of passed stands beside. builtin: the search on QuixBugs (0 of 40) and on small functions
# with injected mistakes (5 of 48), which do not ship.
PRIOR_RATES: Mapping[str, float] = {
    "gpt-4-1106": 0.027,  # 4 of 146
    "gpt-4-turbo": 0.053,  # 22 of 416
    "gpt-4": 0.054,  # 8 of 149
    "gpt-3.5-turbo-0613": 0.063,  # 8 of 127
    "gemini-pro": 0.066,  # 15 of 229
    "gpt-3.5-turbo": 0.084,  # 20 of 237
    "codellama": 0.106,  # 10 of 94
    "starcoder": 0.160,  # 12 of 75
    "builtin:": 0.057,  # 5 of 88
}
UNKNOWN_RATE = 0.10  # in the middle of what was measured


def prior(author: str) -> Posterior:
    """The shipped prior of an author, by the longest known start of its name; 10 % for an unknown one."""
    name = author.rpartition("/")[2].lower() if not author.startswith("builtin:") else author
    known = [start for start in PRIOR_RATES if name.startswith(start)]
    rate = PRIOR_RATES[max(known, key=len)] if known else UNKNOWN_RATE
    return Posterior(alpha=rate * PRIOR_WEIGHT, beta=(1.0 - rate) * PRIOR_WEIGHT)
