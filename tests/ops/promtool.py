"""Prometheus' own checker, which Debian has in its package `prometheus`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROMTOOL = shutil.which("promtool")


def promtool(*arguments: str | Path) -> str:
    """What it says; a test fails where it finds fault. Skipped where it is not installed, but never in CI."""
    if PROMTOOL is None:
        assert not os.environ.get("CI"), "promtool is not installed: .ci/run installs the package prometheus"
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    result = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, timeout=120, check=False)
    said = result.stdout + result.stderr
    assert result.returncode == 0, said
    return said
