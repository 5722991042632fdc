"""The child of `streams.serving.compiling`: it fills numba's cache, and ends.

Its input is a line with what to warm up. It ends as well when its input does: its parent is gone then.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

import msgspec

from streams.serving.warm_up import warm_up
from streams.settings.reading import override
from streams.settings.tree import Settings


def main() -> None:
    line = sys.stdin.buffer.readline()
    tree, on_request = msgspec.json.decode(line, type=tuple[dict[str, Any], bool])
    threading.Thread(target=_end_with_parent, daemon=True).start()
    warm_up(override(Settings(), tree), on_request)


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)  # not through the buffer: its lock would be held when the process ends
    os._exit(1)


if __name__ == "__main__":
    main()
