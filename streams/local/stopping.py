"""Ctrl-C and SIGTERM as a request to stop, not as an exception in the middle of something."""

from __future__ import annotations

import asyncio
import signal
import sys
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def terminate_as_exit() -> None:
    """Make SIGTERM leave `with` blocks as Ctrl-C does; by default it ends the process at once."""
    signal.signal(signal.SIGTERM, _exit)


def stop_event() -> asyncio.Event:
    """An event that either signal sets; for the running loop."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, asked.set)
    return asked


def _exit(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)
