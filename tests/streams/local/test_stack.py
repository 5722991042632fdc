"""`python -m streams.local`: both servers, and nothing of them afterwards, whichever way it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from model.errors import LocalStackError
from streams.local.stack import LocalStack
from streams.settings.reading import load
from streams.settings.tree import Settings
from streams.stores.condition import concerns
from streams.stores.redis.store import RedisStore
from tests.streams.local.running import eventually, listens, runs

REPOSITORY = Path(__file__).parents[3]


class Running(NamedTuple):
    parent: subprocess.Popen[str]
    settings: Settings
    children: list[int]


@contextlib.contextmanager
def running_stack(temporary: Path) -> Iterator[Running]:
    """The stack in a process of its own, ready; it is killed at the end where the test has not ended it."""
    parent = subprocess.Popen(
        [sys.executable, "-m", "streams.local"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env=os.environ | {"TMPDIR": str(temporary)},
    )
    with parent:
        try:
            assert parent.stdout is not None
            environ: dict[str, str] = {}
            for line in parent.stdout:
                if line.startswith("export "):
                    name, _, value = line.removeprefix("export ").strip().partition("=")
                    environ[name] = value
                if line.startswith("# running"):
                    break
            tasks = Path(f"/proc/{parent.pid}/task").iterdir()
            children = [int(pid) for task in tasks for pid in (task / "children").read_text().split()]
            yield Running(parent, load(None, environ), children)
        finally:
            parent.kill()


@pytest.mark.connected
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_and_no_port_is_left(tmp_path: Path, end: signal.Signals) -> None:
    with running_stack(tmp_path) as stack:
        addresses = [stack.settings.kafka.bootstrap, stack.settings.redis.url]
        assert all(listens(address) for address in addresses)
        assert len(stack.children) == 2
        assert all(runs(pid) for pid in stack.children)
        stack.parent.send_signal(end)
        status = stack.parent.wait(60)
    assert eventually(lambda: not any(runs(pid) for pid in stack.children))
    assert eventually(lambda: not any(listens(address) for address in addresses))
    if end is not signal.SIGKILL:
        assert status == 0
        assert not list(tmp_path.iterdir()), "the temporary data are gone as well"


@pytest.mark.connected
@pytest.mark.parametrize("durable", [True, False])
async def test_a_store_that_is_looked_at_has_nothing_to_warn_of(kafka_bootstrap: str, durable: bool) -> None:
    with LocalStack(kafka_bootstrap=kafka_bootstrap, durable=durable) as stack:
        store = RedisStore(stack.settings.redis)
        try:
            found = concerns(await store.condition())
        finally:
            await store.close()
    assert [each.kind for each in found] == ([] if durable else ["persistence"])


@pytest.mark.connected
def test_running_servers_that_are_named_are_used_and_left_alone(
    kafka_bootstrap: str, valkey_url: str
) -> None:
    given = Settings(seed=11)
    with LocalStack(given, kafka_bootstrap=kafka_bootstrap, redis_url=valkey_url) as stack:
        assert stack.settings.kafka.bootstrap == kafka_bootstrap
        assert stack.settings.redis.url == valkey_url
        assert stack.settings.seed == 11
    assert listens(kafka_bootstrap)
    assert listens(valkey_url)


def test_a_failed_start_ends_what_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    pids: list[int] = []

    def fail(folder: Path, **_: object) -> None:
        log = (folder.parent / "valkey" / "valkey.log").read_text()
        pids.append(int(log.split(":")[0]))
        raise RuntimeError("no Kafka today")

    monkeypatch.setattr("streams.local.stack.KafkaServer.start", fail)
    with (
        pytest.raises(RuntimeError, match="no Kafka today"),
        LocalStack(folder=tmp_path, progress=steps.append),
    ):
        raise AssertionError("the block must not be entered")
    assert steps == ["starting Valkey"]
    assert not runs(pids[0])


def test_a_folder_serves_one_stack_at_a_time(tmp_path: Path) -> None:
    def stack() -> LocalStack:
        return LocalStack(folder=tmp_path, kafka_bootstrap="127.0.0.1:1", redis_url="redis://127.0.0.1:2/0")

    with stack(), pytest.raises(LocalStackError, match="another local stack runs on"), stack():
        raise AssertionError("the block must not be entered")
    with stack():
        pass
