"""Two demos that begin at once train one model: the first trains, the second waits and serves the same."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.offline.training.dataset_texts import Say

LOCK = ".training"


@contextmanager
def one_trains(folder: Path, say: Say) -> Iterator[None]:
    """Hold the folder of models while one is trained; wait, and say so, where another process does.

    The system frees the lock when the process ends, in any way: the next one then finds no model, and trains.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another demo, which trains the model", 0, 1)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
