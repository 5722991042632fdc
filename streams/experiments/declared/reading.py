"""A declaration as it is read from TOML or JSON, key by key, so that what is wrong has its place."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

import msgspec

from streams.experiments.declared.checks import check
from streams.experiments.declared.experiment import NAME, ExperimentSettings, Name
from streams.experiments.declared.refusal import DeclarationError, Path, unknown

NAMED = "a name of at most 32 letters (a to z), digits, - and _, that begins with a letter or a digit"
RESERVED = {"audit", "default"}
"""Names that routes and slates have for something else."""


def read_experiment(name: str, raw: object, root: Path = ("experiments",)) -> ExperimentSettings:
    """The experiment that the table `raw` declares under `name`; raises `DeclarationError`."""
    path = (*root, name)
    if not re.match(NAME, name) or len(name) > 32 or name in RESERVED:
        raise DeclarationError(
            path,
            NAMED,
            repr(name),
            f"give it another name ({', '.join(sorted(RESERVED))} are taken)",
        )
    _check_finite(raw, path)
    experiment: ExperimentSettings = _read(ExperimentSettings, raw, path)
    check(name, experiment, path)
    return experiment


def _read(kind: Any, raw: object, path: Path) -> Any:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _struct(kind, raw, path)
    origin, inner = get_origin(kind), get_args(kind)
    if origin is dict:
        names, values = inner
        return {
            _value(names, key, (*path, str(key))): _read(values, value, (*path, str(key)))
            for key, value in _table(raw, path).items()
        }
    if origin is tuple and isinstance(inner[0], type) and isinstance(raw, list | tuple):
        return tuple(_read(inner[0], value, (*path, str(at))) for at, value in enumerate(raw))
    return _value(kind, raw, path)


def _struct(kind: type[msgspec.Struct], raw: object, path: Path) -> msgspec.Struct:
    table = _table(raw, path)
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    for name in table:
        if name not in fields:
            raise unknown((*path, name), name, fields)
    for name, field in fields.items():
        if field.required and name not in table:
            raise DeclarationError((*path, name), "a value", "none", f"say {name} = ...")
    return kind(**{name: _read(fields[name].type, value, (*path, name)) for name, value in table.items()})


def _table(raw: object, path: Path) -> Mapping[str, Any]:
    if isinstance(raw, Mapping):
        return raw
    raise DeclarationError(path, "a table", repr(raw), f"write it as [{'.'.join(path)}] with keys under it")


def _value(kind: Any, raw: object, path: Path) -> Any:
    try:
        return msgspec.convert(raw, kind, strict=False)
    except msgspec.ValidationError as error:
        said, _, place = str(error).partition(" - at `$")
        came = repr(raw)[:200]
        if kind == Name and path[-1] == raw:
            raise DeclarationError(path, NAMED, came, "give it another name") from None
        expected = _expected(said, kind) + (f" in {place.rstrip('`')}" if place.strip("`") else "")
        raise DeclarationError(path, expected, came, f"correct {path[-1]}") from None


def _expected(said: str, kind: Any) -> str:
    """What a `ValidationError` that says `said` expected of a value of this kind."""
    if choices := next(
        (get_args(each) for each in (kind, *get_args(kind)) if get_origin(each) is Literal), ()
    ):
        return f"one of {', '.join(map(repr, choices))}"
    if "datetime" in said or "timezone" in said:
        return "a time with its zone, such as 2026-11-29T12:00:00Z"
    return said.removeprefix("Expected ").partition(", got ")[0]


def _check_finite(raw: object, path: Path) -> None:
    if isinstance(raw, Mapping):
        for name, value in raw.items():
            _check_finite(value, (*path, str(name)))
    elif isinstance(raw, list | tuple):
        for at, value in enumerate(raw):
            _check_finite(value, (*path, str(at)))
    elif isinstance(raw, float) and not math.isfinite(raw):
        raise DeclarationError(path, "a finite number", repr(raw), f"correct {path[-1]}")
