"""What an event teaches: the met item, and where the event says that it came from."""

from __future__ import annotations

import numpy as np

from model.actions import ACTIONS
from streams.events.schema import Click, Impression, Review, User
from streams.examples.target import Target, target_of
from streams.learning.kept_slates import NOTHING_KEPT
from streams.recommender import Recommender
from streams.settings.tree import Settings
from streams.state.catalog import ItemRecord
from streams.state.consumed import EVERY_ACTION, NOTHING
from streams.state.event_meaning import Vectors
from streams.state.user_state import NO_ROWS, Interaction, UserState
from tests.streams.core import unit


def test_what_an_event_teaches_is_the_same_for_all_who_collect() -> None:
    core = Recommender(Settings())
    core.meet(["known", "only met"], 5)
    core.put_item(0, ItemRecord("known", 5))
    searched = unit(np.arange(1.0, 65.0))
    click = Click(event_id="e", ts=9, user_id="u", item_id="known", action="cart", query="red")
    met = target_of(core, UserState(), click, Vectors(searched=searched))
    assert met is not None
    assert (met.row, met.action) == (0, ACTIONS.index("cart"))
    assert np.isnan(met.rating)
    assert met.searched is searched
    review = Review(event_id="e", ts=9, user_id="u", item_id="known", rating=4.0)
    assert target_of(core, UserState(), review) == Target(0, ACTIONS.index("review"), 4.0)
    consumed = UserState(consumed=NOTHING.add(0, 1, EVERY_ACTION, 100))
    assert target_of(core, consumed, click) is None
    for item in ("only met", "never heard of"):
        assert target_of(core, UserState(), Click(event_id="e", ts=9, user_id="u", item_id=item)) is None
    assert target_of(core, UserState(), User(event_id="e", ts=9, user_id="u")) is None


def test_without_a_kept_slate_the_source_is_what_the_event_says() -> None:
    core = Recommender(Settings())
    core.meet(["known"], 5)
    core.put_item(0, ItemRecord("known", 5))
    click = Click(event_id="e", ts=9, user_id="u", item_id="known", position=1)
    met = target_of(core, UserState(), click)
    assert met is not None
    assert (met.source.slate_id, len(met.source.shown), met.source.position) == ("", 0, 1)


def test_what_was_chosen_from_a_slate_teaches_though_it_was_met_before() -> None:
    """Once: what is done with the place afterwards is no choice any more."""
    core = Recommender(Settings())
    core.meet(["a", "b", "c"], 5)
    consumed = UserState(consumed=NOTHING.add(1, 1, EVERY_ACTION, 100))
    shown = Impression(event_id="s", ts=8, user_id="u", slate_id="list", items=["a", "b", "c"])
    kept = core.show(NOTHING_KEPT, shown).kept
    click = Click(event_id="e", ts=9, user_id="u", item_id="b", slate_id="list")
    met = target_of(core, consumed, click, kept=kept)
    assert met is not None
    assert met.source.chosen
    assert met.source.passed == (0, 2)
    assert target_of(core, consumed, click) is None  # without the slate it comes from anywhere
    rows = core.catalog.rows
    answered = core.join(kept, click, Interaction(rows["b"], 9, 1, np.nan, NO_ROWS, 0)).kept
    like = Click(event_id="f", ts=10, user_id="u", item_id="b", slate_id="list", action="like")
    assert target_of(core, consumed, like, kept=answered) is None
    other = Click(event_id="g", ts=11, user_id="u", item_id="c", slate_id="list")
    second = target_of(core, consumed, other, kept=answered)
    assert second is not None
    assert second.source.passed == (0,)  # b was chosen, too
