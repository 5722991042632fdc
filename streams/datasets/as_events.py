"""A dataset's rows as the events that an app would send for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from streams.datasets.interactions import Interactions
from streams.datasets.item_texts import ItemText
from streams.events.schema import Click, Item, Review, User
from streams.state.event_meaning import text_of, texts_of


def event_of(events: Interactions, k: int, event_id: str) -> Click | Review:
    """Row k: a review if it has a rating or a text, else a click if the file has actions or searches, else a
    review without rating and text.

    If the file also has texts, a title belongs to the review. A title alone mostly belongs to the item, and
    the event leaves it out.
    """
    user, item, ts, rating = events.user[k], events.item[k], int(events.ts_ms[k]), float(events.rating[k])
    text = title = ""
    if events.text is not None:
        text, title = events.text[k], "" if events.title is None else events.title[k]
    slate = None if events.slate is None else events.slate[k] or None
    acted = events.action is not None or events.query is not None
    if acted and np.isnan(rating) and not text.strip() and not title.strip():
        action = "click" if events.action is None else events.action[k]
        query = "" if events.query is None else events.query[k]
        return Click(
            event_id=event_id,
            ts=ts,
            user_id=user,
            item_id=item,
            action=action,
            query=query,
            slate_id=slate,
        )
    stars = None if np.isnan(rating) else rating
    return Review(
        event_id=event_id,
        ts=ts,
        user_id=user,
        item_id=item,
        rating=stars,
        title=title,
        text=text,
        slate_id=slate,
    )


def left_out(events: Interactions) -> tuple[str, ...]:
    """Notes on values in the columns that no event carries."""
    notes = []
    if events.title is not None and events.text is None:
        notes.append("titles are left out: a review's title is read where there is a column of texts, too")
    if events.action is not None or events.query is not None:
        reviews = [k for k in range(len(events)) if isinstance(event_of(events, k, ""), Review)]
        if events.action is not None and reviews:
            notes.append(
                f"{len(reviews)} rows with a rating or a text are reviews, whatever their action says"
            )
        searched = sum(bool(events.query[k].strip()) for k in reviews) if events.query is not None else 0
        if searched:
            notes.append(
                f"{searched} searches are left out: their rows are reviews, and only a click has one"
            )
    return tuple(notes)


def item_of(item_id: str, item: ItemText, ts_ms: int) -> Item:
    """The event of an item's description, at time `ts_ms`."""
    return Item(
        event_id=f"item {item_id}",
        ts=ts_ms,
        item_id=item_id,
        title=item.title,
        text=item.text,
        categories=list(item.categories),
        tags=list(item.tags),
        price=item.price,
        image_vector=list(item.image_vector) or None,
        audio_vector=list(item.audio_vector) or None,
    )


def profile_of(user_id: str, profile: Mapping[str, str], ts_ms: int) -> User:
    """The event of a user's profile, at time `ts_ms`."""
    return User(event_id=f"profile {user_id}", ts=ts_ms, user_id=user_id, profile=dict(profile))


def texts_of_events(events: Interactions) -> Iterator[str]:
    """All texts of the rows that the encoder reads."""
    if events.text is None and events.query is None:
        return
    for k in range(len(events)):
        yield from texts_of(event_of(events, k, ""))


def reviews_of(events: Interactions, until: int | None = None) -> list[str]:
    """The review text of each row, up to row `until`; "" for none."""
    rows = len(events) if until is None else min(until, len(events))
    if events.text is None:
        return [""] * rows
    return [text_of(event_of(events, k, "")) for k in range(rows)]
