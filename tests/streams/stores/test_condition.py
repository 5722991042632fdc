"""What a server says of itself, in several servers' words, and what is made of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.stores.condition import SOUND, Condition, concerns, read_condition, refused, waits_for

INFO = (
    "# Server\r\nredis_version:7.2.4\r\n\r\n# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:{policy}\r\n"
    "# Persistence\r\nloading:{loading}\r\nrdb_last_bgsave_status:{snapshots}\r\naof_enabled:{aof}\r\n"
    "aof_last_write_status:{appends}\r\n# Replication\r\nrole:{role}\r\nmaster_host:10.0.0.1:6379\r\n"
)
USUAL = {
    "policy": "noeviction",
    "loading": "0",
    "snapshots": "ok",
    "aof": "1",
    "appends": "ok",
    "role": "master",
}
CONFIG = {"maxmemory-policy": "noeviction", "appendonly": "yes", "save": "3600 1"}


def info(**changed: str) -> str:
    return INFO.format(**USUAL | changed)


def test_a_good_server_is_sound() -> None:
    assert read_condition(info(), CONFIG) == SOUND
    assert concerns(SOUND) == []
    assert waits_for(SOUND) is None


def test_config_wins_and_info_will_do() -> None:
    assert read_condition(info(policy="allkeys-lfu"), CONFIG).policy == "noeviction"
    assert read_condition(info(policy="allkeys-lfu"), {}).policy == "allkeys-lfu"
    assert read_condition(info(aof="0"), {}).appendonly is False
    assert read_condition("", CONFIG) == SOUND._replace(role="")
    assert read_condition("", {}) == Condition()


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-lru", "volatile-ttl", "allkeys-random", ""])
def test_any_other_policy_is_a_concern_and_refused(policy: str) -> None:
    found = concerns(SOUND._replace(policy=policy))
    assert [concern.kind for concern in found] == ["eviction"]
    assert refused(found)
    assert policy in found[0].text


@pytest.mark.parametrize(
    ("appendonly", "saves", "failing", "concern"),
    [
        (True, False, "", False),
        (False, True, "", False),
        (False, False, "", True),
        (False, None, "", True),
        (None, None, "", False),
        (True, True, "snapshots", True),
    ],
)
def test_persistence_is_a_concern_and_never_refused(
    appendonly: bool | None, saves: bool | None, failing: str, concern: bool
) -> None:
    found = concerns(SOUND._replace(appendonly=appendonly, saves=saves, failing=failing))
    assert [each.kind for each in found] == ["persistence"] * concern
    assert not refused(found)


def test_a_disk_that_fails_is_named() -> None:
    assert read_condition(info(snapshots="err", appends="err"), {}).failing == "snapshots and appendonly"
    assert not read_condition(info(), {"save": ""} | CONFIG).failing
    assert read_condition(info(), {"save": ""}).saves is False


@pytest.mark.parametrize(
    ("changed", "kind"),
    [({"role": "slave"}, "role"), ({"role": "replica"}, "role"), ({"loading": "1"}, "loading")],
)
def test_what_passes_is_waited_for(changed: dict[str, str], kind: str) -> None:
    waited = waits_for(read_condition(info(**changed), CONFIG))
    assert waited is not None
    assert waited.kind == kind


@given(st.text(), st.dictionaries(st.sampled_from(list(CONFIG)), st.text()))
def test_any_answer_is_read(said: str, config: dict[str, str]) -> None:
    condition = read_condition(said, config)
    concerns(condition)
    waits_for(condition)
