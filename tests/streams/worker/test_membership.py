"""Membership is confirmed by the group's coordinator, and in doubt where it is silent."""

from __future__ import annotations

from streams.settings import KafkaSettings
from streams.worker.membership import Membership, watch_membership


class Coordinator:
    """Answers as it is told."""

    def __init__(self) -> None:
        self.good, self.resets = True, 0

    async def _do_heartbeat(self) -> bool:
        return self.good

    async def _do_rejoin_group(self, subscription: object) -> bool:
        return self.good

    def reset_generation(self) -> None:
        self.resets += 1


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
    now_s += 2.5
    assert not membership.trouble
    coordinator.good = False
    assert not await coordinator._do_heartbeat()
    now_s += 1.0
    assert "not confirmed for 3.5 s" in membership.trouble
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
