"""After the warm-up nothing is left to compile: the first user does not wait for it."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import gc
import numpy as np
from numba.core.dispatcher import Dispatcher
from streams.serving.warm_up import warm_up
from streams.recommender import Recommender
from streams.serving.kept_counters import CountersCopy, restore
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.ranking.lists.item_lists import NAMES, ItemLists
from streams.ranking.lists.neighbours import neighbours
from streams.ranking.lists.page import ListAsk
from streams.ranking.lists.similar import SOURCES, SimilarAsk
from streams.ranking.request import NO_FILTER, ItemFilter
from streams.search.searching import SearchAsked, search
from streams.state.recent_users import RecentUsers
from streams.state.user_state import EMPTY, Interaction
from tests.streams.core import toy_model
from tests.streams.ranking.test_adaptation import lessons
from tests.streams.core import Small
from tests.streams.ranking.test_workspace import driven, few, many
from tests.streams.search.catalogue import shop, vector_of

def compiled():
    kernels = [each for each in gc.get_objects() if isinstance(each, Dispatcher)]
    ours = [each for each in kernels if each.py_func.__module__.split(".")[0] in ("streams", "model")]
    return {f"{each.py_func.__module__}.{each.py_func.__name__}": len(each.signatures) for each in ours}

bandit = {"exploration": {"share": 1.0, "policy": "thompson"}, "candidates": {"quotas": "thompson"}}
settings = override(Settings(), {"reweighting": {"enabled": True}, "arms": {"bandit": {"stages": bandit}}})
warm_up(settings, on_request=True)
before = compiled()
small = driven(settings)
small.core.recommend(many(small))
small.core.recommend(few(small))
for row in (1, 2, 3):
    small.act("u1", row, rating=1.0)
    small.core.recommend([small.request("u1")])
small.core.serve(toy_model(small.core.pipeline))
small.core.learn(lessons(small.core, 5))
assert not small.draft("u1").adapted
small.core.learner.levels.everyone.guard.follow(True)  # as if it had found the adapted order better
assert small.draft("u1").adapted
assert small.draft("u1", arm="bandit").propensities is not None
assert any(small.draft("u1", cause=f"e{n}", trial=True).tried for n in range(40))

# A snapshot, with events meanwhile, a late one among them; and what is made of it.
copy = CountersCopy(small.core)
small.act("u1", 4)
small.act("u2", 5, ts=small.now_ms - 3_600_000)
small.core.counters.show(np.array([1, 2], np.int32))
while not copy.step():
    small.act("u3", 6)
copy.end()
other = Recommender(settings)
other.meet(small.core.catalog.ids, 0)
restore(other, copy.pack())
other.recommend([small.request("u1")])

# Many items: an index, room that is made, withdrawn items.
many_items = Small(items=400, settings=override(Settings(), {"index": {"from_items": 100}}))
many_items.announce_all(seed=3)
many_items.random_events(100, users=4, seed=4)
many_items.core.index_beside(True)
many_items.core.prepare()
for n in range(3):
    many_items.core.meet([f"new {n} {k}" for k in range(300)], many_items.now_ms)
    many_items.announce(n, available=False, ts=many_items.now_ms + n)
    many_items.core.recommend([many_items.request("u1")])

# Lists, with what there is and with what there is not, and who is like a user.
lists, pipeline = ItemLists(settings), small.core.pipeline
asked = ListAsk(3, small.now_ms, ItemFilter(categories=("none such",), price_from=1.0))
for asked in (ListAsk(3, small.now_ms), asked):
    for name in NAMES:
        cursor = lists.page(pipeline, name, asked).cursor
        lists.page(pipeline, name, ListAsk(9, small.now_ms, asked.filter, cursor))
    lists.similar(pipeline, [SimilarAsk(2, by, asked) for by in SOURCES])
users = RecentUsers()
for record in (Interaction(1, 5, 1, 4.5, np.array([2, 3], np.int32)[::-1], 0, user=user) for user in "ab"):
    users.note(record, settings.meanings)
assert neighbours(pipeline, users, "a", small.state("u1").items[::-1], 5)

# Searches: by words and meaning, within what is left of a filter, and for nothing.
goods = shop()
straps = ItemFilter(categories=("Straps",))
for text, asked in (("guitar strop under 50", NO_FILTER), ("guitar", straps), ("", NO_FILTER)):
    query = SearchAsked(goods.indexed.understand(text), vector_of(text), filter=asked)
    assert search(goods.core, goods.indexed, query, EMPTY, small.now_ms).slate.items
after = compiled()
assert sum(after.values()) > 30, after
print(sorted(name for name, count in after.items() if count != before.get(name, 0)))
"""


def test_nothing_is_compiled_after_the_warm_up() -> None:
    """In a process of its own: in this one other tests have compiled everything."""
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, timeout=300
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[]"
