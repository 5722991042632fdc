"""A worker and a gateway that ranks, in a deployment of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from streams.settings.tree import Settings
from tests.connected.gateway_process import gateway
from tests.connected.worker_process import worker


@contextmanager
def ranking_system(
    settings: Settings, models: Path, folder: Path, active: str | None = None
) -> Iterator[httpx.Client]:
    """A client of its gateway, which serves the model `active` of the registry; None for the newest."""
    kafka, redis = settings.kafka, settings.redis
    more = {
        "HEADRACE_MODEL__REGISTRY": str(models),
        "HEADRACE_KAFKA__PARTITIONS": str(kafka.partitions),
        "HEADRACE_REDIS__PREFIX": str(redis.prefix),
        "HEADRACE_RANKER__WHERE": "here",
        "HEADRACE_RANKER__TIMEOUT_MS": "20000",
        **({} if active is None else {"HEADRACE_MODEL__ACTIVE": active}),
    }
    with (
        worker(folder, kafka, redis, more),
        gateway(folder, kafka.bootstrap, redis.url, str(kafka.prefix), 20_000, more=more) as running,
    ):
        yield running.client
