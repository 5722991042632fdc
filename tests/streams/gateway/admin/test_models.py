"""/v1/admin/models: what is registered and active; orders to workers, and the way back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from export.manifest import MANIFEST, Manifest, read_manifest, write_manifest
from export.registry import Registry
from streams.clock import ManualClock
from streams.events.schema import AnyEvent, Control
from streams.gateway.admin import models
from streams.gateway.app import create_app
from streams.kafka.producer import Acknowledgement
from streams.serving.retained_models import read_retained
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore
from tests.export.test_registry import PARITY, add
from tests.streams.gateway.conftest import NOW_MS, RecordingSink

PATH = "/v1/admin/models"


class Obeyed(RecordingSink):
    """A worker obeys at once."""

    store: MemoryStore

    async def deliver(
        self, events: Sequence[AnyEvent], accepted_ms: int, timeout_s: float
    ) -> Acknowledgement:
        for event in events:
            if isinstance(event, Control) and self.confirms:
                await self.store.activate(event.model)
        return await super().deliver(events, accepted_ms, timeout_s)


class Api:
    """The app with a registry of two models, of which the second went on learning from the first."""

    def __init__(self, folder: Path, sink: RecordingSink, client: str = "127.0.0.1") -> None:
        self.store, self.sink = MemoryStore(), sink
        if isinstance(sink, Obeyed):
            sink.store = self.store
        tree = {"model": {"registry": str(folder)}, "gateway": {"timeout_ms": 2_000}}
        settings = override(Settings(), tree)
        app: Any = create_app(settings, self.store, sink, ManualClock(NOW_MS))
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(client, 5_000))

    async def __call__(self, method: str, path: str = "", **more: Any) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._transport, base_url="http://127.0.0.1") as client:
            return await client.request(method, PATH + path, **more)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    registry = Registry(tmp_path)
    for name, created_ms in (("m1", 1), ("m2", 2)):
        add(registry, name, created_ms)
        manifest = read_manifest(tmp_path / name, Manifest)
        files = dict.fromkeys(manifest.required, manifest.files["weights"])
        for file in files:
            (tmp_path / name / file).write_bytes(name.encode())
        training = {"parent": "m1", "verdict": "no better"} if name == "m2" else {}
        write_manifest(tmp_path / name, msgspec.structs.replace(manifest, files=files, training=training))
    return tmp_path


async def test_models_are_listed_with_parity_and_lineage(folder: Path) -> None:
    (folder / "broken").mkdir()
    (folder / "broken" / MANIFEST).write_text("{")
    api = Api(folder, Obeyed())
    assert (await api("POST", "/m1/activate")).status_code == 200
    told = (await api("GET")).json()
    assert [(each["name"], each["parent"], each["held_back"], each["active"]) for each in told["models"]] == [
        ("m1", None, False, True),
        ("m2", "m1", True, False),
    ]
    assert told["models"][0]["parity"] == msgspec.to_builtins(PARITY)
    assert (told["active"], told["unreadable"]) == ("m1", ["broken"])
    assert [each["model"] for each in told["activations"]] == ["m1"]
    assert (await api("GET", "/m2")).json() == told["models"][1]
    assert (await api("GET", "/none")).json()["reason"] == "unknown_model"
    assert (await api("GET", "/broken")).json()["reason"] == "broken_model"


async def test_activate_and_roll_back(folder: Path) -> None:
    api = Api(folder, Obeyed())
    assert (await api("POST", "/roll-back")).json()["reason"] == "nothing_before"
    first = (await api("POST", "/m1/activate")).json()
    assert (first["model"], first["before"], first["confirmed"]) == ("m1", None, True)
    assert (await api("POST", "/roll-back")).status_code == 409
    second = (await api("POST", "/m2/activate")).json()
    assert (second["before"], second["confirmed"]) == ("m1", True)
    back = (await api("POST", "/roll-back")).json()
    assert (back["model"], back["before"], back["confirmed"]) == ("m1", "m2", True)
    orders = [event for event in api.sink.delivered if isinstance(event, Control)]
    assert [order.model for order in orders] == ["m1", "m2", "m1"]
    assert orders[-1].event_id == back["event_id"]


async def test_an_order_that_no_worker_obeys_is_not_confirmed(folder: Path) -> None:
    api = Api(folder, RecordingSink())
    answer = await api("POST", "/m1/activate")
    assert (answer.status_code, answer.json()["confirmed"]) == (200, False)
    assert len(api.sink.delivered) == 1


async def test_what_can_not_serve_is_not_ordered(folder: Path) -> None:
    api = Api(folder, Obeyed())
    (folder / "m1" / "vocabulary.json").write_bytes(b"changed")
    assert (await api("POST", "/m1/activate")).json()["reason"] == "broken_model"
    assert (await api("POST", "/none/activate")).status_code == 404
    assert (await api("POST", "/text/activate")).status_code == 404
    assert api.sink.delivered == []
    api.sink.confirms = 0
    answer = await api("POST", "/m2/activate")
    assert (answer.status_code, answer.json()["reason"]) == (503, "kafka_unavailable")


async def test_a_disk_that_hangs_leaves_nobody_without_an_answer(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    come = threading.Event()
    monkeypatch.setattr(models, "CHECKED_WITHIN_S", 0.05)
    monkeypatch.setattr(models, "verify", lambda *_: come.wait())
    api = Api(folder, Obeyed())
    try:
        answer = await api("POST", "/m1/activate")
    finally:
        come.set()
    assert (answer.status_code, answer.json()["reason"]) == (503, "registry_unavailable")
    assert api.sink.delivered == []


async def test_a_model_is_retained_and_released(folder: Path) -> None:
    api = Api(folder, Obeyed())
    assert (await api("POST", "/m1/retain")).json() == {"model": "m1", "retained": True, "names": ["m1"]}
    assert [each["retained"] for each in (await api("GET")).json()["models"]] == [True, False]
    assert (await api("GET", "/m1")).json()["retained"]
    assert (await api("POST", "/none/retain")).json()["reason"] == "unknown_model"
    assert (await api("POST", "/gone/release")).json()["names"] == ["m1"]
    assert (await api("POST", "/m1/release")).json() == {"model": "m1", "retained": False, "names": []}
    assert await read_retained(api.store) == frozenset()
    away = Api(folder, Obeyed(), client="10.0.0.7")
    answers = await asyncio.gather(away("POST", "/m1/retain"), away("POST", "/m1/release"))
    assert [answer.status_code for answer in answers] == [403, 403]


async def test_only_this_machine_changes_the_model(folder: Path) -> None:
    api = Api(folder, Obeyed(), client="10.0.0.7")
    answers = await asyncio.gather(api("POST", "/m1/activate"), api("POST", "/roll-back"))
    assert [answer.status_code for answer in answers] == [403, 403]
    assert (await api("GET")).status_code == 200
