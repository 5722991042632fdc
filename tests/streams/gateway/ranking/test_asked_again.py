"""An `Idempotency-Key` on what is ranked now: asked again, it is the same slate, and was shown once."""

from __future__ import annotations

from typing import Any

import pytest

from streams.events.schema import Impression
from streams.gateway.idempotency import REPLAYED
from tests.connected.events_on_kafka import eventually
from tests.streams.gateway.ranking.conftest import Opened, Site

ITEMS = [f"item-{n}" for n in (3, 9, 1, 7, 20)]
ROUTES = [
    ("/v1/rank", {"user_id": "u1", "items": ITEMS}, {"user_id": "u1", "items": ITEMS[:3]}),
    ("/v1/users/u1/feed", {"surface": "shelf"}, {"surface": "shelf", "n": 3}),
    ("/v1/search", {"q": "", "user_id": "u1", "n": 3}, {"q": "", "user_id": "u1", "n": 4}),
]


async def ask(site: Site, path: str, body: Any, key: str = "") -> Any:
    headers = {"idempotency-key": key} if key else {}
    answer = await site.http.post(path, json=body, headers=headers)
    return answer, answer.json()


@pytest.mark.parametrize(("path", "body", "other"), ROUTES)
async def test_it_is_ranked_and_shown_once(site: Opened, path: str, body: Any, other: Any) -> None:
    async with site() as here:
        first, made = await ask(here, path, body, "key-1")
        here.clock.ms += 5_000
        again, same = await ask(here, path, body, "key-1")
        await eventually(lambda: bool(here.sink.delivered))
        assert first.status_code == again.status_code == 200
        assert made["items"]
        assert same == made
        assert REPLAYED[0] not in first.headers
        assert again.headers[REPLAYED[0]] == REPLAYED[1]
        await ask(here, path, body)  # without a key it is another one
        await eventually(lambda: len(here.sink.delivered) == 2)
        slates = [event.slate_id for event in here.sink.delivered if isinstance(event, Impression)]
        assert slates[0] == made["slate_id"] != slates[1]
        reused, problem = await ask(here, path, other, "key-1")
        assert (reused.status_code, problem["reason"]) == (422, "key_reused")


@pytest.mark.parametrize(("path", "body", "_other"), ROUTES)
async def test_what_is_refused_under_a_key_may_be_sent_again(
    site: Opened, path: str, body: Any, _other: Any
) -> None:
    async with site() as here:
        wrong, _ = await ask(here, path, {**body, "n": -1}, "key-2")
        bad_key, problem = await ask(here, path, body, "a key with blanks")
        right, _ = await ask(here, path, body, "key-2")
    assert (wrong.status_code, right.status_code) == (422, 200)
    assert (bad_key.status_code, problem["reason"]) == (400, "bad_idempotency_key")


async def test_where_the_answer_can_not_be_kept_it_is_shown_once_all_the_same(
    site: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both answers' impressions have one id, which counts once."""
    async with site() as here:
        kept = type(here.store).put_note

        async def forgetful(store: Any, name: str, value: bytes, *rest: Any) -> None:
            if rest[0]:  # not the claim, but what follows it
                value = b""
            await kept(store, name, value, *rest)

        monkeypatch.setattr(type(here.store), "put_note", forgetful)
        for _ in range(2):
            here.clock.ms += 5_000
            answer, _body = await ask(here, *ROUTES[0][:2], "key-3")
            assert answer.status_code == 200
            assert REPLAYED[0] not in answer.headers
        await eventually(lambda: len(here.sink.delivered) == 2)
        assert len({event.event_id for event in here.sink.delivered}) == 1
