"""Child processes that end for certain.

A child leads its own session, so that Ctrl-C in the terminal reaches only the parent, which then stops its
children in order. `terminate` ends the child and all processes that it has started. If the parent dies
suddenly (SIGKILL, a crash), Linux kills the child too (PR_SET_PDEATHSIG); on other systems the child lives
on.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

# A Python of its own makes the request between fork and exec: `preexec_fn` may deadlock in a process with
# threads. The second line notices a parent that died before the request.
_EXEC_TIED_TO_PARENT = """\
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]): sys.exit("the parent is gone")
os.execvp(sys.argv[2], sys.argv[2:])
"""

# Linux sends the death signal when the *thread* that started the child ends. So one thread, which lives as
# long as this process, starts all children.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="child-starter")


class ChildProcess:
    """A running child. It appends its output, both streams, to `log`; it runs in `folder`, or in ours.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with ChildProcess("sleeper", ["sleep", "60"], folder / "sleeper.log") as child:
    ...     child.returncode is None
    True
    >>> child.returncode == -signal.SIGTERM
    True
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        environ: Mapping[str, str] = os.environ,
        folder: Path | None = None,
    ) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        self._process = _starter.submit(_start, command, log, environ, folder).result()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while the child runs; the negative signal number if a signal ended it."""
        return self._process.poll()

    def wait(self, deadline_s: float) -> bool:
        """Wait for the child to end by itself; returns whether it did within the deadline."""
        try:
            self._process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def terminate(self, deadline_s: float = 10.0) -> None:
        """Send SIGTERM to the child and its own children; after the deadline send SIGKILL to the rest."""
        self._signal_group(signal.SIGTERM)
        self.wait(deadline_s)
        self._signal_group(signal.SIGKILL)
        self._process.wait()

    def tail(self, lines: int = 20) -> str:
        """The end of the log, for error messages."""
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - 16_384))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])

    @property
    def how_it_ended(self) -> str:
        """For messages about a child that has ended: its name, how it ended, its log, and the log's end."""
        code = self.returncode
        how = f"ended with exit code {code}"
        if code is not None and code < 0:
            how = f"was killed by signal {-code} ({signal_name(-code)})"
        return f"{self.name} (process {self.pid}) {how}; its log is {self.log}, which ends:\n{self.tail()}"

    def _signal_group(self, number: signal.Signals) -> None:
        # The group has ended; macOS raises PermissionError for a group with only zombies.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.terminate()


def signal_name(number: int) -> str:
    """The usual name of a signal.

    >>> signal_name(9)
    'SIGKILL'
    """
    try:
        return signal.Signals(number).name
    except ValueError:
        return "of no name"


def _start(
    command: Sequence[str], log: Path, environ: Mapping[str, str], folder: Path | None
) -> subprocess.Popen[bytes]:
    if sys.platform == "linux":
        command = [sys.executable, "-I", "-S", "-c", _EXEC_TIED_TO_PARENT, str(os.getpid()), *command]
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environ),
            cwd=folder,
            start_new_session=True,
        )
