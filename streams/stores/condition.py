"""The condition that a store's server reports, and the concerns that put its data at risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

KEEPS = "noeviction"

Kind = Literal["eviction", "persistence", "role", "loading"]
KINDS: tuple[Kind, ...] = ("eviction", "persistence", "role", "loading")


class Condition(NamedTuple):
    """`policy`: of eviction. `role`: master, slave. "" and None: the server does not say.

    `appendonly`, `saves`: whether the server appends each write to a file, and whether it takes snapshots by
    itself. `failing`: which of the two failed at the last try.
    """

    policy: str = ""
    role: str = ""
    loading: bool = False
    appendonly: bool | None = None
    saves: bool | None = None
    failing: str = ""


class ServerLoad(msgspec.Struct, frozen=True):
    """What a store's server, or all of them together, have to do; None where they do not say.

    `memory_limit_bytes`: 0 where there is none. `commands_per_s`: of late, as the server measures it.
    """

    servers: int = 1
    version: str = ""
    memory_bytes: int | None = None
    memory_limit_bytes: int | None = None
    commands_per_s: float | None = None
    clients: int | None = None
    keys: int | None = None
    up_s: int | None = None


class Concern(NamedTuple):
    """`text` says what is wrong, and what to do."""

    kind: Kind
    text: str


SOUND = Condition(KEEPS, "master", appendonly=True, saves=True)


def read_load(infos: Sequence[str]) -> ServerLoad:
    """The load in the texts of INFO, one of each server.

    >>> read_load(["redis_version:7.2.4\\r\\nused_memory:10\\r\\ndb0:keys=3,expires=1"]).keys
    3
    >>> read_load(["used_memory:10", "used_memory:5"]).memory_bytes
    15
    """
    fields = [_fields(info) for info in infos]

    def total(name: str) -> int | None:
        said = [int(each[name]) for each in fields if each.get(name, "").isdigit()]
        return sum(said) if said else None

    keys = [
        int(part.removeprefix("keys="))
        for each in fields
        for name, value in each.items()
        if name.startswith("db") and name[2:].isdigit()
        for part in value.split(",")
        if part.startswith("keys=")
    ]
    ups = [int(each["uptime_in_seconds"]) for each in fields if each.get("uptime_in_seconds", "").isdigit()]
    versions = [each.get("valkey_version") or each.get("redis_version", "") for each in fields]
    return ServerLoad(
        servers=len(infos),
        version=next(filter(None, versions), ""),
        memory_bytes=total("used_memory"),
        memory_limit_bytes=total("maxmemory"),
        commands_per_s=total("instantaneous_ops_per_sec"),
        clients=total("connected_clients"),
        keys=sum(keys) if keys else (None if not any(fields) else 0),
        up_s=min(ups) if ups else None,
    )


def _fields(info: str) -> dict[str, str]:
    lines = (line.partition(":") for line in info.splitlines() if not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in lines}


def read_condition(info: str, config: Mapping[str, str]) -> Condition:
    """The condition in the text of INFO and the answer of CONFIG GET (empty if the server refuses it).

    >>> read_condition("# Memory\\r\\nmaxmemory_policy:allkeys-lru\\r\\nrole:master\\r\\n", {}).policy
    'allkeys-lru'
    """
    info_fields = _fields(info)
    failing = [
        what
        for what, field in (("snapshots", "rdb_last_bgsave_status"), ("appendonly", "aof_last_write_status"))
        if info_fields.get(field, "ok") not in {"ok", ""}
    ]
    appendonly = config.get("appendonly", info_fields.get("aof_enabled", "")).lower()
    return Condition(
        policy=config.get("maxmemory-policy", info_fields.get("maxmemory_policy", "")).lower(),
        role=info_fields.get("role", "").lower(),
        loading=info_fields.get("loading", "0") not in {"0", ""},
        appendonly=appendonly in {"yes", "1"} if appendonly else None,
        saves=config["save"].strip() != "" if "save" in config else None,
        failing=" and ".join(failing),
    )


def worst_of(conditions: Sequence[Condition]) -> Condition:
    """One condition for several servers that keep a store together: whatever is wrong with one of them."""
    if len(conditions) == 1:
        return conditions[0]
    policies = [each.policy for each in conditions]
    known = [each.appendonly for each in conditions if each.appendonly is not None]
    saves = [each.saves for each in conditions if each.saves is not None]
    return Condition(
        policy=next((policy for policy in policies if policy != KEEPS), KEEPS if policies else ""),
        role=next((each.role for each in conditions if each.role != "master"), "master" if policies else ""),
        loading=any(each.loading for each in conditions),
        appendonly=all(known) if known else None,
        saves=all(saves) if saves else None,
        failing=next((each.failing for each in conditions if each.failing), ""),
    )


def waits_for(condition: Condition) -> Concern | None:
    """Why the store takes no writes at the moment: this passes, so callers wait."""
    if condition.loading:
        return Concern("loading", "the store is loading its data")
    if condition.role in {"slave", "replica"}:
        return Concern(
            "role",
            "the store is a replica, which takes no writes; name the primary in redis.url, or promote it",
        )
    return None


def concerns(condition: Condition) -> list[Concern]:
    """The facts that would lose states, feeds or counters in silence."""
    found = []
    if condition.policy != KEEPS:
        policy = condition.policy or "unknown (neither CONFIG GET nor INFO names it)"
        found.append(
            Concern(
                "eviction",
                f"the store's maxmemory-policy is {policy}: when its memory is full, it forgets users and"
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
    """Why a process refuses the store if `redis.strict` is set; "" if it does not.

    A worker can read data that is not on disk from Kafka again, as long as Kafka keeps it. Nothing tells
    evicted data from data that never was there.
    """
    return "; ".join(concern.text for concern in found if concern.kind == "eviction")
