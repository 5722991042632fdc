"""One thread for linear algebra, in each process that serves or evaluates.

The matrices of a slate are small. A second thread of OpenBLAS, OpenMP or MKL gains nothing on them: it spins
while it waits for the next one, and costs a core. A deployment uses more cores by more workers. ONNX
Runtime's threads are a setting of their own (`model.threads`).

These libraries read their variables when they are loaded, and never again. So this comes before the first
import of numpy, in the process itself, and wins over what the environment says.
"""

from __future__ import annotations

import os

OF_NUMPY = ("OPENBLAS_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
OF_TORCH = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Numpy may use these too; whoever trains keeps them as they are."""


def one_thread(trains: bool) -> None:
    """Have numpy compute in one thread, and torch too, unless this process `trains`."""
    for name in OF_NUMPY if trains else (*OF_NUMPY, *OF_TORCH):
        os.environ[name] = "1"
