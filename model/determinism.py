"""The same sums in the same order, run after run, where several threads make them.

Where two threads add gradients into one row (an indexed table's backward pass), the order of the additions
differs from run to run, and so do the last digits of the weights. torch has other ways, a little slower.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

WORKSPACE = ("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
"""Without a workspace of fixed size cuBLAS adds up in any order; read when the first product is made."""


@contextmanager
def deterministic(device: str) -> Iterator[None]:
    """torch's deterministic algorithms within; as they were, afterwards.

    On the CPU an operation that has none raises; on a GPU it warns, for some kernels have no other way. A
    result is that of one number of threads: with another, sums are cut elsewhere.
    """
    if torch.device(device).type != "cpu":
        os.environ.setdefault(*WORKSPACE)
    before, warned = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    torch.use_deterministic_algorithms(True, warn_only=torch.device(device).type != "cpu")
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warned)
