"""What a gateway answers on request follows what users do: with a real broker, worker, store and gateway."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from streams.kafka.topics import ensure_topics
from streams.settings.tree import Settings
from tests.connected.events_on_kafka import eventually, now_ms
from tests.connected.gateway_process import gateway
from tests.connected.worker_process import worker

CATEGORY = {"kit": "drums", "sticks": "drums", "bow": "strings", "rosin": "strings", "stool": "stage"}


class Site:
    """A gateway's client, in the words of this page."""

    def __init__(self, client: httpx.Client) -> None:
        self.client, self.sent = client, 0

    def put(self, *items: dict[str, Any]) -> None:
        answer = self.client.put("/v1/items", json=list(items))
        assert answer.status_code == 202, answer.text

    def click(self, user: str, *items: str) -> None:
        events = []
        for item in items:
            self.sent += 1
            event = {"type": "click", "event_id": f"{user}-{item}-{self.sent}", "ts": now_ms()}
            events.append({**event, "user_id": user, "item_id": item})
        answer = self.client.post("/v1/events", json=events)
        assert answer.status_code == 202, answer.text

    def read(self, path: str, **asked: Any) -> Any:
        answer = self.client.get(path, params=asked)
        return answer.json() if answer.status_code == 200 else {"items": [], "neighbours": []}

    def ids(self, path: str, **asked: Any) -> list[str]:
        return [item["item_id"] for item in self.read(path, **asked)["items"]]


@pytest.fixture
def site(settings: Settings, tmp_path: Path) -> Any:
    @contextmanager
    def opened(name: str) -> Iterator[Site]:
        folder = tmp_path / name
        folder.mkdir()
        kafka, redis = settings.kafka, settings.redis
        more = {
            "HEADRACE_KAFKA__PARTITIONS": str(kafka.partitions),
            "HEADRACE_MODEL__REGISTRY": str(tmp_path / "models"),
            "HEADRACE_RANKER__WHERE": "here",
        }
        with gateway(folder, kafka.bootstrap, redis.url, str(redis.prefix), more=more) as running:
            yield Site(running.client)

    return opened


async def test_answers_follow_what_users_do(settings: Settings, tmp_path: Path, site: Any) -> None:
    await ensure_topics(settings.kafka)
    with worker(tmp_path, settings.kafka, settings.redis), site("one") as here:
        await eventually(lambda: here.client.get("/readyz").status_code == 200)
        here.put(
            *(
                {"item_id": item, "title": item, "categories": [category], "price": 5.0}
                for item, category in CATEGORY.items()
            )
        )
        await eventually(lambda: set(here.ids("/v1/latest", n=20)) == set(CATEGORY))

        for user in ("ann", "bob", "cid"):
            here.click(user, "kit", "sticks")
        here.click("dot", "bow", "rosin")
        await eventually(lambda: here.ids("/v1/trending", n=20)[:2] in (["kit", "sticks"], ["sticks", "kit"]))
        await eventually(lambda: here.ids("/v1/items/kit/similar", by="behaviour") == ["sticks"])
        await eventually(lambda: here.ids("/v1/items/bow/similar", by="behaviour") == ["rosin"])
        assert here.ids("/v1/items/kit/similar", by="behaviour", categories="strings") == []
        assert set(here.ids("/v1/popular", categories="strings")) == {"bow", "rosin"}

        # A user's own answers: what they met is gone from them.
        await eventually(
            lambda: "sticks" in here.ids("/v1/items/kit/similar", user_id="dot", impression=False)
        )
        here.click("dot", "sticks")
        await eventually(
            lambda: "sticks" not in here.ids("/v1/items/kit/similar", user_id="dot", impression=False)
        )
        feed = here.ids("/v1/users/dot/feed", categories="drums", impression=False)
        assert feed == ["kit"], "ranked now, without what was met a moment ago"

        await eventually(lambda: {"bob", "cid", "dot"} == neighbours(here, "ann"))
        found = here.read("/v1/users/ann/neighbours")["neighbours"]
        assert [each["user_id"] for each in found] == ["bob", "cid", "dot"]
        assert (found[0]["score"], found[0]["common"]) == (1.0, 2)
        assert found[2]["items"] == ["sticks"]

        # A page that one gateway began, another one goes on with.
        first = here.read("/v1/trending", n=2)
        with site("other") as there:
            await eventually(lambda: len(there.ids("/v1/trending", n=20)) == 4)
            rest = there.read("/v1/trending", n=20, cursor=first["cursor"])
            shown = [item["item_id"] for page in (first, rest) for item in page["items"]]
            assert shown == here.ids("/v1/trending", n=20)

        here.put({"item_id": "sticks", "title": "sticks", "available": False})
        for path in ("/v1/trending", "/v1/latest", "/v1/items/kit/similar"):
            await eventually(lambda path=path: "sticks" not in here.ids(path, n=20))  # type: ignore[misc]
            assert here.read(path, n=1)["items"] or "similar" in path


def neighbours(here: Site, user: str) -> set[str]:
    return {each["user_id"] for each in here.read(f"/v1/users/{user}/neighbours")["neighbours"]}
