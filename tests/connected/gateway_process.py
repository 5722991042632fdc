"""A gateway in a process of its own, in which torch can't be imported."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from streams.local.processes import ChildProcess

ROOT = Path(__file__).parents[2]
IMPATIENT_MS = 1_000
"""For a gateway whose servers a test freezes or ends: it says soon that they are away."""
PROGRAM = """\
import sys
sys.modules["torch"] = None  # importing it raises ImportError
from streams.commands.main import main
sys.exit(main(["gateway", "--port", "0"]))
"""


@dataclass
class Gateway:
    """A running gateway and a client for it."""

    process: ChildProcess
    client: httpx.Client

    def log(self) -> str:
        return self.process.log.read_text()


@contextmanager
def gateway(
    folder: Path,
    kafka: str,
    redis: str,
    prefix: str,
    timeout_ms: int = 20_000,
    namespace: str = "",
    more: Mapping[str, str] = {},
) -> Iterator[Gateway]:
    """A gateway on a free port; it is ended when the block ends. It need not be ready at first.

    It has no ranker, unless `more` says so: further settings as variables. namespace: its own, from which its
    prefixes derive; `prefix` is not used then. timeout_ms: for which it waits for its servers; a busy machine
    is no failure of theirs.
    """
    if namespace:
        names = {"HEADRACE_NAMESPACE": namespace}
    else:
        names = {"HEADRACE_KAFKA__PREFIX": prefix, "HEADRACE_REDIS__PREFIX": prefix}
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")} | {
        "PYTHONPATH": str(ROOT),
        "HEADRACE_KAFKA__BOOTSTRAP": kafka,
        "HEADRACE_REDIS__URL": redis,
        **names,
        "HEADRACE_GATEWAY__TIMEOUT_MS": str(timeout_ms),
        "HEADRACE_REDIS__TIMEOUT_MS": str(timeout_ms),
        "HEADRACE_RANKER__TIMEOUT_MS": str(timeout_ms),
        "HEADRACE_RANKER__WHERE": "off",
        **more,
    }
    command = [sys.executable, "-c", PROGRAM]
    with (
        ChildProcess("gateway", command, folder / "gateway.log", environ) as process,
        httpx.Client(base_url=_address(process), timeout=30) as client,
    ):
        yield Gateway(process, client)


def _address(process: ChildProcess, deadline_s: float = 300.0) -> str:
    """Where it listens, as its log says."""
    until = time.monotonic() + deadline_s
    while time.monotonic() < until and process.returncode is None:
        text = process.log.read_text() if process.log.exists() else ""
        found = re.search(r"gateway listens on (\S+)", text)
        if found and "startup complete" in text:
            return found[1]
        time.sleep(0.05)
    raise AssertionError(f"the gateway did not start:\n{process.tail()}")
