"""A worker in a process of its own, in which torch can't be imported."""

from __future__ import annotations

import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from streams.local.processes import ChildProcess
from streams.settings.connections import DerivedPrefix, KafkaSettings, RedisSettings

ROOT = Path(__file__).parents[2]
PROGRAM = """\
import sys
class NoTorch:  # as where it is not installed: scipy looks for an entry in sys.modules
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"no module named {name!r} in a worker", name=name)
sys.meta_path.insert(0, NoTorch())
from streams.commands.main import main
sys.exit(main(["worker"]))
"""
START_DEADLINE_S = 300.0  # some hundred modules are read: seconds, or minutes where many programs run
PATIENCE_S = 30.0  # for one answer: other work may have the processor


class WorkerProcess:
    """A running worker, asked over HTTP."""

    def __init__(self, process: ChildProcess, log_from: int = 0) -> None:
        self.process = process
        self.address = ""
        self._log_from = log_from

    def get(self, path: str, timeout_s: float = PATIENCE_S) -> tuple[int, bytes]:
        """Status and body; (0, b"") where nothing answers."""
        if not self.address:
            found = re.search(r"worker answers on (\S+)", self.log())
            if not found:
                return 0, b""
            self.address = found[1]
        try:
            with urllib.request.urlopen(self.address + path, timeout=timeout_s) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError:
            return 0, b""

    def readiness(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.get("/readyz")[1] or b"{}")
        return found

    def ready(self) -> bool:
        return self.get("/readyz")[0] == 200

    def refuses(self, part: str, why: str = "") -> bool:
        """Whether it is not ready, and this part of it is a reason. why: some of what the part says.

        It may be not ready for another reason first: on a busy machine it may have lost its partitions.
        """
        status, body = self.get("/readyz")
        if status != 503:
            return False
        state = json.loads(body)["parts"][part]
        return not state["ready"] and why in state["trouble"]

    def metric(self, name: str, **labels: str) -> float:
        """The sum of all samples of a metric with these labels."""
        total = 0.0
        for line in self.get("/metrics")[1].decode().splitlines():
            if re.match(rf"{name}[{{ ]", line) and all(f'{k}="{v}"' in line for k, v in labels.items()):
                total += float(line.rpartition(" ")[2])
        return total

    def log(self) -> str:
        """What this process has logged; the file may begin with what another one of its name did."""
        return self.process.log.read_text()[self._log_from :] if self.process.log.exists() else ""

    def wait_until_ready(self, deadline_s: float = START_DEADLINE_S) -> None:
        until = time.monotonic() + deadline_s
        while not self.ready():
            assert self.process.returncode is None, self.process.tail(60)
            assert time.monotonic() < until, f"{self.readiness()}\n{self.process.tail(60)}"
            time.sleep(0.05)


def environment(kafka: KafkaSettings, redis: RedisSettings) -> dict[str, str]:
    """The variables of a process of this deployment; none of this process's own settings among them, and no
    prefix that follows a namespace.
    """
    own = {key: value for key, value in os.environ.items() if not key.startswith("HEADRACE_")}
    given = own | {
        "PYTHONPATH": str(ROOT),
        "HEADRACE_KAFKA__BOOTSTRAP": kafka.bootstrap,
        "HEADRACE_KAFKA__PREFIX": kafka.prefix,
        "HEADRACE_KAFKA__PARTITIONS": str(kafka.partitions),
        "HEADRACE_REDIS__URL": redis.url,
        "HEADRACE_REDIS__PREFIX": redis.prefix,
    }
    followed = {
        f"HEADRACE_{name}__PREFIX"
        for name, section in (("KAFKA", kafka), ("REDIS", redis))
        if isinstance(section.prefix, DerivedPrefix)
    }
    return {name: value for name, value in given.items() if name not in followed}


@contextmanager
def worker(
    folder: Path,
    kafka: KafkaSettings,
    redis: RedisSettings,
    more: Mapping[str, str] = {},
    name: str = "worker",
    wait: bool = True,
    before: str = "",
) -> Iterator[WorkerProcess]:
    """A worker on a free port; it is ended when the block ends. `more`: further settings, as variables.

    `before`: a program that is run in its process before it starts.
    """
    environ = environment(kafka, redis) | {
        "HEADRACE_WORKER__PORT": "0",
        "HEADRACE_MODEL__REGISTRY": str(folder / "models"),
        **more,
    }
    log = folder / f"{name}.log"
    log_from = len(log.read_text()) if log.exists() else 0
    with ChildProcess(name, [sys.executable, "-c", before + PROGRAM], log, environ) as process:
        running = WorkerProcess(process, log_from)
        if wait:
            running.wait_until_ready()
        yield running
