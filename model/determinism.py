"""The same sums in the same order, run after run, with several threads.

If two threads add gradients into one row (in the backward pass of an indexed table), the order of the
additions differs from run to run, and so do the last digits of the weights. torch has other algorithms, a
little slower.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

WORKSPACE = ("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
"""Without a workspace of fixed size cuBLAS adds in any order; it reads this at the first product."""


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread in the block, and the former number afterwards: small products are faster on one, and give
    the same sums whatever the number of threads was.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def deterministic(device: str) -> Iterator[None]:
    """Use torch's deterministic algorithms in the block, and the former ones afterwards.

    An operation without a deterministic algorithm raises on the CPU, and warns on a GPU, where some kernels
    have none. Another number of threads gives another result: it cuts the sums at other places.
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
