"""Membership is confirmed by the group's coordinator, and in doubt where it is silent."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka.errors import KafkaError

from streams.settings.connections import KafkaSettings
from streams.worker import membership as module
from streams.worker.membership import Membership, watch_membership


class Coordinator:
    """Answers as it is told."""

    def __init__(self) -> None:
        self.good, self.resets, self.rejoins = True, 0, 0
        self.kept: list[Exception] = []
        self._closing: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def _do_heartbeat(self) -> bool:
        return self.good

    async def _do_rejoin_group(self, subscription: object) -> bool:
        return self.good

    def reset_generation(self) -> None:
        self.resets += 1

    def request_rejoin(self) -> None:
        self.rejoins += 1

    async def _push_error_to_user(self, error: Exception) -> None:
        self.kept.append(error)


async def test_only_good_answers_confirm_it() -> None:
    now_s = 50.0
    coordinator, membership = Coordinator(), Membership(KafkaSettings(), lambda: now_s)
    watch_membership(coordinator, membership)
    assert "being assigned" in membership.trouble
    coordinator.good = False
    assert not await coordinator._do_rejoin_group(object())
    assert membership.trouble
    coordinator.good = True
    assert await coordinator._do_rejoin_group(object())
    assert not membership.trouble
    now_s += 4.5  # a pause that is shorter than a session
    assert not membership.trouble
    coordinator.good = False
    assert not await coordinator._do_heartbeat()
    now_s += 1.0
    assert "not confirmed for 5.5 s" in membership.trouble
    coordinator.good = True
    assert await coordinator._do_heartbeat()
    assert not membership.trouble


async def test_a_worker_that_the_group_has_dropped_is_no_member() -> None:
    coordinator, membership = Coordinator(), Membership(KafkaSettings())
    watch_membership(coordinator, membership)
    assert await coordinator._do_heartbeat()
    coordinator.reset_generation()
    assert coordinator.resets == 1
    assert membership.trouble


async def test_after_an_answer_that_is_not_known_the_group_is_joined_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "AGAIN_AFTER_S", 0.01)
    coordinator, membership = Coordinator(), Membership(KafkaSettings())
    watch_membership(coordinator, membership)
    assert await coordinator._do_heartbeat()
    await coordinator._push_error_to_user(KafkaError("a new one"))
    assert (coordinator.rejoins, coordinator.kept) == (1, [])
    assert "a new one" in membership.trouble
    assert await coordinator._do_rejoin_group(object())
    assert not membership.trouble
    await coordinator._push_error_to_user(defect := KeyError("a defect"))
    assert (coordinator.rejoins, coordinator.kept) == (1, [defect])
