"""What a store's server says of itself, and what of that would lose what is kept in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

KEEPS = "noeviction"

Kind = Literal["eviction", "persistence", "role", "loading"]
KINDS: tuple[Kind, ...] = ("eviction", "persistence", "role", "loading")


class Condition(NamedTuple):
    """`policy`: of eviction. `role`: master, slave. "" and None: the server does not say.

    `appendonly`, `saves`: whether each write goes to a file, and whether snapshots are taken by themselves.
    `failing`: which of the two failed when it was last tried.
    """

    policy: str = ""
    role: str = ""
    loading: bool = False
    appendonly: bool | None = None
    saves: bool | None = None
    failing: str = ""


class Concern(NamedTuple):
    """`text` says what is so, and what to do."""

    kind: Kind
    text: str


SOUND = Condition(KEEPS, "master", appendonly=True, saves=True)


def read_condition(info: str, config: Mapping[str, str]) -> Condition:
    """From the text of INFO, and from what CONFIG GET told (nothing, where it is refused).

    >>> read_condition("# Memory\\r\\nmaxmemory_policy:allkeys-lru\\r\\nrole:master\\r\\n", {}).policy
    'allkeys-lru'
    """
    lines = (line.partition(":") for line in info.splitlines() if not line.startswith("#"))
    said = {name.strip(): value.strip() for name, _, value in lines}
    failing = [
        what
        for what, field in (("snapshots", "rdb_last_bgsave_status"), ("appendonly", "aof_last_write_status"))
        if said.get(field, "ok") not in {"ok", ""}
    ]
    appendonly = config.get("appendonly", said.get("aof_enabled", "")).lower()
    return Condition(
        policy=config.get("maxmemory-policy", said.get("maxmemory_policy", "")).lower(),
        role=said.get("role", "").lower(),
        loading=said.get("loading", "0") not in {"0", ""},
        appendonly=appendonly in {"yes", "1"} if appendonly else None,
        saves=config["save"].strip() != "" if "save" in config else None,
        failing=" and ".join(failing),
    )


def waits_for(condition: Condition) -> Concern | None:
    """Why nothing can be written at the moment: this passes, so it is waited for."""
    if condition.loading:
        return Concern("loading", "the store is loading its data")
    if condition.role in {"slave", "replica"}:
        return Concern(
            "role",
            "the store is a replica, which takes no writes; name the primary in redis.url, or promote it",
        )
    return None


def concerns(condition: Condition) -> list[Concern]:
    """What would lose states, feeds or counters without anybody's being told."""
    found = []
    if condition.policy != KEEPS:
        policy = condition.policy or "not told (neither CONFIG GET nor INFO)"
        found.append(
            Concern(
                "eviction",
                f"the store's maxmemory-policy is {policy}: where its memory is full it forgets users and"
                f" counters; set it to {KEEPS}",
            )
        )
    if condition.failing:
        found.append(Concern("persistence", f"the store can't write its {condition.failing}; see its log"))
    elif condition.appendonly is False and condition.saves is False:
        found.append(
            Concern(
                "persistence", "the store keeps nothing on disk: a restart empties it; set appendonly yes"
            )
        )
    elif condition.appendonly is False and condition.saves is None:
        found.append(
            Concern(
                "persistence",
                "the store has appendonly off, and does not say whether it takes snapshots; see that it does",
            )
        )
    return found


def refused(found: list[Concern]) -> str:
    """Why a store is refused where `redis.strict` is set; "" where it is not.

    What is not on disk can be read from Kafka again for as long as Kafka keeps it; what is evicted can't be
    told from what never was.
    """
    return "; ".join(concern.text for concern in found if concern.kind == "eviction")
