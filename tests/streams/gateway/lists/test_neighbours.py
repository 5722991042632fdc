"""Who is like a user, over HTTP: of those who acted while the ranker followed, and who are still there."""

from __future__ import annotations

import pytest

from tests.connected.events_on_kafka import eventually
from tests.streams.gateway.lists.test_item_lists import read, refused
from tests.streams.gateway.ranking.conftest import Opened, Site
from tests.streams.worker.conftest import click

HISTORIES = {
    "ann": ("item-1", "item-2", "item-3"),
    "bob": ("item-1", "item-2", "item-9"),
    "cid": ("item-3", "item-10", "item-11"),
    "dot": ("item-12",),
}


async def acted(site: Site) -> None:
    """All of them, and the ranker has heard of it."""
    offset = 60
    for user, items in HISTORIES.items():
        for item in items:
            await site.desk.take(click(offset, user, item))
            offset += 1

    async def known() -> bool:
        return bool(await site.ranker.ask(lambda core: "dot" in (core.recent_users or ())))

    await eventually(known)


async def test_they_are_those_who_met_the_same(site: Opened) -> None:
    async with site() as here:
        await acted(here)
        body = await read(here, "/v1/users/ann/neighbours", n=100)
        some = await read(here, "/v1/users/ann/neighbours", n=1)
    found = {each["user_id"]: each for each in body["neighbours"]}
    assert body["user_id"] == "ann"
    assert {"bob", "cid"} <= set(found) <= {"bob", "cid", "u0", "u1", "u2"}
    assert (found["bob"]["common"], sorted(found["bob"]["items"])) == (2, ["item-1", "item-2"])
    assert (found["cid"]["common"], found["cid"]["items"]) == (1, ["item-3"])
    assert 1.0 > found["bob"]["score"] > found["cid"]["score"] > 0.0
    assert some["neighbours"] == body["neighbours"][:1] == [found["bob"]]
    assert body["among"] == 6, "u0, u1, u2, bob, cid, dot"


async def test_who_is_gone_from_the_store_is_not_shown(site: Opened) -> None:
    async with site() as here:
        await acted(here)
        del here.store._states.values["bob"]
        body = await read(here, "/v1/users/ann/neighbours", n=1)
        assert [each["user_id"] for each in body["neighbours"]] != ["bob"]
        assert len(body["neighbours"]) == 1


async def test_somebody_of_whom_nothing_is_known(site: Opened) -> None:
    async with site() as here:
        assert await refused(here, "/v1/users/nobody/neighbours") == (404, "unknown_user")


@pytest.mark.parametrize("asked", [{"n": 0}, {"n": 101}, {"cursor": "x"}])
async def test_what_cannot_be_asked(site: Opened, asked: dict[str, object]) -> None:
    async with site() as here:
        assert (await refused(here, "/v1/users/u1/neighbours", **asked))[0] == 400
