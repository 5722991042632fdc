"""Metarank's requests, as its documentation of 0.7.11 has them (doc/api.md, doc/event-schema.md)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any
from urllib.parse import quote

import msgspec
import numpy as np

from benchmarks.peers.metarank_events import described, interaction, past, ranking
from benchmarks.peers.peer import Address, Sent, Step, answer_of
from benchmarks.peers.world import World
from model.errors import SettingsError
from streams.bench.asking import Fault, status_must_be
from streams.bench.workload import acts, clicks

BATCH = 500
DRAWN = 1_024  # requests of one size; a longer run takes them over again


class Accepted(msgspec.Struct):
    """The answer to feedback."""

    status: str
    accepted: int


class Scored(msgspec.Struct):
    item: str
    score: float


class Ranked(msgspec.Struct):
    """The answer to a ranking request."""

    items: list[Scored]


class Metarank:
    """`model`: the name of a model in its configuration; `candidates`: items of one ranking, in turn."""

    name = "metarank"
    api = "metarank 0.7.11, doc/api.md and doc/event-schema.md"

    def __init__(self, address: Address, model: str, candidates: list[int]) -> None:
        self._address, self._model, self._candidates = address, quote(model, safe=""), candidates

    def alive(self) -> tuple[bytes, Fault]:
        """`GET /health`."""
        return self._address.request("GET", "/health"), status_must_be(200)

    def loading(self, world: World) -> Iterator[Sent]:
        """Items, users, and a ranking before each event, which names it; then the model is trained."""
        yield from self._sent("items and users", described(world))
        yield from self._sent("rankings and events", past(world))
        train = self._address.request("POST", f"/train/{self._model}")
        yield Sent("trained model", 1, train, answer_of(dict[str, Any], lambda _: ""))

    def steps(self, world: World, seed: int) -> list[Step]:
        """A ranking of candidates of each size, and events in as `headrace bench ingest` sends them."""
        drawn = acts(world.users, list(world.items), world.popularity, seed)
        events = (
            self._address.request("POST", "/feedback", [interaction(click, None)])
            for click in clicks(f"bench-{world.now_ms}", drawn)
        )
        ranks = [
            Step(f"rank {size}", cycle(self._ranks(world, size, seed)), _ranked(size))
            for size in self._candidates
        ]
        return [*ranks, Step("an event in", events, _accepted(1))]

    def _sent(self, what: str, events: Iterator[dict[str, Any]]) -> Iterator[Sent]:
        while part := list(islice(events, BATCH)):
            yield Sent(
                what, len(part), self._address.request("POST", "/feedback", part), _accepted(len(part))
            )

    def _ranks(self, world: World, size: int, seed: int) -> list[bytes]:
        items, rng = list(world.items), np.random.default_rng(seed)
        if size > len(items):
            raise SettingsError(f"--candidates {size}: there are {len(items):,} items; ask for fewer")
        users = islice(acts(world.users, items, world.popularity, seed), DRAWN)
        chance = world.popularity / world.popularity.sum()
        return [
            self._address.request(
                "POST",
                f"/rank/{self._model}",
                ranking(
                    f"bench-{world.now_ms}-{number}",
                    world.now_ms,
                    user,
                    [items[k] for k in rng.choice(len(items), size, replace=False, p=chance)],
                ),
            )
            for number, (user, _) in enumerate(users)
        ]


def _accepted(count: int) -> Fault:
    return answer_of(
        Accepted,
        lambda answer: "" if (answer.status, answer.accepted) == ("ok", count) else "not all accepted",
    )


def _ranked(size: int) -> Fault:
    def wrong(ranked: Ranked) -> str:
        items = [each.item for each in ranked.items]
        return "" if len(set(items)) == size == len(items) else "other count of items"

    return answer_of(Ranked, wrong)
