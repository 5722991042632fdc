"""The state of an object of river's as plain data, and back.

Its state is found by walking through its attributes: numbers, texts, dictionaries, vectors and further
objects of river's. It is put into an object that was made anew in the same way, attribute by attribute, so
nothing that is read can name a class or a function. What changes its shape as it learns (a tree, an ensemble)
has no such place to be put into, and is refused.
"""

from __future__ import annotations

import inspect
from typing import Any

PLAIN = (bool, int, float, str, type(None))
DEPTH_MAX = 12
_OBJECT, _DICT, _VECTOR, _LIST = "object", "dict", "vector", "list"


def state_of(value: Any, where: str = "", depth: int = 0) -> Any:
    """Numbers, texts, and lists and dictionaries of them; `TypeError` for what is no data, and where it is.

    >>> state_of({"a": 1.5})
    {'dict': [['a', 1.5]]}
    """
    if isinstance(value, PLAIN):
        return value
    if depth > DEPTH_MAX:
        raise TypeError(f"{where} is nested too deeply")
    if isinstance(value, dict):
        pairs = [[key, state_of(each, f"{where}[{key!r}]", depth + 1)] for key, each in value.items()]
        if not all(isinstance(key, PLAIN) for key in value):
            raise TypeError(f"{where} has keys that are no data")
        return {_DICT: pairs}
    if hasattr(value, "to_dict") and hasattr(value, "items"):
        return {_VECTOR: [[key, float(each)] for key, each in value.items()]}
    if isinstance(value, list | tuple):
        return {_LIST: [state_of(each, where, depth + 1) for each in value]}
    if type(value).__module__.split(".")[0] == "river" and hasattr(value, "__dict__"):
        return {
            _OBJECT: {
                name: state_of(each, f"{where}.{name}", depth + 1)
                for name, each in vars(value).items()
                if not inspect.isroutine(each)
            }
        }
    raise TypeError(f"{where} is a {type(value).__name__}")


def put_state(fresh: Any, state: Any) -> Any:
    """What `fresh`, which was made in the same way, is in that state. Raises `TypeError`, `ValueError` or
    `LookupError` where the state does not fit it.
    """
    if not isinstance(state, dict):
        if not isinstance(fresh, PLAIN) or not isinstance(state, PLAIN):
            raise ValueError(f"a {type(fresh).__name__} is not {state!r}")
        return state
    ((kind, data),) = state.items()
    if kind == _OBJECT and not isinstance(fresh, PLAIN):
        for name, each in data.items():
            setattr(fresh, name, put_state(vars(fresh)[name], each))
    elif kind == _DICT and isinstance(fresh, dict):
        for key, each in data:
            fresh[key] = put_state(_place(fresh, key, each), each)
    elif kind == _VECTOR and hasattr(fresh, "to_dict"):
        for key, each in data:
            fresh[key] = float(each)
    elif kind == _LIST and isinstance(fresh, list | tuple) and len(fresh) == len(data):
        return type(fresh)(put_state(old, each) for old, each in zip(fresh, data, strict=True))
    else:
        raise ValueError(f"a {type(fresh).__name__} has no state of kind {kind!r}")
    return fresh


def _place(fresh: dict[Any, Any], key: Any, state: Any) -> Any:
    """What a dictionary has under a key before it is put: a new one of its own making, or nothing."""
    if key in fresh or hasattr(fresh, "default_factory"):
        return fresh[key]
    if isinstance(state, dict):
        raise LookupError(f"nothing says what belongs under {key!r}")
    return None
