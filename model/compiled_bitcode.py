"""LLVM's code of functions that numba loads from its cache, packed until somebody needs it.

A cached function is machine code to run, and LLVM's code of it, for functions that are compiled later and
call it. numba 0.68 reads the latter into objects of LLVM, .3 MB a function, which nothing asks for in a
process that has loaded all its functions.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import wraps
from typing import Any

import llvmlite.binding as llvm
from numba.core.codegen import CPUCodeLibrary

LOADED = "object"
"""What numba calls a library with machine code, in the cache."""
_PACKED = "_headrace_bitcode"


def keep_packed(library: Any = CPUCodeLibrary) -> None:
    """From now on, LLVM's code of what is loaded stays packed until it is needed."""
    library._unserialize = classmethod(_packing(library._unserialize.__func__))
    library._get_module_for_linking = _unpacking(library._get_module_for_linking)


def _packing(load: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(load)
    def loaded(cls: Any, codegen: Any, state: tuple[str, str, Any]) -> Any:
        library = load(cls, codegen, state)
        _, kind, data = state
        if kind == LOADED:
            _, bitcode = data
            setattr(library, _PACKED, zlib.compress(bitcode, level=1))
            library._shared_module = None
        return library

    return loaded


def _unpacking(ask: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(ask)
    def asked(self: Any) -> Any:
        packed = getattr(self, _PACKED, None)
        if packed is not None:
            setattr(self, _PACKED, None)
            self._shared_module = llvm.parse_bitcode(zlib.decompress(packed))
        return ask(self)

    return asked
