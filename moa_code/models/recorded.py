"""Stored real completions, served as if their model were asked. Nothing is ever made up: no record, no answer."""

from __future__ import annotations

import ast
import gzip
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TypedDict

from moa_code.core.calls import Price
from moa_code.core.errors import ConfigError, ModelError
from moa_code.core.model import Completion, CompletionRequest, Finish, Usage
from moa_code.core.ports import Heard
from moa_code.edits.reply import EditFormat
from moa_code.models.families import family_of
from moa_code.models.spec import ModelSpec

NOTHING = Price(prompt_usd=0.0, completion_usd=0.0)
"""What replaying costs. What the answer had cost is not known, so it stands in no total."""

PREFIX = "recorded:"
"""Before the name of a recording, where a team is named: `recorded:gpt-4-turbo+cot`."""

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
Key = tuple[str, str, int]  # task id, recorded name, sample


class _Line(TypedDict, total=False):
    """One line of a recording. `response` is the raw text; where it was not kept, `code` is the extracted program."""

    task_id: str
    model: str
    prompting: str
    sample: int
    response: str | None
    code: str | None
    prompt_tokens: int | None
    completion_tokens: int | None


class RecordedModel:
    """Answers by (task id, model, sample) from a JSONL file, gzipped or not.

    A recording's name is `model+prompting`, e.g. `gpt-4-turbo+cot`. Where the raw text was not kept, the extracted
    program is served in a code fence, and the completion's `model` ends in ` (code only)`. Such a program often begins
    with the prompt, so of functions that it defines twice the last one is served: the one that Python would run.
    """

    def __init__(self, completions: Mapping[Key, Completion]) -> None:
        self._completions = completions

    @classmethod
    def load(cls, path: Path) -> RecordedModel:
        """Read a whole recording. Raises `ConfigError` naming file and line."""
        return cls(_read(path))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted({name for _, name, _ in self._completions}))

    @property
    def task_ids(self) -> tuple[str, ...]:
        """In the recording's order."""
        return tuple(dict.fromkeys(task for task, _, _ in self._completions))

    async def complete(self, request: CompletionRequest, heard: Heard | None = None) -> Completion:  # noqa: ARG002
        name = request.model.removeprefix(PREFIX).partition("~")[0]
        found = self._completions.get((request.task_id, name, request.sample))
        if found is None:
            raise ModelError(
                f"no recording of task {request.task_id!r}, model {request.model!r}, sample {request.sample}; "
                f"recorded models: {', '.join(self.names) or 'none'}"
            )
        return found

    async def aclose(self) -> None:
        """Nothing is open."""


def open_recording(path: str) -> RecordedModel:
    """The recording at `path`, read once in a process. Raises `ConfigError` for none, and naming file and line."""
    if not path:
        raise ConfigError("a recorded proposer is named, and no recording", remedy="name its file: --recording FILE")
    return _opened(path)


@lru_cache(maxsize=2)
def _opened(path: str) -> RecordedModel:
    return RecordedModel.load(Path(path))


def is_recorded(name: str) -> bool:
    return name.startswith(PREFIX)


def recorded_spec(name: str) -> ModelSpec:
    """The model behind `recorded:NAME`. It needs no key, has no price, and answers what it answered then."""
    return ModelSpec(
        name=name,
        litellm_id=name,
        family=family_of(name.removeprefix(PREFIX)),
        edit_format=EditFormat.FUNCTION,
        supports_temperature=False,
        streams=False,
    )


def hears_nothing(name: str, role: str) -> ConfigError:
    """Why a recording cannot have a role in which it would have to read what was just written."""
    return ConfigError(
        f"{name} is a recording: it cannot hear a new question, so it cannot be the {role}",
        remedy="--aggregator builtin:combine, or a model that can be asked",
    )


def _read(path: Path) -> dict[Key, Completion]:
    completions: dict[Key, Completion] = {}
    where = str(path)
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                where = f"{path}, line {number}"
                if line.strip():
                    _add(completions, json.loads(line))
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"the recording {where} cannot be read: {error!r}") from error
    return completions


def _add(completions: dict[Key, Completion], line: _Line) -> None:
    name = f"{line['model']}+{line['prompting']}"
    key = (line["task_id"], name, line["sample"])
    if key in completions:
        raise ValueError(f"{key} is recorded twice")
    raw, code = line.get("response"), line.get("code")
    if raw is None and code is None:
        return  # the provider gave no answer: stays a missing record
    completions[key] = Completion(
        text=raw if raw is not None else f"```python\n{_once(code or '')}\n```\n",
        finish=Finish.STOP,
        usage=Usage(
            prompt_tokens=line.get("prompt_tokens") or None,  # 0 means "not counted"
            completion_tokens=line.get("completion_tokens") or None,
        ),
        model=name if raw is not None else f"{name} (code only)",
    )


def _once(program: str) -> str:
    """The program without the functions and classes that a later one of the same name replaces."""
    try:
        tree = ast.parse(program)
    except (SyntaxError, ValueError):
        return program
    last = {node.name: node for node in tree.body if isinstance(node, _DEFINITIONS)}
    shadowed = [node for node in tree.body if isinstance(node, _DEFINITIONS) and last[node.name] is not node]
    lines = program.split("\n")
    for node in reversed(shadowed):
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        del lines[first - 1 : node.end_lineno]
    return "\n".join(lines)
