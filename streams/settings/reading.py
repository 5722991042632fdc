"""Settings as they are read: defaults, then a TOML file, then `HEADRACE_SECTION__NAME` variables.

They are checked once, at the edge: an unknown name or a value of the wrong type or out of range is a
`SettingsError` that names it.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from model.errors import SettingsError
from streams.experiments.declared.refusal import DeclarationError
from streams.settings.experiments import (
    check_metrics,
    check_stages,
    located,
    read_experiments,
)
from streams.settings.stages import StageSettings, merge
from streams.settings.tree import DEFAULT_ARM, Settings, written
from streams.state.action_meaning import built_in

_BOOLEANS = {"true", "false", "1", "0"}

# HEADRACE_CACHE: where this user keeps downloads and what can be made anew (model/cache_folder.py).
# HEADRACE_TRACED: where the graphs among it are kept, if elsewhere (export/traced.py).
NOT_SETTINGS = {"HEADRACE_CACHE", "HEADRACE_TRACED"}


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a TOML file (or none), overridden by the environment.

    >>> load(None, {"HEADRACE_KAFKA__PARTITIONS": "8"}).kafka.partitions
    8
    >>> load(None, {"HEADRACE_MODEL__PROVIDERS": "cuda,cpu"}).model.providers
    ('cuda', 'cpu')
    >>> load(None, {"HEADRACE_KAFKA__BOOTSTRAP": "one:9092,two:9092"}).kafka.bootstrap
    'one:9092,two:9092'
    >>> load(None, {"HEADRACE_FEED__REPEAT": "view,cart"}).feed.repeat
    ('view', 'cart')
    >>> load(None, {"HEADRACE_FEED__REPEAT": "true"}).feed.repeat
    True
    >>> arm = {"HEADRACE_ARMS__BOLD__STAGES__CANDIDATES__SOURCES": "fresh,popular"}
    >>> load(None, arm).stages_of("bold").candidates.sources
    ('fresh', 'popular')
    >>> load(None, {"HEADRACE_ARMS": '{"calm": {"model": "second"}}'}).arms["calm"].model
    'second'
    >>> load(None, {"HEADRACE_KAFKA__PARTS": "8"})
    Traceback (most recent call last):
    model.errors.SettingsError: settings: Object contains unknown field `parts` - at `$.kafka`
    """
    tree: dict[str, Any] = {}
    text = ""
    meanings: dict[str, Any] = msgspec.to_builtins(built_in())
    if path is not None:
        tree, text = toml_file(path, f"settings file {path}")
    # Whole tables come before their entries.
    for name, value in sorted(environ.items()):
        if name.startswith("HEADRACE_") and name not in NOT_SETTINGS:
            _override(tree, name.removeprefix("HEADRACE_").lower().split("__"), value, name)
    counters = tree.get("counters")
    if isinstance(counters, dict) and "action_weight" in counters:
        raise SettingsError("counters.action_weight is no more: say actions.NAME.counts for each action")
    if isinstance(actions := tree.get("actions", {}), dict):  # only the named values of built-in ones change
        merge(meanings, actions)
        tree["actions"] = meanings
    return _checked(tree, text)


def toml_file(path: Path, named: str) -> tuple[dict[str, Any], str]:
    """What a TOML file says, and its text; `SettingsError`, which begins with `named`, where it can't be
    read.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return tomllib.loads(text), text
    except OSError as error:
        raise SettingsError(f"{named}: {error.strerror}; pass a TOML file that exists") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{named} is not TOML: {error}") from None


def override(settings: Settings, tree: Mapping[str, Any]) -> Settings:
    """The settings with those of `tree`, sections in sections; raises `SettingsError`.

    >>> override(Settings(), {"feed": {"size": 5}}).feed.size
    5
    """
    merged = written(settings)
    merge(merged, tree)
    return _checked(merged)


def _checked(tree: dict[str, Any], text: str = "") -> Settings:
    """A tree as settings, each arm with its overrides. `text`: the file that says what there is to say of
    experiments.
    """
    if "experiments" in tree:
        read_experiments(tree["experiments"], text)
    try:
        settings = msgspec.convert(tree, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"settings: {error}") from None
    if DEFAULT_ARM in settings.arms:
        raise SettingsError(
            f"settings: arms.{DEFAULT_ARM} can't be declared: it is what the sections candidates, rescoring,"
            " reweighting and feed say; change them, or give the arm another name"
        )
    for name in settings.arms:
        settings.stages_of(name)
    try:
        for name, experiment in settings.experiments.items():
            check_stages(settings, name, experiment)
            check_metrics(name, experiment, settings.known_metrics)
    except DeclarationError as error:
        raise located(error, text) from None
    return settings


def _override(tree: dict[str, Any], path: list[str], value: str, name: str) -> None:
    """Put `value` at `path`; tuples are written with commas, but for true or false where it may be either;
    tables as JSON.
    """
    for part in path[:-1]:
        branch = tree.setdefault(part, {})
        if not isinstance(branch, dict):
            raise SettingsError(f"{name}: {part!r} is a value in the settings file, not a section")
        tree = branch
    kinds = _kinds(path)
    if kinds & {dict, StageSettings}:
        tree[path[-1]] = _table(value, name)
        return
    alone = tuple not in kinds or (bool in kinds and value.lower() in _BOOLEANS)
    tree[path[-1]] = value if alone else [part for part in value.split(",") if part]


def _table(value: str, name: str) -> Any:
    try:
        return msgspec.json.decode(value, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise SettingsError(
            f'{name}: expected a table as JSON, such as {{"name": 1}}, or a variable for each entry'
            f" ({name}__NAME): {error}"
        ) from None


def _kinds(path: list[str]) -> set[Any]:
    """The types that the setting at `path` may have; unknown settings are refused later, with their names."""
    kind: Any = Settings
    for part in path:
        if get_origin(kind) is dict:
            kind = get_args(kind)[1]
        else:
            kind = get_type_hints(kind).get(part) if isinstance(kind, type) else None
            kind = StageSettings if (part, kind) == ("stages", dict[str, Any]) else kind  # as it is checked
    return {get_origin(each) or each for each in (get_args(kind) if isinstance(kind, UnionType) else (kind,))}
