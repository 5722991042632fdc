"""Fixtures for tests that need real servers: each server is started once in a session, when first asked for,
but for those that a test has for itself.

A test that uses one is marked `connected`; `pytest -m "not connected"` leaves those out.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

# Matrices as small as in tests are slower on several threads, most of all beside other processes.
# Libraries read this once, when they are loaded, and so do the processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import msgspec
from hypothesis import HealthCheck, settings

from export.registry import Registry
from streams.local.kafka import KafkaServer
from streams.local.valkey import ValkeyServer
from streams.local.valkey_cluster import ValkeyCluster
from streams.settings.connections import KafkaSettings, RedisSettings
from streams.settings.tree import Settings
from streams.stores.redis.store import RedisStore
from tests.contracts.own_server import Server
from tests.longest import LONGEST
from tests.made_once import made_once

# How long an example takes depends on what else the machine does; it decides nothing.
settings.register_profile("headrace", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("headrace")

# What a shell starts in the background ignores Ctrl-C, and so would what tests start and end by it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_BOUND = pytest.StashKey[Any]()
_EXIT_WITHIN_S = 300.0
_SERVERS = {"kafka_bootstrap", "valkey_url", "valkey_cluster", "server"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and _SERVERS & set(item.fixturenames):
            item.add_marker(pytest.mark.connected)
    items.sort(key=lambda item: item.nodeid.partition("::")[0] not in LONGEST)


def pytest_collection_finish() -> None:
    if "torch" in sys.modules:
        from tests.operators_once import read_operators_once

        read_operators_once()


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> None:
    item.stash[_BOUND] = settings


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """What ends a test has a bound, too: pytest-timeout takes its own away where the test has failed."""
    if _BOUND in item.stash:
        item.ihook.pytest_timeout_set_timer(item=item, settings=item.stash[_BOUND])


def pytest_unconfigure() -> None:
    """A thread that a test has left would hold the process for ever; now its stack is printed."""
    sys.stdout.flush()
    faulthandler.dump_traceback_later(_EXIT_WITHIN_S, exit=True, file=2)


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """scripts/test runs the tests that its first part leaves out in the next ones, which need not import all
    others: their files are in the folder PYTEST_LEFT_OUT names, those of tests marked `alone` apart.
    """
    if folder := os.environ.get("PYTEST_LEFT_OUT"):
        parts: dict[str, dict[str, None]] = {"served": {}, "alone": {}}
        for item in [each for each in items if not each.get_closest_marker("first")]:
            parts["alone" if item.get_closest_marker("alone") else "served"][str(item.path)] = None
        for part, files in parts.items():
            written = Path(folder) / f"{part}.{os.getpid()}"  # each process of the part writes the same
            written.write_text("".join(f"{file}\n" for file in files))
            written.replace(Path(folder) / part)


@pytest.fixture(scope="session")
def kafka_folder() -> Iterator[Path]:
    """Where the real Kafka keeps its data; each partition is a folder in `data`."""
    with tempfile.TemporaryDirectory(prefix="headrace-tests-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def kafka_bootstrap(kafka_folder: Path) -> Iterator[str]:
    """The address of a real Apache Kafka, e.g. "127.0.0.1:23456"."""
    server = KafkaServer.start(kafka_folder)
    try:
        yield server.bootstrap
    finally:
        server.stop()


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """The address of a real Valkey, e.g. "redis://127.0.0.1:23457/0"."""
    with tempfile.TemporaryDirectory(prefix="headrace-tests-") as folder:
        server = ValkeyServer.start(Path(folder))
        try:
            yield server.url
        finally:
            server.stop()


@pytest.fixture(scope="session")
def valkey_cluster() -> Iterator[ValkeyCluster]:
    """A real cluster of three Valkey servers."""
    with tempfile.TemporaryDirectory(prefix="headrace-tests-") as folder:
        cluster = ValkeyCluster.start(Path(folder))
        try:
            yield cluster
        finally:
            cluster.stop()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A Valkey of the test's own, which it starts, and may break."""
    server = Server(tmp_path)
    yield server
    server.kill()


@pytest.fixture
def prefix() -> str:
    """A prefix for topics, groups and keys that no other test has."""
    return f"test-{uuid.uuid4().hex[:12]}."


@pytest.fixture
def kafka_settings(kafka_bootstrap: str, prefix: str) -> KafkaSettings:
    """The real Kafka, under this test's own prefix; the topics are not created yet."""
    return KafkaSettings(bootstrap=kafka_bootstrap, prefix=prefix)


@pytest.fixture
def redis_settings(valkey_url: str, prefix: str) -> RedisSettings:
    """The real Valkey, under this test's own prefix."""
    return RedisSettings(url=valkey_url, prefix=prefix)


@pytest.fixture(name="settings")
def deployment(kafka_settings: KafkaSettings, redis_settings: RedisSettings) -> Settings:
    """A deployment of this test's own on both."""
    return Settings(kafka=kafka_settings, redis=redis_settings)


def patient(redis: RedisSettings) -> RedisSettings:
    """For the test's own questions: a busy machine is no failure of the worker."""
    return msgspec.structs.replace(redis, timeout_ms=20_000)


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[RedisStore]:
    """What the workers of this deployment write to."""
    store = RedisStore(patient(settings.redis))
    yield store
    await store.close()


@pytest.fixture(scope="session")
def small_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text encoder of one random layer with the real tokenizer: the real one takes long to export."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertModel

    from model.text_encoder import BUNDLED, folder_of

    folder = tmp_path_factory.mktemp("encoders") / "small"
    torch.manual_seed(0)
    config = BertConfig(hidden_size=64, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64)
    BertModel(config).save_pretrained(folder)  # type: ignore[no-untyped-call]  # not annotated there
    AutoTokenizer.from_pretrained(folder_of(BUNDLED)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def universal_registry() -> Registry:
    """A registry with the default text encoder alone, exported once in a run; for reading."""
    from export.text_to_onnx import export_text_encoder

    return Registry(made_once("universal", lambda folder: export_text_encoder(Registry(folder), [], 1)))


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Matrices as small as in tests are slower on several threads, most of all on a busy machine."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
