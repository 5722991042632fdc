"""The local stack with its services, until the user stops it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from model.errors import HeadraceError, LocalStackError, SettingsError
from streams.kafka.topics import ensure_topics
from streams.local.first_encoder import make_first_encoder
from streams.local.processes import ChildProcess
from streams.local.services import Services, check_running
from streams.local.stack import LocalStack
from streams.local.stopping import stop_event, terminate_as_exit
from streams.serving.arms import check_arms
from streams.settings.tree import Settings

FAILED = 1
LOOK_EVERY_S = 0.5


def run_until_stopped(settings: Settings, workers: int, folder: Path | None) -> int:
    """Run all; returns the exit status: 0 after Ctrl-C or SIGTERM, 1 if a process ended by itself."""
    if workers < 1:
        raise SettingsError(f"--workers {workers}: expected at least 1")
    if settings.gateway.port == 0:
        raise SettingsError("gateway.port 0: `headrace up` needs a port that the app can know; set one")
    check_arms(settings)
    terminate_as_exit()
    try:
        with contextlib.ExitStack() as running:
            logs = running.enter_context(_log_folder(folder))
            stack = running.enter_context(
                LocalStack(settings, folder, progress=_say, logs=logs, durable=True)
            )
            asyncio.run(ensure_topics(stack.settings.kafka))
            make_first_encoder(stack.settings, logs, _say)
            services = running.enter_context(Services(stack.settings, logs, workers, _say))
            _say(f"gateway   {services.gateway_url}   (its API: {services.gateway_url}/schema)")
            if stack.settings.gateway.demo_app != "off":
                _say(f"demo      {services.gateway_url}/demo")
            for url in services.worker_urls:
                _say(f"worker    {url}/metrics")
            _say(f"Kafka     {stack.settings.kafka.bootstrap}")
            _say(f"Redis     {stack.settings.redis.url}")
            _say(f"logs      {logs}")
            _say("running until Ctrl-C")
            asyncio.run(_watch([*stack.processes, *services.processes]))
            _say("stopping")
    except LocalStackError as error:
        print(f"headrace up: {error}", file=sys.stderr)
        return FAILED
    return 0


@contextlib.contextmanager
def _log_folder(folder: Path | None) -> Iterator[Path]:
    """The folder of the logs. Without `folder` the logs stay only if something failed."""
    if folder is not None:
        yield folder / "logs"
        return
    logs = Path(tempfile.mkdtemp(prefix="headrace-logs-"))
    failed = False
    try:
        yield logs
    except HeadraceError:
        failed = True
        raise
    finally:
        if not failed:
            shutil.rmtree(logs, ignore_errors=True)


async def _watch(processes: Sequence[ChildProcess]) -> None:
    """Return on a signal to stop; raises `LocalStackError` if one of the processes has ended."""
    asked = stop_event()
    while not asked.is_set():
        check_running(processes)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asked.wait(), LOOK_EVERY_S)


def _say(text: str) -> None:
    print(text, flush=True)
