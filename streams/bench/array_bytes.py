"""What an object's arrays take, by where they hang."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

DEEPEST = 7
MOST_PARTS = 64  # of a list or table that is looked into


def array_bytes(whole: object, name: str) -> dict[str, int]:
    """Bytes of the arrays that hang on `whole`, by their path, the largest first; each memory counts once.

    >>> from types import SimpleNamespace
    >>> array_bytes(SimpleNamespace(a=np.zeros(4), part=SimpleNamespace(b=np.zeros(9, np.int8))), "x")
    {'x.a': 32, 'x.part.b': 9}
    """
    found: dict[int, tuple[str, int]] = {}
    for path, array in _arrays(whole, name, 0, set()):
        base = array
        while isinstance(base.base, np.ndarray):
            base = base.base
        if base.nbytes > found.get(id(base), ("", -1))[1]:
            found.setdefault(id(base), (path, base.nbytes))
    return dict(sorted(found.values(), key=lambda each: -each[1]))


def _arrays(part: object, path: str, depth: int, seen: set[int]) -> Iterator[tuple[str, NDArray[Any]]]:
    if isinstance(part, np.ndarray):
        yield path, part
        return
    if depth == DEEPEST or id(part) in seen:
        return
    seen.add(id(part))
    for name, each in _parts(part):
        yield from _arrays(each, f"{path}{name}", depth + 1, seen)


def _parts(part: object) -> Iterator[tuple[str, object]]:
    if hasattr(part, "_fields"):
        yield from ((f".{name}", getattr(part, name)) for name in part._fields)
    elif isinstance(part, list | tuple) and len(part) <= MOST_PARTS:
        yield from ((f"[{n}]", each) for n, each in enumerate(part))
    elif isinstance(part, Mapping) and len(part) <= MOST_PARTS:
        yield from ((f"[{name}]", each) for name, each in part.items())
    elif hasattr(part, "__dict__"):
        yield from ((f".{name}", each) for name, each in vars(part).items())
