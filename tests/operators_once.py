"""torch reads the sources of its 500 ONNX operators for each graph it exports; in tests, once a process."""

from __future__ import annotations

from contextlib import suppress
from functools import cache, wraps
from typing import Any

import torch.onnx


def read_operators_once() -> None:
    """A fifth of the CPU of an export is gone; the files are the same.

    This goes by a private name of torch. Without it, exports take as long as before.
    """
    torch.onnx.export = _after(torch.onnx.export, _remember)


@cache
def _remember() -> None:
    # Imported with the first export: it takes seconds, and many processes make none.
    with suppress(ImportError, AttributeError):
        from torch.onnx._internal.exporter._registration import ONNXRegistry

        registry: Any = ONNXRegistry
        registry.from_torchlib = staticmethod(cache(registry.from_torchlib))


def _after(call: Any, first: Any) -> Any:
    @wraps(call)
    def called(*arguments: Any, **options: Any) -> Any:
        first()
        return call(*arguments, **options)

    return called
