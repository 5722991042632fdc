"""The GPUs of this machine, as NVIDIA's tool says."""

from __future__ import annotations

import shutil
import subprocess

QUERY = ("--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")


def gpus() -> list[str]:
    """Name, memory and driver of each NVIDIA GPU; none without `nvidia-smi`."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    answer = subprocess.run([program, *QUERY], capture_output=True, text=True, check=False, timeout=60)
    return answer.stdout.strip().splitlines() if answer.returncode == 0 else []
