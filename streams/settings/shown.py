"""The settings in force as rows that people may see: what differs from the defaults, and no secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from streams.settings.tree import Settings, written

MASK = "•••"
_AT_LAST = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)\S*@")
_SECRET_PARAMETER = re.compile(
    r"(?i)(?P<name>[?&;][^=&;#\s]*(?:pass|secret|token|key|auth)[^=&;#\s]*=)[^&;#\s]*"
)
_SECRET_NAME = re.compile(r"(?i)pass(word|wd|phrase)?$|secret|token$|credential|api_?key|private_?key|^auth$")
_MISSING = object()


class Row(NamedTuple):
    """One setting. `name`: with its sections, `redis.url`. `value`, `default`: as JSON, without secrets; the
    latter is "" where no default has it. `differs`: from the default, secrets included.
    """

    section: str
    name: str
    value: str
    default: str
    differs: bool


def shown(settings: Settings) -> list[Row]:
    """All settings, in the order of their sections."""
    now, defaults = dict(flat(written(settings))), dict(flat(written(Settings())))
    for name in ("kafka.prefix", "redis.prefix"):  # they follow the namespace where they are not set
        section, _, field = name.partition(".")
        now.setdefault(name, str(getattr(getattr(settings, section), field)))
        defaults.setdefault(name, str(getattr(getattr(Settings(), section), field)))
    order = {field.name: place for place, field in enumerate(msgspec.structs.fields(Settings))}
    names = sorted(now, key=lambda name: order[name.partition(".")[0]])
    return [_row(name, now[name], defaults.get(name, _MISSING)) for name in names]


def flat(tree: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Settings by their whole names; an empty table is a value.

    >>> list(flat({"feed": {"size": 5, "task_weights": {}}}))
    [('feed.size', 5), ('feed.task_weights', {})]
    """
    for name, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{before}{name}.")
        else:
            yield before + name, value


def masked(name: str, value: Any) -> Any:
    """The value without passwords: of URLs, of their parameters, and of whatever is named like a secret.

    >>> masked("redis.url", "rediss://ann:s3cret@store:6380/0?password=x&db=1")
    'rediss://•••@store:6380/0?password=•••&db=1'
    >>> masked("kafka.sasl_password", "s3cret"), masked("redis.url", "redis://store:6379/0?password=a@b")
    ('•••', 'redis://store:6379/0?password=•••')
    """
    if _SECRET_NAME.search(name.rpartition(".")[2]) and value not in ("", None, 0, False):
        return MASK
    if isinstance(value, str):
        # A password may hold an @: one of a parameter is hidden first, and the host begins behind the last @.
        hidden = _SECRET_PARAMETER.sub(rf"\g<name>{MASK}", value)
        return _AT_LAST.sub(rf"\g<scheme>{MASK}@", hidden)
    if isinstance(value, list | tuple):
        return [masked(name, each) for each in value]
    if isinstance(value, Mapping):
        return {key: masked(str(key), each) for key, each in value.items()}
    return value


def server_of(url: str) -> str:
    """What messages name a server by: its address, without who asks and their password.

    >>> server_of("redis://ann:s3cret@store:6379/0"), server_of("redis://store/0?password=a@b&db=1")
    ('store:6379/0', 'store/0?password=•••&db=1')
    """
    return str(masked("", url)).rpartition("@")[2].removeprefix("redis://")


def _row(name: str, value: Any, default: Any) -> Row:
    return Row(
        name.partition(".")[0],
        name,
        _text(masked(name, value)),
        "" if default is _MISSING else _text(masked(name, default)),
        default is _MISSING or value != default,
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) and value else msgspec.json.encode(value).decode()
