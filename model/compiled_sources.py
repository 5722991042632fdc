"""What a compiled function was made of: its file, those of all that it calls, the constants that it reads.

numba asks the function's own file alone whether its code in the cache is still true. After a change of what
it calls in another file, or of a constant from there, it would go on with the code from before.
"""

from __future__ import annotations

import hashlib
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache, wraps
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import numpy as np

LIBRARIES = {*sys.stdlib_module_names, "numba", "llvmlite", "numpy"}
"""Their sources are not looked at: numba's cache goes by its version, and by the processor."""

NAME = re.compile(r"[^\W\d]\w*")


def stamped(dispatcher: Any) -> Any:
    """The same compiled function; its code in the cache counts where all that it was made of is as it was."""
    cache = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
    if cache is None:  # nothing is compiled here (NUMBA_DISABLE_JIT), or nothing is cached
        return dispatcher
    compile_it, numbas_version = dispatcher.compile, cache._version

    @wraps(compile_it)
    def compile_stamped(signature: object) -> object:
        # Only now is all defined that the function calls.
        cache._source_stamp = stamp_of(dispatcher.py_func)
        # numba reads the version first, and the rest only where it is the same: what lies there may name a
        # class that is gone by now, and would not be read at all.
        cache._version = f"{numbas_version} {cache._source_stamp}"
        return compile_it(signature)

    dispatcher.compile = compile_stamped
    return dispatcher


def stamp_of(function: FunctionType) -> str:
    """A digest, the same as long as nothing changes that the code of a function depends on."""
    files, constants = {function.__code__.co_filename}, set()
    seen: set[int] = set()
    waiting: list[FunctionType] = [function]
    while waiting:
        reached = waiting.pop()
        if id(reached) in seen:
            continue
        seen.add(id(reached))
        files.add(reached.__code__.co_filename)
        for name, value in _read_by(reached):
            waiting += _functions(value)
            if (constant := _constant(value)) is not None:
                constants.add(f"{reached.__module__}.{name} = {constant}")
    said = hashlib.sha256()
    for file in sorted(files):
        said.update(_digest(file))
    for each in sorted(constants):
        said.update(each.encode())
    return said.hexdigest()


def _read_by(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Names from outside that a function reads, with what they are; those of its arguments' types too, since
    a field is compiled to its place.
    """
    for name in _names(function.__code__) | _said_in(function.__annotations__.values()):
        if name in function.__globals__:
            yield name, function.__globals__[name]
    yield from inspect.getclosurevars(function).nonlocals.items()


def _names(code: CodeType) -> set[str]:
    inner = [each for each in code.co_consts if isinstance(each, CodeType)]
    return set(code.co_names).union(*map(_names, inner))


def _said_in(annotations: Iterable[Any]) -> set[str]:
    """The names in annotations, be they text or not."""
    texts = (getattr(each, "__forward_arg__", getattr(each, "__name__", each)) for each in annotations)
    return {name for text in texts for name in NAME.findall(str(text))}


def _functions(value: Any) -> Iterator[FunctionType]:
    """What is called where a name stands for this: a function, compiled or not, one that writes LLVM's code
    itself, or the methods of a class.
    """
    value = getattr(value, "py_func", None) or getattr(value, "_defn", None) or value
    if str(getattr(value, "__module__", None)).split(".")[0] in LIBRARIES:
        return
    if isinstance(value, FunctionType):
        yield inspect.unwrap(value)
    elif isinstance(value, type):
        written = (each for each in vars(value).values() if isinstance(each, FunctionType))
        yield from (each for each in written if each.__module__ == value.__module__)  # not Python's own


def _constant(value: Any) -> str | None:
    """What is compiled in where a name stands for it; None for what is none, such as a module."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}"
    if isinstance(value, bool | int | float | str | bytes | np.generic):
        return repr(value)
    if isinstance(value, tuple | list):
        return repr([_constant(each) for each in value])
    if isinstance(value, type) and hasattr(value, "_fields"):
        return _layout(value)
    return None


def _layout(value: Any) -> str:
    """The name of a named tuple, and which field has which place, also in those that it holds."""
    there = vars(sys.modules[value.__module__])
    names = sorted(_said_in(vars(value).get("__annotations__", {}).values()))
    held = [there[name] for name in names if name in there]
    inner = [_layout(each) for each in held if isinstance(each, type) and hasattr(each, "_fields")]
    return f"{value.__module__}.{value.__qualname__} {value._fields} {inner}"


@cache
def _digest(file: str) -> bytes:
    """Of the file as it was when it was first asked for: that is what has been imported."""
    try:
        return hashlib.sha256(Path(file).read_bytes()).digest()
    except OSError:
        return file.encode()  # there is no such file, so none that changes
