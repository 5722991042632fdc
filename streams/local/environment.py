"""Settings as environment variables: a child process gets exactly the settings of its parent."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, get_type_hints

import msgspec

from streams.settings.reading import NOT_SETTINGS
from streams.settings.tree import Settings, written


def environment(settings: Settings, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """`environ` without its own Headrace settings, and with all of `settings`.

    >>> environment(Settings(), {"PATH": "/bin", "HEADRACE_SEED": "8"})["HEADRACE_SEED"]
    '7'
    """
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith("HEADRACE_") or name in NOT_SETTINGS
    }
    return kept | {f"HEADRACE_{name}": value for name, value in _leaves(Settings, written(settings))}


def _leaves(kind: Any, tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """A name and a text for each setting of a section; tables are written as JSON, tuples with commas, and
    nothing for what has no value.
    """
    kinds = get_type_hints(kind)
    for name, value in tree.items():
        at = (*path, name.upper())
        if isinstance(value, dict) and isinstance(kinds[name], type):
            yield from _leaves(kinds[name], value, at)
        elif isinstance(value, dict):
            yield "__".join(at), msgspec.json.encode(value).decode()
        elif isinstance(value, list | tuple):
            yield "__".join(at), ",".join(map(str, value))
        elif value is not None:
            yield "__".join(at), str(value)
