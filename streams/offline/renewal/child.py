"""Training in a process of its own: its end frees its memory, and the parent can stop it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

GRACE_S = 10.0


async def run_child(command: Sequence[str], stopped: asyncio.Event, keep_open: int) -> bool:
    """Run a command until it ends or `stopped` is set; returns whether it ended well. Its output is ours.

    `keep_open`: a file descriptor that the command inherits, so that a lock on it outlives this process.
    """
    process = await asyncio.create_subprocess_exec(*command, pass_fds=(keep_open,))
    ended, asked = asyncio.create_task(process.wait()), asyncio.create_task(stopped.wait())
    try:
        await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        asked.cancel()
        if process.returncode is None:
            process.terminate()
            await asyncio.wait({ended}, timeout=GRACE_S)
        if process.returncode is None:
            process.kill()
        await ended
    return process.returncode == 0
