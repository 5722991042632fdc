"""A typed door to numba: `@compiled` turns a function over numpy arrays into machine code.

A cache on disk keeps the result, so a machine pays for the compilation once, not at each start of a process.
What a function calls in other files counts as its source too (`compiled_sources.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar, cast

from numba import njit
from numba.core import config as numba_config
from numba.core.compiler_lock import global_compiler_lock

from model.compiled_bitcode import keep_packed
from model.compiled_cache import one_at_a_time
from model.compiled_elsewhere import ask_elsewhere
from model.compiled_sources import stamped

config: Any = numba_config
compiler_lock: Any = global_compiler_lock
F = TypeVar("F", bound=Callable[..., object])

one_at_a_time()
keep_packed()
ask_elsewhere()


def compiled_with(
    fastmath: bool | set[str] = False, error_model: Literal["python", "numpy"] = "python"
) -> Callable[[F], F]:
    """As `compiled`, with these options of numba's."""
    compile_it: Any = njit(cache=True, nogil=True, fastmath=fastmath, error_model=error_model)

    def made(function: F) -> F:
        return cast("F", stamped(compile_it(function)))

    return made


def compiled(function: F) -> F:
    """Compile on first call; releases the GIL. No fast-math: the same input gives the same bits."""
    return compiled_with()(function)


def compiled_side_by_side(function: F) -> F:
    """As `compiled`, and sums that stand side by side in memory are added up by one instruction.

    The bits are the same. numba leaves out this step of LLVM (SLP) since LLVM 14 got some code wrong with it.
    So a test must hold each such function to its plain Python, bit by bit.
    """
    dispatcher: Any = stamped(njit(cache=True, nogil=True)(function))
    compile_alone = dispatcher.compile

    def compile_with_slp(signature: object) -> object:
        with compiler_lock:  # what another thread compiles has nothing of it
            before, config.SLP_VECTORIZE = config.SLP_VECTORIZE, 1
            try:
                return compile_alone(signature)
            finally:
                config.SLP_VECTORIZE = before

    dispatcher.compile = compile_with_slp
    return cast("F", dispatcher)
