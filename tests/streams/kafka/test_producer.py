"""A client that can't hear of its brokers any more is replaced."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from model.errors import BrokerUnavailableError
from streams.kafka.producer import KafkaProducer
from streams.settings.connections import KafkaSettings


async def test_a_client_whose_refresh_has_ended_is_not_trusted() -> None:
    refresh = asyncio.create_task(asyncio.sleep(60))

    async def answered() -> bool:
        return True

    producer = KafkaProducer(KafkaSettings())
    client = SimpleNamespace(_sync_task=refresh, force_metadata_update=answered)
    producer._producer = SimpleNamespace(client=client)
    await producer.check(1.0)
    assert not producer._distrusted.is_set()
    refresh.cancel()
    await asyncio.wait([refresh])
    with pytest.raises(BrokerUnavailableError, match="refresh of metadata has ended"):
        await producer.check(1.0)
    assert producer._distrusted.is_set()
