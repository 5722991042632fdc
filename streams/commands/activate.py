"""Switch the running workers to another model of the registry, without a pause.

  headrace activate ml-100k-2

The model is checked here first, where the registry folder is at hand. The order travels through Kafka; every
worker loads the model beside the old one and swaps between two batches.
"""

from __future__ import annotations

import argparse
import asyncio
import time
import uuid
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from export.manifest import MODEL_FILES, Manifest, read_manifest, verify
from export.registry import Registry
from model.errors import BrokerUnavailableError
from streams.commands.options import add_settings, settings_from
from streams.events import Control, encode, key_of
from streams.settings import Settings
from streams.stores.redis import RedisStore
from streams.topics import ensure_topics, topic_name

LOOK_EVERY_S = 0.1
NOT_CONFIRMED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="its name in the registry")
    parser.add_argument(
        "--wait-s", type=float, default=15.0, help="how long to wait for a worker to confirm (default: 15)"
    )
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    settings = settings_from(args)
    folder = Registry(Path(settings.model.registry)).get(args.model)
    verify(folder, read_manifest(folder, Manifest), MODEL_FILES)
    if asyncio.run(_activate(settings, args.model, args.wait_s)):
        print(f"{args.model} is active")
        return 0
    print(
        f"{args.model} was ordered, and no worker has confirmed it within {args.wait_s:g} s: is one running?"
        " A refused order is among the dead letters (headrace dead-letters list --reason bad_model)"
    )
    return NOT_CONFIRMED


async def _activate(settings: Settings, model: str, wait_s: float) -> bool:
    await ensure_topics(settings.kafka)
    await _order(settings, model)
    store = RedisStore(settings.redis)
    try:
        until = time.monotonic() + wait_s
        while await store.active_model() != model:
            if time.monotonic() > until:
                return False
            await asyncio.sleep(LOOK_EVERY_S)
    finally:
        await store.close()
    return True


async def _order(settings: Settings, model: str) -> None:
    event = Control(
        event_id=uuid.uuid4().hex, ts=time.time_ns() // 1_000_000, command="activate_model", model=model
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka.bootstrap,
        acks="all",
        request_timeout_ms=settings.kafka.request_timeout_ms,
    )
    try:
        await producer.start()
        await producer.send_and_wait(topic_name(settings.kafka, "control"), encode(event), key_of(event))
    except (KafkaError, OSError) as error:
        raise BrokerUnavailableError(
            f"the order was not acknowledged by {settings.kafka.bootstrap} ({error}); try again"
        ) from error
    finally:
        await producer.stop()
