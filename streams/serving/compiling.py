"""The first start on a machine compiles, in a child process: this one only loads what that has made.

What LLVM compiles stays with its process until it ends (`model.compiled_elsewhere`), so a worker that
compiled by itself held 240 to 470 MiB more than after its next start.
"""

from __future__ import annotations

import fcntl
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import msgspec
from numba.core.caching import FunctionCache

from model.compiled_elsewhere import Look, compiled_elsewhere
from streams.serving.warm_up import warm_up
from streams.settings.tree import Settings, written

log = logging.getLogger(__name__)

WITHIN_S = 600.0
"""So long a start waits for the child, or for the child of another process."""
LOOK_EVERY_S = 0.2
LOCK = "headrace-compiling.lock"


def load_compiled(settings: Settings, on_request: bool = False) -> None:
    """Load all compiled code that serving needs (`warm_up`). Where the cache lacks some, or it is of another
    build or processor, a child compiles it first.
    """
    with compiled_by_child(settings, on_request):
        warm_up(settings, on_request)


@contextmanager
def compiled_by_child(settings: Settings, on_request: bool = False) -> Iterator[None]:
    """For as long as the block lasts, the first function that the cache lacks has a child compile all that
    `warm_up` needs.
    """
    with compiled_elsewhere(CompilingChild(settings, on_request)):
        yield


class CompilingChild:
    """Runs once at most. Of processes that share a cache, one has its child compile, and the others wait.

    Where it fails, takes longer than `within_s`, or the cache can't be written, this process compiles itself.
    """

    def __init__(self, settings: Settings, on_request: bool = False, within_s: float = WITHIN_S) -> None:
        self._settings, self._on_request, self._within_s = settings, on_request, within_s
        self._over = False

    def __call__(self, look: Look) -> Any:
        if self._over:
            return None
        began_s = time.monotonic()
        try:
            folder = cache_folder()
            lock = (folder / LOCK).open("a")
        except (OSError, RuntimeError) as error:  # the latter where numba finds no folder at all
            log.info("numba's cache can't be written, so this process compiles: %s", error)
            self._over = True
            return None
        with lock:
            waited = _wait_for(lock, began_s + self._within_s)
            if waited and (found := look()) is not None:  # another process has had it compiled meanwhile
                return found
            self._over = True
            left_s = began_s + self._within_s - time.monotonic()
            if left_s <= 0:
                log.warning("another process still compiles after %.0f s: this one begins", self._within_s)
                return None
            log.info("compiled code is missing in %s: a child process compiles it, once on a machine", folder)
            trouble = _run(self._settings, self._on_request, left_s)
            took_s = time.monotonic() - began_s
            if trouble:
                log.warning(
                    "the child that compiles %s after %.0f s: what is missing is compiled in this process",
                    trouble,
                    took_s,
                )
            else:
                log.info("compiled in %.0f s", took_s)
        return look()


def cache_folder() -> Path:
    """Where numba keeps the code of the functions of this folder; raises `RuntimeError` where nowhere."""
    cache: Any = FunctionCache
    return Path(cache(cache_folder).cache_path)


def _wait_for(lock: IO[str], until_s: float) -> bool:
    """Whether another process had it; returns when it is ours, or at `until_s`."""
    waited = False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if not waited:
                log.info("another process compiles: this one waits for it, and loads")
            waited = True
            if time.monotonic() > until_s:
                return True
            time.sleep(LOOK_EVERY_S)
        else:
            return waited


def _run(settings: Settings, on_request: bool, within_s: float) -> str:
    """Have a child compile; what went wrong, "" for nothing.

    It ends when the pipe to it closes: so it never outlives this process, however that ends.
    """
    command = [sys.executable, "-P", "-m", "streams.serving.compiling_child"]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(each or os.curdir for each in sys.path)}
    asked = msgspec.json.encode((written(settings), on_request))
    with tempfile.TemporaryFile() as errors:
        try:
            child = subprocess.Popen(
                command,
                env=environ,
                stdin=subprocess.PIPE,
                stdout=errors,
                stderr=errors,
                start_new_session=True,
            )
        except OSError as error:
            return f"could not be started ({error})"
        assert child.stdin is not None
        try:
            with suppress(BrokenPipeError):  # it has ended already: its exit code says more
                child.stdin.write(asked + b"\n")
                child.stdin.flush()
            code = child.wait(within_s)
        except subprocess.TimeoutExpired:
            return "was not done, and was killed"
        finally:
            child.kill()
            child.wait()
            with suppress(BrokenPipeError):
                child.stdin.close()
        if not code:
            return ""
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip().splitlines() or ["it said nothing"]
        return f"was killed by signal {-code}" if code < 0 else f"failed ({said[-1]})"
