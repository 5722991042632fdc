"""/v1/admin/dead-letters, over letters in a real Kafka."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer

from streams.clock import SystemClock
from streams.gateway.app import create_app
from streams.kafka.dead_letters import DeadLetter, KafkaDeadLetters
from streams.kafka.message import UNDECODABLE, Message
from streams.kafka.topics import ensure_topics, topic_name
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore
from tests.connected.events_on_kafka import now_ms
from tests.streams.gateway.conftest import RecordingSink

PATH = "/v1/admin/dead-letters"
ODD = b"\xff\x00 not text"


def letter(n: int, reason: str = "invalid", value: bytes | None = b'{"n":%d}') -> DeadLetter:
    content = value % n if value == b'{"n":%d}' else value
    return DeadLetter(Message("clicks", 0, n, 0, b"k", content), reason, f"why {n}", now_ms())


class Api:
    def __init__(self, settings: Settings, client: str = "127.0.0.1") -> None:
        app: Any = create_app(settings, MemoryStore(), RecordingSink(), SystemClock())
        self._transport = httpx.ASGITransport(app, client=(client, 5_000))

    async def __call__(self, method: str, path: str = "", **more: Any) -> httpx.Response:
        async with httpx.AsyncClient(
            transport=self._transport, base_url="http://127.0.0.1", timeout=60
        ) as client:
            return await client.request(method, PATH + path, **more)


@pytest.fixture
async def api(settings: Settings) -> Api:
    await ensure_topics(settings.kafka)
    return Api(settings)


async def test_letters_are_listed_read_and_sent_back(api: Api, settings: Settings) -> None:
    assert (await api("GET")).json() == {"letters": [], "before": None}
    assert (await api("GET", "/0")).status_code == 404
    box = KafkaDeadLetters(settings.kafka)
    sent = [letter(n) for n in range(5)]
    sent += [
        letter(5, "not_json", ODD),
        letter(6, UNDECODABLE, b"x"),
        letter(7, "invalid", b"\xc3\xa9" * 900),
    ]
    sent.append(letter(8, "invalid", None))
    await box.send(sent)
    await box.stop()

    met, before = [], None
    while True:
        query = {"n": 2} | ({} if before is None else {"before": before})
        page = (await api("GET", params=query)).json()
        met += page["letters"]
        before = page["before"]
        if before is None:
            break
    assert [each["offset"] for each in met] == [8, 7, 6, 5, 4, 3, 2, 1, 0]
    assert met[0]["value"] is None
    assert met[1]["value"] == {"size": 1_800, "cut": True, "text": "é" * 500, "base64": None}
    assert (met[2]["reason"], met[2]["whole"]) == (UNDECODABLE, False)
    assert base64.b64decode(met[3]["value"]["base64"]) == ODD
    assert met[4]["value"]["text"] == '{"n":4}'
    whole = (await api("GET", f"/{met[1]['position']}")).json()
    assert (whole["value"]["text"], whole["value"]["cut"]) == ("é" * 900, False)
    rare = (await api("GET", params={"reason": "not_json"})).json()["letters"]
    assert [each["offset"] for each in rare] == [5]

    assert (await Api(settings, "10.0.0.7")("POST", "/replay")).status_code == 403
    done = (await api("POST", "/replay", json={"reason": "not_json"})).json()
    assert done == {"sent": {"not_json": 1}, "foreign": 0, "parts": 0}
    done = (await api("POST", "/replay")).json()
    assert done == {"sent": {"invalid": 7}, "foreign": 0, "parts": 1}
    assert all(each["replayed"] for each in (await api("GET")).json()["letters"])
    for body, status in ((b"{", 400), (b'{"limit": 0}', 422), (b'{"all": true}', 422), (b"\xff", 400)):
        assert (await api("POST", "/replay", content=body)).status_code == status


async def test_one_letter_is_sent_back_or_mended(api: Api, settings: Settings) -> None:
    clicks = topic_name(settings.kafka, "clicks")
    box = KafkaDeadLetters(settings.kafka)
    await box.send([letter(0), letter(1), letter(2, UNDECODABLE, b"x"), letter(3)])
    await box.stop()

    def place(n: int) -> str:
        return f"/{at[n]}/replay"

    at = {each["offset"]: each["position"] for each in (await api("GET")).json()["letters"]}
    assert (await Api(settings, "10.0.0.7")("POST", place(0))).status_code == 403
    assert (await api("POST", place(0))).json() == {
        "position": at[0], "topic": clicks, "mended": False, "event_id": None,
    }  # fmt: skip
    again = await api("POST", place(0))
    assert (again.status_code, again.json()["reason"]) == (409, "already_replayed")
    part = await api("POST", place(2))
    assert (part.status_code, part.json()["reason"]) == (409, "part_of_a_letter")
    assert (await api("POST", "/99/replay")).json()["reason"] == "unknown_letter"

    event = {"type": "click", "event_id": "e1", "ts": now_ms(), "user_id": "ann/é", "item_id": "i"}
    for value, reason in (
        ("{", "not_json"),
        ("{}", "invalid"),
        (json.dumps(event | {"action": "stare"}), "unknown_action"),
        (json.dumps(event | {"ts": 5}), "too_late"),
        (json.dumps({"type": "control", "event_id": "e", "ts": now_ms(), "command": "activate_model",
                     "model": "m"}), "control_event"),
        ('{"type":"click","event_id":"\\ud83d"}', "not_json"),
    ):  # fmt: skip
        refused = await api("POST", place(1), json={"value": value})
        assert (refused.status_code, refused.json()["reason"]) == (422, reason), value
    sent = (await api("POST", place(1), json={"value": json.dumps(event)})).json()
    assert sent == {"position": at[1], "topic": clicks, "mended": True, "event_id": "e1"}
    sent = (await api("POST", place(2), json={"value": json.dumps(event | {"event_id": "e2"})})).json()
    assert sent["mended"]
    replayed = {each["offset"]: each["replayed"] for each in (await api("GET")).json()["letters"]}
    assert replayed == {0: True, 1: True, 2: True, 3: False}

    consumer = AIOKafkaConsumer(
        clicks, bootstrap_servers=settings.kafka.bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        met = [await asyncio.wait_for(consumer.getone(), 20) for _ in range(3)]
    finally:
        await consumer.stop()
    assert {(each.key, each.value[:5]) for each in met} == {(b"k", b'{"n":'), ("ann/é".encode(), b'{"typ')}
    assert {json.loads(each.value).get("event_id") for each in met} == {None, "e1", "e2"}


async def test_without_kafka_it_is_said() -> None:
    answer = await Api(Settings())("GET")
    assert (answer.status_code, answer.json()["reason"]) == (503, "kafka_unavailable")
