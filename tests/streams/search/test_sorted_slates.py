"""What becomes of a slate in an order that was asked for: it is remembered as shown, and teaches nothing."""

from __future__ import annotations

import numpy as np

from streams.events.schema import Click
from streams.experiments.assignment.arm_text import counted_in
from streams.gateway.impressions import impression_of
from streams.learning.experts.adaptive_learner import AdaptiveLearner
from streams.learning.experts.level_state import GLOBAL
from streams.learning.experts.settings import ReweightingSettings
from streams.learning.kept_slates import NOTHING_KEPT
from streams.learning.steps import Bounds, on_answer, on_impression, on_time
from streams.search.searching import SearchAsked
from streams.search.sorted_search import sorted_search
from streams.search.wanted import Wanted
from streams.state.action_meaning import BUILT_IN
from streams.state.user_state import Interaction
from tests.streams.learning.experts.streams_of_choices import COLUMNS
from tests.streams.learning.slates import WAIT_MS
from tests.streams.search.catalogue import NOW_MS, SHOP, shop

BOUNDS = Bounds(WAIT_MS, slates=4, bytes=16_384, recent=3)


def test_what_is_shown_and_clicked_in_it_is_joined_and_moves_no_learner() -> None:
    made = shop()
    asked = SearchAsked(
        made.indexed.understand("guitar"), None, user="u", cause="c", wanted=Wanted("price:asc")
    )
    slate = sorted_search(made.core, made.indexed, asked, NOW_MS).slate
    prices = [SHOP[int(item.item_id[1:])].price for item in slate.items]
    assert [item.score for item in slate.items] == prices == sorted(filter(None, prices))
    assert counted_in(slate.arm) == ()

    rows = [int(item.item_id[1:]) for item in slate.items]
    shown = impression_of(slate, len(rows), "u", NOW_MS, "search", "shown")
    assert shown.propensities is None
    kept = on_impression(NOTHING_KEPT, shown, rows, BOUNDS).kept
    click = Click(
        event_id="click", ts=NOW_MS + 5, user_id="u", item_id=slate.items[1].item_id, slate_id=slate.slate_id
    )
    done = Interaction(rows[1], NOW_MS + 5, 0, float("nan"), np.empty(0, np.int32), 0, user="u")
    answered = on_answer(kept, click, done, BOUNDS)
    assert answered.outcome == "joined"
    (lesson,) = on_time("u", answered.kept, NOW_MS + 10 * WAIT_MS, BOUNDS).lessons
    assert lesson.answers
    assert not lesson.propensity_bytes

    learner = AdaptiveLearner(ReweightingSettings(guard_alpha=0), COLUMNS, BUILT_IN)
    learner.learn(lesson)
    assert learner.counts()["other_columns"] == 1
    assert learner.report().levels[GLOBAL].lessons == 0
    assert not learner.learned
