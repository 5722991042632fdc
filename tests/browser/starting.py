"""Where the machine's Chromium is, and how tests start it."""

from __future__ import annotations

import os
import shutil

import pytest

FLAGS = ["--no-sandbox", "--disable-gpu"]


def chromium() -> str:
    """Where the machine's Chromium is."""
    names = (os.environ.get("HEADRACE_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        pytest.fail(
            "no Chromium: install one (Debian: apt-get install chromium), name one by HEADRACE_CHROMIUM, or"
            ' leave these tests out (-m "not browser")'
        )
    return found
