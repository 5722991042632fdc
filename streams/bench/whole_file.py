"""A file that another process waits for."""

from __future__ import annotations

from pathlib import Path


def write_whole(path: str, content: bytes) -> None:
    """Write the file whole or not at all."""
    partial = Path(f"{path}.partial")
    partial.write_bytes(content)
    partial.rename(path)
