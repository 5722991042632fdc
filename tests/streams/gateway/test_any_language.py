"""The gateway takes every language as it comes, and answers every language alike."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from litestar.testing import TestClient

from streams.events.schema import Click, Item
from streams.gateway.hot_routes import Gateway
from streams.ranking.slate import encode
from streams.stores.memory import MemoryStore
from tests.streams.gateway.conftest import NOW_MS, RecordingSink
from tests.streams.gateway.test_feeds import put, slate

Client = TestClient[Gateway]

# Each is another id, though normal forms, lower case or a locale would make some of them one.
NAMES = (
    "李雷",
    "Ⅷ",
    "VIII",
    "ⅷ",
    "caf\u00e9",
    "cafe\u0301",
    "İ",
    "i",
    "ı",
    "ﬁ",
    "fi",
    "１",
    "1",
    "ﷺ",
    "a\u200db",
)


def test_ids_and_texts_stay_as_they_come(client: Client, sink: RecordingSink) -> None:
    events: list[dict[str, Any]] = [
        {"type": "click", "event_id": name, "ts": NOW_MS, "user_id": name, "item_id": name} for name in NAMES
    ]
    for n in range(0, len(events), 5):
        assert client.post("/v1/events", json=events[n : n + 5]).status_code == 202
    item = {"event_id": "e", "ts": NOW_MS, "item_id": NAMES[5], "title": "ﬁlm  Ⅷ", "tags": ["İ"]}
    assert client.post("/v1/events", json={"type": "item", **item}).status_code == 202
    clicks = [event for event in sink.delivered if isinstance(event, Click)]
    assert [(event.user_id, event.item_id) for event in clicks] == [(name, name) for name in NAMES]
    (put_item,) = (event for event in sink.delivered if isinstance(event, Item))
    assert (put_item.item_id, put_item.title, put_item.tags) == (NAMES[5], "ﬁlm  Ⅷ", ["İ"])


def test_names_that_look_alike_are_different_users(client: Client, store: MemoryStore) -> None:
    for name in NAMES:
        put(client, store, name, encode(slate(name)))
    for name in NAMES:
        answer = client.get(f"/v1/users/{quote(name, safe='')}/feed", params={"impression": "false"})
        assert answer.json()["slate_id"] == f"slate-of-{name}"


@pytest.mark.parametrize("language", ["zh-CN", "ar", "de-DE,de;q=0.9", "tr-TR", "*"])
def test_answers_are_the_same_in_every_language(client: Client, store: MemoryStore, language: str) -> None:
    put(client, store, "u", encode(slate("u")))
    asked = ("/v1/users/u/feed?impression=false", "/v1/users/u/feed?n=x", "/v1/nowhere")
    for path in asked:
        usual, other = (client.get(path, headers=headers) for headers in ({}, {"Accept-Language": language}))
        assert (usual.status_code, usual.content) == (other.status_code, other.content)
