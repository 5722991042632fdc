"""Settings as environment variables: a child process gets exactly the settings of its parent."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from streams.settings.reading import NOT_SETTINGS
from streams.settings.tree import Settings


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
    return kept | {f"HEADRACE_{name}": value for name, value in _leaves((), msgspec.to_builtins(settings))}


def _leaves(path: tuple[str, ...], value: Any) -> Iterator[tuple[str, str]]:
    """A name and a text for each leaf; a tuple has commas; a leaf without a value is left out."""
    if isinstance(value, dict):
        for part, branch in value.items():
            yield from _leaves((*path, part.upper()), branch)
    elif isinstance(value, list | tuple):
        yield "__".join(path), ",".join(map(str, value))
    elif value is not None:
        yield "__".join(path), str(value)
