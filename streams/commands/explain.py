"""Why a user is shown what they are shown: each score again without each of the items they met lately.

  headrace explain --user 42
  headrace explain --user 42 --item 318

Reads the store of a running deployment, the model in force and the knowledge graph of the settings, as a
worker does, and changes nothing. It is exact, and too dear for every feed: one more slate for each item left
out. Run it with the settings of the workers: a slate as they would make it now, on the rung full.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING, NamedTuple

from model.errors import DataError, StoreError
from streams.commands.options import add_settings, settings_from
from streams.settings.tree import DEFAULT_ARM, Settings

if TYPE_CHECKING:
    from streams.attribution import Place
    from streams.recommender import Recommender
    from streams.state.user_state import UserState
    from streams.stores.base import Store


class LoadedUser(NamedTuple):
    """The core as the store has it, with the model in force, and one user's state in it."""

    recommender: Recommender
    state: UserState
    now_ms: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--user", required=True, help="whose slate")
    parser.add_argument("--item", help="this item alone, whether or not it is on the slate")
    parser.add_argument("--places", type=int, default=5, help="how many of the slate (5)")
    parser.add_argument(
        "--history", type=int, default=10, help="how many of the last items to leave out (10)"
    )
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    # Imported here, so that --help and a wrong option answer at once.
    from streams.attribution import explained

    known = asyncio.run(_known(settings_from(args), args.user))
    core, state, now_ms = known
    arm = core.arms_of(args.user, state, now_ms)
    if arm != DEFAULT_ARM:
        _say(f"the user's slates are made by {arm}")
    _show(explained(core, state, now_ms, args.item, args.places, args.history, arm))
    _show_sources(core)
    return 0


def _show(places: list[Place]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("item", "score", "the feed's reason", "without", "the score falls by", box=None)
    for place in places:
        reason = "not on the slate"
        if place.reason is not None:
            reason = " ".join(filter(None, (place.reason.kind, place.reason.item_id)))
        for k, (item_id, worth) in enumerate(place.worth):
            lead = (place.item_id, f"{place.score:.3f}", reason) if k == 0 else ("", "", "")
            table.add_row(*lead, item_id, f"{worth:+.3f}")
    Console(markup=False, highlight=False).print(table)


def _show_sources(recommender: Recommender) -> None:
    """What the sources earned, and the quotas that follow from it, where any arm has them."""
    from rich.console import Console
    from rich.table import Table

    recommender.look_back()
    if not recommender.earned:
        return
    quotas = recommender.quotas()
    arms = [f"of the pool ({arm})" for arm in quotas]
    table = Table("source", "clicks", "places looked at", "clicks a place", *arms, box=None)
    for source, earned in recommender.earned.items():
        shares = [f"{of[source]:.1%}" for of in quotas.values()]
        table.add_row(source, f"{earned.clicks:.1f}", f"{earned.places:.1f}", f"{earned.rate:.4f}", *shares)
    console = Console(markup=False, highlight=False)
    console.print()
    console.print(table)


async def _known(settings: Settings, user: str) -> LoadedUser:
    from streams.stores.redis.store import RedisStore

    store = RedisStore(settings.redis)
    try:
        return await known(settings, store, user)
    finally:
        await store.close()


async def known(settings: Settings, store: Store, user: str) -> LoadedUser:
    """What a worker that starts now would know; raises `DataError` for an unknown user.

    Says where scores may be other ones than those of the user's feed.
    """
    from streams.clock import SystemClock
    from streams.serving.live import open_live
    from streams.serving.model_watcher import LogOnly
    from streams.state.user_state import newest_row
    from streams.state.user_state_codec import decode

    class Aloud(LogOnly):
        def fell_back(self, asked: str, got: str) -> None:
            _say(f"the model runs on {got}, not on {asked}: last digits differ")

        def warned(self, warning: str) -> None:
            _say(warning)

    clock = SystemClock()
    opened = open_live(settings, store, clock, read_only=True, texts=False, watcher=Aloud())
    async with opened as live:
        async with live.replica.lock:
            (raw,) = await live.store.states([user])
            if raw is None:
                raise DataError(
                    f"nothing is known of user {user!r}; check --user, and namespace (or redis.prefix)"
                )
            state = decode(raw)
            await live.replica.know(newest_row([state]))
        if (stored := await live.store.feed(user)) is not None:
            _compare(stored, live.models.name)
        return LoadedUser(live.recommender, state, clock.now_ms())


def _compare(stored: bytes, model: str) -> None:
    """Say where the user's feed is no slate of this model on the rung full."""
    from streams.ranking import slate as stored_slate

    try:
        slate = stored_slate.decode(stored)
    except StoreError as error:
        _say(str(error))
        return
    if (slate.rung, slate.model) != ("full", model):
        made_by = f"model {slate.model!r}" if slate.model else "no model"
        _say(f"the user's feed was made with {made_by} on rung {slate.rung}; this is {model!r} on rung full")


def _say(note: str) -> None:
    print(f"note: {note}", file=sys.stderr)
