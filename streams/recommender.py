"""The core as one object: events are folded, counters follow, slates come out.

The worker, `replay` and the making of training examples all drive this class; none has a rule of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from model.schema import F32, HIGHEST_RATING, LOWEST_RATING
from streams.counters.counters import Counters
from streams.events.schema import Impression, UserEvent
from streams.ranking.degradation import Rung
from streams.ranking.draft import Draft
from streams.ranking.pipeline import Pipeline
from streams.ranking.rescoring import ModelInService
from streams.ranking.slate import Slate, slate_id
from streams.settings.tree import Settings
from streams.state.catalog import Catalog, ItemRecord, decode_item
from streams.state.event_meaning import items_named
from streams.state.fold import Applied, Delivery, apply
from streams.state.knowledge_graph import Graph
from streams.state.ledger import Record
from streams.state.user_state import Interaction, UserState


class Recommender:
    """One catalog, one set of counters and the pipeline over them; `graph`: what is known of how items are
    related, if anything.
    """

    def __init__(self, settings: Settings, graph: Graph | None = None) -> None:
        self.settings = settings
        self.catalog = Catalog(modalities=settings.model.modalities)
        self.meanings = settings.meanings
        self.counters = Counters(settings.counters, self.meanings)
        self.pipeline = Pipeline(settings, self.catalog, self.counters, graph)
        self.blocking = self.meanings.blocking

    def meet(self, item_ids: Sequence[str], now_ms: int) -> None:
        """Take item ids under the next row numbers."""
        if item_ids:
            self.catalog.extend(item_ids, now_ms)
            self.pipeline.grow()

    def knows(self, row: int) -> bool:
        """Whether the item was announced, or any event of it learned; else it was met just now."""
        return bool(self.catalog.announced_ms[row] >= 0 or self.counters.popularity.events[row] > 0)

    def announce(self, row: int, record: ItemRecord, arrived_ms: int) -> ItemRecord | None:
        """Take an update as it arrives: the record as it is kept, or None where a newer one is known."""
        return self.catalog.announce(row, record, arrived_ms, self.settings.events.max_early_ms)

    def met_for_good(self, state: UserState, row: int) -> bool:
        """Whether the user has met the item in a way that keeps it from coming back (`feed.repeat`)."""
        return state.has_consumed(row, self.blocking)

    def put_item(self, row: int, record: ItemRecord) -> bool:
        """Take an item as it now is; False where a newer one is known."""
        return self.catalog.put(row, record)

    def apply(self, state: UserState, event: UserEvent, delivery: Delivery, words: F32 | None) -> Applied:
        """Fold one event into its user's state and, where it counted, into the counters.

        Every item that the event names must have been met (`meet`); `words` is a review's vector or None.
        """
        rows = tuple(self.catalog.rows[item_id] for item_id in items_named(event))
        applied = apply(state, event, delivery, rows, words, self.settings.state, self.meanings)
        if applied.interaction is not None:
            self._count(applied.interaction)
            if words is not None:
                self.catalog.hear(applied.interaction.row, words)
        elif applied.skipped is None and isinstance(event, Impression):
            self.counters.show(np.array(rows, np.int32))
        return applied

    def follow(self, record: Record) -> None:
        """Count what another process has applied. Its items must have been met."""
        for interaction in record.interactions:
            self._count(interaction)
        for rows in record.impressions:
            self.counters.show(rows)
        for row, raw in record.items:
            self.put_item(row, decode_item(raw))
        for row, words in record.heard:
            self.catalog.hear(row, words)

    def _count(self, interaction: Interaction) -> None:
        """An item that nobody announced is as old as its first event: the same in every process."""
        self.counters.observe(interaction)
        self.catalog.date(interaction.row, int(self.counters.popularity.first_ms[interaction.row]))

    def recommend(
        self, users: Mapping[str, UserState], now_ms: int, rung: Rung, causes: Mapping[str, str]
    ) -> list[Slate]:
        """A slate for each user, all rescored in one run."""
        if rung in ("full", "fewer"):
            self.refresh_model()
        drafts = self.pipeline.drafts(list(users.values()), now_ms, rung)
        self.pipeline.rank(drafts)
        return [
            self.slate(user, draft, causes.get(user, "")) for user, draft in zip(users, drafts, strict=True)
        ]

    def slate(self, user: str, draft: Draft, cause: str) -> Slate:
        """The slate of a ranked draft. Its id is a function of what made it, so a replay gives it again."""
        model = self.pipeline.model
        name = model.name if model is not None and draft.rung in ("full", "fewer") else ""
        return Slate(
            slate_id=slate_id(user, cause, draft.now_ms, name, draft.rung),
            user_id=user,
            ts=draft.now_ms,
            items=self.pipeline.items(draft),
            model=name,
            rung=draft.rung if name or draft.rung == "popular" else "counters",
            cause=cause,
        )

    def serve(self, model: ModelInService | None) -> None:
        """Swap the model; call it between two batches."""
        if model is not None:
            model.read_actions(self.meanings.says)
        self.pipeline.model = model

    def refresh_model(self) -> None:
        """Bring the model's item vectors up to date with the catalog."""
        model, changed = self.pipeline.model, self.catalog.changed
        if model is not None and (changed or model.known < len(self.catalog)):
            model.refresh(self.catalog, list(changed))
        changed.clear()

    def expected_ratings(self, draft: Draft) -> NDArray[np.float32]:
        """The ratings expected of a scored draft's rows, cut to the scale."""
        return np.clip(draft.rating, LOWEST_RATING, HIGHEST_RATING)
