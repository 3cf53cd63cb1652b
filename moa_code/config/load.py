"""Merging the sources, least to most trusted to say what is meant: defaults, user, repository, environment, flags."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from moa_code.config.keys import KEYS, Key, Trust
from moa_code.config.sections import Budget, Config, Models, Sandbox, Strategy, Verify, unknown_key
from moa_code.core.box import Limits
from moa_code.core.errors import ConfigError
from moa_code.core.task import EditRules

ENVIRONMENT_PREFIX = "MOA_CODE_"
NOT_SETTINGS = frozenset(
    {
        "MOA_CODE_DATA",  # where data sets lie; read by the commands that need one
        "MOA_CODE_ENGINE_STATE",  # where set-up notes that it started the engine
    }
)
MAX_FILE_BYTES = 1 << 20
_ADDRESS = re.compile(r"@(?!\d(?:\.\d+)?(?:~\d+)?(?:['\",\]\s]|\Z))")  # what follows an @ and is no seat's temperature


def user_config_path(environment: Mapping[str, str]) -> Path:
    """Where the user's file is looked for. Raises `ConfigError` when neither XDG_CONFIG_HOME nor HOME is set."""
    return _home(environment, "XDG_CONFIG_HOME", ".config") / "moa-code" / "config.toml"


def journal_path(environment: Mapping[str, str]) -> Path:
    """Where the journal is kept unless told otherwise. Raises `ConfigError` as `user_config_path` does."""
    return _home(environment, "XDG_STATE_HOME", ".local/state") / "moa-code" / "journal.sqlite"


def load_config(
    *,
    environment: Mapping[str, str],
    repository: Path | None = None,
    user_file: Path | None = None,
    flags: Mapping[str, object] | None = None,
) -> Config:
    """The settings of one invocation.

    `user_file` None: where XDG says; a file that was named must be there. `repository`: the folder whose `moa.toml` or
    `[tool.moa-code]` is read. `flags` maps dotted keys to values; None is a flag that was not given. Raises
    `ConfigError` naming key, value, what was expected and where it stands.
    """
    values: dict[str, object] = {key: spec.default for key, spec in KEYS.items()}
    origins = dict.fromkeys(KEYS, "default")
    if user_file is not None and not user_file.is_file():
        raise ConfigError(f"no such configuration file: {user_file}", remedy="moa-code config show --origin")
    ours = user_file or user_config_path(environment)
    if ours.is_file():
        _merge(values, origins, _flat(_read(ours), str(ours)), str(ours))
    if repository is not None:
        table, origin = _repository_table(repository)
        _merge(values, origins, _flat(table, origin), origin, repository=True)
    _merge_environment(values, origins, environment)
    for key, raw in (flags or {}).items():
        if raw is not None:
            _merge(values, origins, {key: raw}, "flag")
    if not values["journal"]:
        values["journal"] = journal_path(environment)
    elif str(values["journal"]).startswith("~/"):
        values["journal"] = _home(environment, "", "") / str(values["journal"])[2:]
    return _built(values, origins)


def _built(values: Mapping[str, Any], origins: Mapping[str, str]) -> Config:
    def section(name: str) -> dict[str, Any]:
        return {key.partition(".")[2]: value for key, value in values.items() if key.startswith(f"{name}.")}

    return Config(
        models=Models(**section("models")),
        strategy=Strategy(**section("strategy")),
        budget=Budget(**section("budget")),
        limits=Limits(**section("limits")),
        sandbox=Sandbox(**section("sandbox")),
        verify=Verify(**section("verify")),
        edits=EditRules(**section("edits")),
        journal=Path(values["journal"]),
        seed=values["seed"],
        origins=origins,
    )


def _merge(
    values: dict[str, object],
    origins: dict[str, str],
    raw: Mapping[str, object],
    origin: str,
    *,
    repository: bool = False,
) -> None:
    for key, given in raw.items():
        spec = KEYS.get(key)
        if spec is None:
            raise unknown_key(key, KEYS, origin)
        if repository and spec.trust is Trust.NOTHING:
            raise ConfigError(
                f"{origin}: {key} {spec.trust.value}",
                remedy="put it into your own configuration file, or give it as a flag",
            )
        try:
            value = spec.parse(given)
        except (ValueError, TypeError, KeyError) as wrong:
            raise ConfigError(f"{origin}: {key} = {given!r}: expected {spec.expects}") from wrong
        if repository and key.startswith("models.") and _ADDRESS.search(str(given)):
            raise ConfigError(
                f"{origin}: {key} = {given!r}: a repository may name models, not the addresses they are asked at",
                remedy="put the endpoint into your own configuration file, or give it as a flag",
            )
        if repository:
            value = _within(spec, key, values[key], value, origin)
        values[key] = {**old, **value} if isinstance(old := values[key], dict) else value
        origins[key] = origin


def _within(spec: Key, key: str, ours: Any, theirs: Any, origin: str) -> object:
    """The repository's value where it may have it. Raises `ConfigError` where it would loosen ours."""
    match spec.trust:
        case Trust.SET:
            return theirs
        case Trust.ADD:
            return tuple(dict.fromkeys((*ours, *theirs)))
        case Trust.LOWER:
            fits = ours is None or (theirs is not None and theirs <= ours)
        case Trust.RAISE:
            fits = theirs >= ours
        case Trust.NARROW:
            fits = all(any(_covers(outer, inner) for outer in ours) for inner in theirs)
        case Trust.NOTHING:
            fits = False
    if not fits:
        raise ConfigError(
            f"{origin}: {key} = {theirs!r} {spec.trust.value}; it is {ours!r} here",
            remedy="change it in your own configuration file, or give it as a flag",
        )
    return theirs


def _covers(outer: str, inner: str) -> bool:
    """Whether all that the glob `inner` matches is certainly matched by `outer`."""
    return outer in ("**", inner) or (outer.endswith("/**") and inner.startswith(outer[:-2]) and "*" not in outer[:-2])


def _merge_environment(values: dict[str, object], origins: dict[str, str], environment: Mapping[str, str]) -> None:
    names = {ENVIRONMENT_PREFIX + key.replace(".", "_").upper(): key for key in KEYS}
    for name in sorted(environment):
        if name.startswith(ENVIRONMENT_PREFIX) and name not in NOT_SETTINGS:
            if name not in names:
                near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
                raise ConfigError(
                    f"unknown environment variable {name}" + (f"; nearest: {', '.join(near)}" if near else ""),
                    remedy=f"unset {name}",
                )
            _merge(values, origins, {names[name]: environment[name]}, name)


def _repository_table(repository: Path) -> tuple[Mapping[str, object], str]:
    own, project = repository / "moa.toml", repository / "pyproject.toml"
    tool = _read(project).get("tool", {}) if project.is_file() else {}
    table = tool.get("moa-code", {}) if isinstance(tool, Mapping) else {}
    origin = f"{project} [tool.moa-code]"
    if not isinstance(table, Mapping):
        raise ConfigError(f"{origin}: a table expected, got {table!r}")
    if own.is_file():
        if table:
            raise ConfigError(f"both {own} and {origin} configure moa-code", remedy=f"keep {own.name} alone")
        return _read(own), str(own)
    return table, origin


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(f"{path} is larger than {MAX_FILE_BYTES} bytes, which no configuration is")
        return tomllib.loads(path.read_bytes().decode("utf-8"))
    except OSError as refused:
        raise ConfigError(f"cannot read {path}: {refused.strerror}") from refused
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as broken:
        raise ConfigError(f"{path} is not valid TOML: {broken}") from broken


def _flat(table: Mapping[str, object], origin: str) -> dict[str, object]:
    """Dotted keys of a file. A section that is no table, or a table that is no section, is an error of its key."""
    sections = {key.partition(".")[0] for key in KEYS if "." in key}
    flat: dict[str, object] = {}
    for name, value in table.items():
        if name not in sections:
            flat[name] = value
        elif isinstance(value, Mapping):
            flat |= {f"{name}.{key}": item for key, item in value.items()}
        else:
            raise ConfigError(f"{origin}: {name} = {value!r}: expected a table [{name}]")
    return flat


def _home(environment: Mapping[str, str], variable: str, below: str) -> Path:
    base = environment.get(variable, "")
    if base.startswith("/"):  # the XDG specification: a relative path is to be ignored
        return Path(base)
    if not environment.get("HOME"):
        raise ConfigError("HOME is not set", remedy="export HOME=…, or name the files: --config FILE --journal FILE")
    return Path(environment["HOME"]) / below
