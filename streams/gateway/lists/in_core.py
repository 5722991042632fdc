"""What lists ask of the recommender, in the thread of the core: rows become ids, and ids rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from streams.gateway.feeds import FeedReason
from streams.gateway.lists.answers import ListedItem, NeighbourOfUser
from streams.ranking.lists.for_user import in_order_of
from streams.ranking.lists.item_lists import ItemLists
from streams.ranking.lists.neighbours import neighbours
from streams.ranking.lists.page import MOST, Entry, ListAsk, Page
from streams.ranking.lists.similar import By, SimilarAsk
from streams.ranking.slate import SlateItem
from streams.recommender import Recommender
from streams.state import user_state_codec


class ListedPage(NamedTuple):
    """A page by ids."""

    items: list[ListedItem]
    cursor: str | None


class Candidates(NamedTuple):
    """What is left of a list of similar items: ids, and the page of all of them by rows."""

    item_ids: tuple[str, ...]
    ask: SimilarAsk
    left: Page


class FoundNeighbours(NamedTuple):
    """`among`: of so many users."""

    users: list[NeighbourOfUser]
    among: int


def page(recommender: Recommender, lists: ItemLists, name: str, asked: ListAsk) -> ListedPage:
    """A page of one of the lists that are the same for all."""
    return _listed(recommender, lists.page(recommender.pipeline, name, asked))


def similar(
    recommender: Recommender, lists: ItemLists, item_id: str, by: By, asked: ListAsk
) -> ListedPage | None:
    """A page of what is like an item; None where nobody knows the item."""
    row = recommender.catalog.rows.get(item_id)
    if row is None:
        return None
    (found,) = lists.similar(recommender.pipeline, [SimilarAsk(row, by, asked)])
    return _listed(recommender, found)


def candidates(
    recommender: Recommender,
    lists: ItemLists,
    item_id: str,
    by: By,
    asked: ListAsk,
    user: str,
    state: bytes | None,
) -> Candidates | None:
    """All that is left of a list for this user, without what they have met; None as `similar` says."""
    row = recommender.catalog.rows.get(item_id)
    if row is None:
        return None
    ask = SimilarAsk(row, by, asked, user)
    everything = ask._replace(asked=ListAsk(MOST, asked.now_ms, asked.filter, asked.cursor))
    (found,) = lists.similar(recommender.pipeline, [everything])
    known = user_state_codec.decode(state)
    left = [entry for entry in found.entries if not recommender.met_for_good(known, entry.row)]
    ids = recommender.catalog.ids
    return Candidates(tuple(ids[entry.row] for entry in left), ask, Page(left))


def ordered(recommender: Recommender, found: Candidates, items: Sequence[SlateItem]) -> ListedPage:
    """The page of what is left, in the order of a slate of it."""
    rows = {each: entry.row for each, entry in zip(found.item_ids, found.left.entries, strict=True)}
    scores = [(rows[item.item_id], item.score) for item in items]
    return _listed(recommender, in_order_of(found.ask, found.left, scores))


def near_users(recommender: Recommender, user: str, state: bytes, n: int) -> FoundNeighbours:
    """Who is like a user, by what is at hand of others."""
    users, items = recommender.recent_users, len(recommender.catalog)
    if users is None:
        return FoundNeighbours([], 0)
    known = user_state_codec.decode(state)
    signs = recommender.meanings.signs(known.items, known.actions, known.ratings)
    met = (known.items if signs is None else known.items[signs >= 0])[::-1]
    found = neighbours(recommender.pipeline, users, user, met[met < items].astype(np.int32), n)
    ids = recommender.catalog.ids
    return FoundNeighbours(
        [
            NeighbourOfUser(each.user, each.score, each.common, [ids[row] for row in each.shared])
            for each in found
        ],
        len(users) - (user in users.slots),
    )


def _listed(recommender: Recommender, found: Page) -> ListedPage:
    ids = recommender.catalog.ids
    return ListedPage([_item(ids, entry) for entry in found.entries], found.cursor or None)


def _item(ids: Sequence[str], entry: Entry) -> ListedItem:
    reason = entry.reason
    return ListedItem(
        ids[entry.row], entry.score, entry.source, FeedReason(reason.kind, reason.item_id, reason.text)
    )
