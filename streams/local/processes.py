"""Child processes that are ended for certain.

A child leads its own session, so that Ctrl-C in the terminal reaches only the parent, which then stops its
children in order. `terminate` ends the child and whatever it has started. Where the parent dies without
saying so (SIGKILL, a crash), Linux kills the child too (PR_SET_PDEATHSIG); elsewhere it would live on.
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

# The request is made between fork and exec by a Python of its own: `preexec_fn` may deadlock in a process
# with threads. A parent that died before the request is noticed by the second line.
_EXEC_TIED_TO_PARENT = """\
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]): sys.exit("the parent is gone")
os.execvp(sys.argv[2], sys.argv[2:])
"""

# Linux sends the death signal when the *thread* that started the child ends. So one thread, which lives as
# long as this process, starts them all.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="child-starter")


class ChildProcess:
    """A running child. Its output, both streams, is appended to `log`.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with ChildProcess("sleeper", ["sleep", "60"], folder / "sleeper.log") as child:
    ...     child.returncode is None
    True
    >>> child.returncode == -signal.SIGTERM
    True
    """

    def __init__(
        self, name: str, command: Sequence[str], log: Path, environ: Mapping[str, str] = os.environ
    ) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        self._process = _starter.submit(_start, command, log, environ).result()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while the child runs; the negative signal number where a signal ended it."""
        return self._process.poll()

    def wait(self, deadline_s: float) -> bool:
        """Wait for the child to end by itself; whether it did within the deadline."""
        try:
            self._process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def terminate(self, deadline_s: float = 10.0) -> None:
        """SIGTERM to the child and its own children; SIGKILL to those that are left after the deadline."""
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
        """For messages: who it was, how it ended, where its log is, and the end of that.

        It has ended already.
        """
        code = self.returncode
        how = f"ended with exit code {code}"
        if code is not None and code < 0:
            how = f"was killed by signal {-code} ({signal_name(-code)})"
        return f"{self.name} (process {self.pid}) {how}; its log is {self.log}, which ends:\n{self.tail()}"

    def _signal_group(self, number: signal.Signals) -> None:
        # Already gone; macOS says PermissionError of a group that has only zombies left.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.terminate()


def signal_name(number: int) -> str:
    """Its usual name.

    >>> signal_name(9)
    'SIGKILL'
    """
    try:
        return signal.Signals(number).name
    except ValueError:
        return "of no name"


def _start(command: Sequence[str], log: Path, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    if sys.platform == "linux":
        command = [sys.executable, "-I", "-S", "-c", _EXEC_TIED_TO_PARENT, str(os.getpid()), *command]
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environ),
            start_new_session=True,
        )
