"""Families: models that were trained alike share blind spots, whoever sells them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from moa_code.models.presets import ALIASES, PROVIDERS
from moa_code.models.seats import model_of
from moa_code.models.spec import BUILTIN_FAMILY, ModelSpec

# Starts of models' names, where the name does not begin with the family's own.
_FAMILIES: Mapping[str, str] = {
    "gpt": "openai",
    "gpt-oss": "gpt-oss",
    "chatgpt": "openai",
    "o1": "openai",
    "o3": "openai",
    "o4": "openai",
    "codex": "openai",
    "claude": "anthropic",
    "gemini": "gemini",
    "codestral": "mistral",
    "devstral": "mistral",
    "magistral": "mistral",
    "ministral": "mistral",
    "mixtral": "mistral",
    "open-mistral": "mistral",
    "open-mixtral": "mistral",
    "codellama": "llama",
    "meta-llama": "llama",
    "wizardcoder": "starcoder",
    "starchat": "starcoder",
    "santacoder": "starcoder",
    "qwq": "qwen",
    "codeqwen": "qwen",
}


def family_of(name: str) -> str:
    """Whose training a model shares, by its name: authors of one family have blind spots in common.

    Takes names as users and recordings write them: with a provider, a seat's style, or an address. A name that says
    nothing is a family of its own, by its leading letters.
    """
    if name.startswith("builtin:"):
        return BUILTIN_FAMILY
    model = model_of(name)
    known = presets().get(ALIASES.get(model, model)) or by_litellm_id(model)
    if known is not None:
        return known.family
    model = model.partition("@")[0].removeprefix("ollama/")
    base = model.rpartition("/")[2].lower()
    if distilled := re.search(r"distill[-_](qwen|llama)", base):
        return distilled[1]  # its habits are those of the model that was taught
    known_start = max((start for start in _FAMILIES if base.startswith(start)), key=len, default="")
    if known_start:
        return _FAMILIES[known_start]
    found = re.match(r"(?:code-?)?([a-z]+)", base)
    return found[1] if found else base


def presets() -> Mapping[str, ModelSpec]:
    """The models of all providers we know, by name."""
    return {spec.name: spec for p in PROVIDERS for spec in (*p.cheap, p.strong, p.reasoner)}


def by_litellm_id(name: str) -> ModelSpec | None:
    """The preset with this litellm id."""
    return next((spec for spec in presets().values() if spec.litellm_id == name), None)
