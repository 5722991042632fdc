"""Examples from the stream: what serving would compute, and nothing of what comes later."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from model.actions import ACTIONS
from model.examples import EXAMPLE_FIELDS, Shard, id_number
from streams.datasets.interactions import Interactions
from streams.events.schema import Click, Impression
from streams.examples.collector import FAR, NEGATIVES_FAR, NEGATIVES_NEAR, ExampleCollector, places_of
from streams.examples.target import Target, target_of
from streams.learning.kept_slates import NOTHING_KEPT
from streams.offline.stream_driver import Prequential, Stream
from streams.ranking.request import Search
from streams.recommender import Recommender
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.state.catalog import ItemRecord
from tests.streams.core import START_MS, Small, toy_model, unit

EVENTS, USERS, ITEMS = 160, 8, 40


def stream(seed: int = 1, tied: bool = False) -> Interactions:
    """Seeded interactions in time order; nobody meets an item twice."""
    rng = np.random.default_rng(seed)
    met: set[tuple[int, int]] = set()
    while len(met) < EVENTS:
        met.add((int(rng.integers(USERS)), int(rng.integers(ITEMS))))
    pairs = sorted(met, key=lambda pair: rng.random())
    steps = rng.integers(0, 2, EVENTS) if tied else np.ones(EVENTS, np.int64)
    return Interactions(
        [f"u{user}" for user, _ in pairs],
        [f"i{item}" for _, item in pairs],
        START_MS + 1_000 * np.cumsum(steps),
        np.where(rng.random(EVENTS) < 0.5, rng.integers(1, 6, EVENTS), np.nan).astype(np.float32),
    )


def driven(events: Interactions) -> Prequential:
    run = Prequential(Recommender(Settings()), Stream(events, {}, {}))
    rng = np.random.default_rng(5)
    text = [unit(rng.normal(size=64)).astype(np.float16).tobytes() for _ in range(ITEMS)]
    run.announce([ItemRecord(f"i{row}", START_MS, text=text[row]) for row in range(ITEMS)], START_MS)
    return run


def collected(events: Interactions, until: int = EVENTS, shard_size: int = 2_500) -> list[Shard]:
    run = driven(events)
    collector = ExampleCollector(run.recommender, seed=3, shard_size=shard_size)
    run.warm(until, collector, 20, lambda done: None)
    return collector.shards()


def column(shards: Sequence[Shard], name: str) -> np.ndarray:
    found: np.ndarray = np.concatenate([getattr(shard, name) for shard in shards])
    return found


def rows(shards: Sequence[Shard], name: str) -> np.ndarray:
    """The catalog's rows that a column of places in the shards' items stands for; -1 for none."""
    found = []
    for shard in shards:
        numbers = np.array([int(item[1:]) for item in shard.items] + [-1], np.int32)
        found.append(numbers[getattr(shard, name)])
    return np.concatenate(found)


def test_an_example_holds_the_met_item_first_and_others_after_it() -> None:
    events = stream()
    shards = collected(events)
    candidates = rows(shards, "candidates")
    assert len(candidates) == EVENTS - 20
    assert candidates.shape[1] == 1 + NEGATIVES_NEAR + NEGATIVES_FAR
    expected = [int(item[1:]) for item in events.item[20:]]
    assert candidates[:, 0].tolist() == expected
    assert not (candidates[:, 1:] == candidates[:, :1]).any()
    assert column(shards, "rating").tolist() == pytest.approx(events.rating[20:].tolist(), nan_ok=True)


def test_negatives_are_nothing_the_user_has_met() -> None:
    events = stream()
    met: dict[str, set[int]] = {}
    candidates = rows(collected(events), "candidates")
    for k, (user, item) in enumerate(zip(events.user, events.item, strict=True)):
        if k >= 20:
            assert not met.get(user, set()) & set(candidates[k - 20].tolist())
        met.setdefault(user, set()).add(int(item[1:]))


def test_examples_hold_what_serving_computes_for_the_same_state_and_moment() -> None:
    events = stream(tied=True)
    shards = collected(events)
    examples = {name: column(shards, name) for name in EXAMPLE_FIELDS}
    examples |= {name: rows(shards, name) for name in ("history", "candidates")}
    run = driven(events)
    run.recommender.serve(toy_model(run.recommender.pipeline))
    while run.at < EVENTS:
        if run.at >= 20:
            k = run.at - 20
            draft, row = run.predict()
            users = draft.batch.users
            assert examples["user_features"][k].tobytes() == users.user_features[0].tobytes()
            assert examples["history_features"][k].tobytes() == users.history_features[0].tobytes()
            for name in ("words", "liked", "query", "profile"):
                assert examples[name][k].tobytes() == getattr(users, name)[0].tobytes(), name
            actions = examples["history_actions"][k]
            assert actions.tolist() == users.history_actions[0].tolist()
            assert examples["action"][k] == ACTIONS.index("review")
            assert examples["ts_ms"][k] == draft.now_ms
            assert examples["user_events"][k] == draft.state.interactions
            assert examples["item_events"][k] == events.item[: run.at].count(events.item[run.at])
            assert examples["found"][k] == (row in draft.rows[:-1])
            history = examples["history"][k]
            assert history[history >= 0].tolist() == draft.history.tolist()
            served = {int(each): draft.features[at] for at, each in enumerate(draft.rows[:-1].tolist())}
            for place, candidate in enumerate(examples["candidates"][k].tolist()):
                if candidate in served:
                    assert examples["candidate_features"][k, place].tobytes() == served[candidate].tobytes()
            assert row == examples["candidates"][k, 0]
        run.learn()


def same(one: Sequence[Shard], other: Sequence[Shard], until: int) -> None:
    for name in EXAMPLE_FIELDS:
        read = rows if name in ("history", "candidates") else column
        assert read(one, name)[:until].tobytes() == read(other, name)[:until].tobytes(), name


def test_the_same_stream_and_seed_give_the_same_bytes() -> None:
    same(collected(stream()), collected(stream()), EVENTS)


def test_a_later_event_changes_no_earlier_example() -> None:
    events = stream()
    at = 100
    changed = Interactions(list(events.user), list(events.item), events.ts_ms.copy(), events.rating.copy())
    unmet = set(events.item) - {
        item for user, item in zip(events.user, events.item, strict=True) if user == "u0"
    }
    changed.user[at], changed.item[at], changed.rating[at] = "u0", min(unmet), 5.0
    changed.ts_ms[at:] += 10_000_000
    assert (changed.user[at], changed.item[at]) != (events.user[at], events.item[at])
    one, other = collected(events), collected(changed)
    same(one, other, at - 20)
    later = slice(at - 20, None)
    assert (
        column(one, "candidate_features")[later].tobytes()
        != column(other, "candidate_features")[later].tobytes()
    )


def signals_of(small: Small, user: str, now_ms: int) -> list[list[float]]:
    """What the pairs say of each item."""
    rows, places = np.arange(5, dtype=np.int32), small.core.pipeline.workspace.places
    found: list[list[float]] = small.context(user, now_ms=now_ms).pairs.of(rows, places).tolist()
    return found


def test_two_events_of_one_tie_teach_nothing_of_their_order() -> None:
    """Whichever came first: a third user who met one of them finds the other with the same order signals."""
    found = []
    for first, second in ((1, 2), (2, 1)):
        small = Small(items=5)
        small.act("u", first, ts=START_MS + 1_000)
        small.act("u", second, ts=START_MS + 1_000)
        small.act("asks", 1, ts=START_MS + 2_000)
        small.act("asks-too", 2, ts=START_MS + 2_000)
        values = [signals_of(small, user, START_MS + 3_000) for user in ("asks", "asks-too")]
        assert values[0][2] == values[1][1]
        found.append(values)
    assert found[0] == found[1]


def test_items_that_come_while_a_shard_is_filled_have_their_text_in_it() -> None:
    small = Small(items=30)
    small.announce_all(seed=1)
    small.random_events(150, users=5, seed=2)
    collector = ExampleCollector(small.core, seed=1)
    collector.take(small.state("u1"), small.now_ms, Target(29, 1, np.nan))
    known = small.core.catalog.text[:30].copy()
    small.announce(0, unit(np.ones(64)), ts=small.now_ms + 1)
    small.core.meet(["late"], small.now_ms)
    small.announce(30, unit(np.arange(1.0, 65.0)), ts=small.now_ms + 1)
    collector.take(small.state("u1"), small.now_ms, Target(30, 1, np.nan))
    (shard,) = collector.shards()
    assert shard.items[shard.candidates[1, 0]] == "late"
    place = {item: k for k, item in enumerate(shard.items.tolist())}
    assert (shard.text[place["i0"]] == known[0].astype(np.float16)).all()  # as it was when the shard began
    assert (shard.text[place["late"]] == small.core.catalog.text[30].astype(np.float16)).all()
    assert shard.attributes[place["late"]].tolist() == small.core.catalog.attributes[30].tolist()


def test_shards_are_closed_at_their_size() -> None:
    shards = collected(stream(), shard_size=50)
    assert [len(shard) for shard in shards] == [50, 50, 40]
    same(shards, collected(stream()), EVENTS)


def test_where_there_is_nothing_to_choose_from_there_is_no_example() -> None:
    small = Small(items=1)
    collector = ExampleCollector(small.core, seed=1)
    collector.take(small.state("u"), START_MS, Target(0, 1, np.nan))
    assert collector.shards() == []


@pytest.mark.parametrize("whole", [False, True])
def test_what_is_learned_from_does_not_depend_on_the_pool_of_service(whole: bool) -> None:
    """So another `candidates.pool` trains the same network; what it is judged on is another thing."""
    found = []
    for pool in (12, 30):
        small = Small(items=60, settings=override(Settings(), {"candidates": {"pool": pool}}))
        small.announce_all(seed=1)
        small.random_events(150, users=5, seed=2)
        collector = ExampleCollector(small.core, seed=1, whole=whole)
        for user in ("u0", "u1", "u2"):
            state = small.state(user)
            row = next(row for row in range(60) if not state.has_consumed(row))
            assert collector.take(state, small.now_ms, Target(row, 1, np.nan))
        (shard,) = collector.shards()
        found.append(b"".join(getattr(shard, name).tobytes() for name in EXAMPLE_FIELDS))
    assert (found[0] == found[1]) is not whole


def test_what_is_judged_on_holds_the_whole_pool_of_service() -> None:
    small = Small(items=30)
    small.announce_all(seed=1)
    small.random_events(150, users=5, seed=2)
    state = small.state("u1")
    row = next(row for row in range(30) if not state.has_consumed(row))
    collector = ExampleCollector(small.core, seed=1, whole=True)
    searched = unit(np.arange(1.0, 65.0))
    collector.take(state, small.now_ms, Target(row, ACTIONS.index("purchase"), np.nan, searched))
    (shard,) = collector.shards()
    draft = small.draft("u1", score_also=(row,), search=Search("", searched))
    assert shard.candidates.shape == (1, Settings().candidates.pool + 1)
    (found,) = rows([shard], "candidates")
    assert found[0] == row
    assert sorted(found[found >= 0].tolist()) == sorted({*draft.rows.tolist()})
    assert not shard.candidate_features[shard.candidates < 0].any()
    assert shard.action.tolist() == [ACTIONS.index("purchase")]
    assert (shard.query[0] == searched).all()
    assert shard.found.tolist() == [row in draft.rows[:-1]]


def test_what_was_shown_and_not_chosen_is_known_as_such() -> None:
    """Also how likely it was shown, where that is told."""
    small = Small(items=30)
    small.random_events(100, users=5, seed=2)
    core = small.core
    state = small.state("u1")
    unmet = [row for row in range(30) if not state.has_consumed(row)]
    items = [f"i{row}" for row in unmet[:3]]
    shown = Impression(
        event_id="s", ts=small.now_ms, user_id="u1", slate_id="list 1", items=items,
        surface="home", arm="b", propensities=[0.5, 0.25, 0.125],
    )  # fmt: skip
    kept = core.show(NOTHING_KEPT, shown).kept
    click = Click(
        event_id="c", ts=small.now_ms + 9, user_id="u1", item_id=f"i{unmet[1]}", position=1, value=2.5
    )
    met = target_of(core, state, click, kept=kept)
    assert met is not None
    collector = ExampleCollector(core, seed=1, whole=True)
    assert collector.take(state, click.ts, met)
    (made,) = collector.shards()
    numbers = (made.slate[0], made.surface[0], made.arm[0])
    assert numbers == tuple(map(id_number, ("list 1", "home", "b")))
    assert (made.position.tolist(), made.value.tolist()) == ([1], [2.5])
    of = {made.items[place]: at for at, place in enumerate(made.candidates[0].tolist()) if place >= 0}
    told = {item: made.propensity[0, at] for item, at in of.items() if made.shown[0, at]}
    assert told == {f"i{row}": each for row, each in zip(unmet[:3], [0.5, 0.25, 0.125], strict=True)}
    assert np.isnan(made.propensity[0][~made.shown[0]]).all()


def test_what_was_drained_is_forgotten() -> None:
    small = Small(items=30)
    small.random_events(100, users=5, seed=2)
    collector = ExampleCollector(small.core, seed=1, shard_size=2)
    for _ in range(3):
        collector.take(small.state("u1"), small.now_ms, Target(29, 1, np.nan))
    assert len(collector) == 3
    assert [len(each) for each in collector.drain()] == [2, 1]
    assert (len(collector), collector.drain()) == (0, [])


def test_examples_have_features_where_no_model_scores_now() -> None:
    """`rescoring.enabled` says how slates are made, not what a model to come learns from."""
    found = []
    for enabled in (True, False):
        small = Small(items=60, settings=override(Settings(), {"rescoring": {"enabled": enabled}}))
        small.random_events(300, users=8, seed=2)
        collector = ExampleCollector(small.core, seed=1)
        assert collector.take(small.state("u1"), small.now_ms, Target(3, ACTIONS.index("click"), np.nan))
        found.append(collector.shards())
    same(found[0], found[1], 1)


def shown_to(small: Small, user: str, count: int) -> Target:
    """A click on the first of so many items that were just shown."""
    rows = list(range(count))
    items = [f"i{row}" for row in rows]
    impression = Impression(event_id="s", ts=small.now_ms, user_id=user, slate_id="list", items=items)
    kept = small.core.show(NOTHING_KEPT, impression).kept
    click = Click(event_id="c", ts=small.now_ms + 9, user_id=user, item_id="i0", slate_id="list")
    met = target_of(small.core, small.state(user), click, kept=kept)
    assert met is not None
    return met


def test_what_was_passed_over_is_what_the_choice_is_told_from() -> None:
    """All of a short list; of a long one as many as fit. The rest comes from the pool, as ever."""
    small = Small(items=60)
    small.random_events(200, users=5, seed=2)
    for count, expected in ((6, 5), (40, NEGATIVES_NEAR)):
        collector = ExampleCollector(small.core, seed=1)
        assert collector.take(small.state("u1"), small.now_ms + 9, shown_to(small, "u1", count))
        (made,) = collector.shards()
        (candidates,) = rows([made], "candidates")
        assert candidates[0] == 0
        first = candidates[1 : 1 + expected].tolist()
        assert set(first) <= set(range(1, count))
        assert len(set(first)) == expected
        assert made.shown[0, : 1 + expected].all()
        assert candidates.shape == (1 + NEGATIVES_NEAR + NEGATIVES_FAR,)


def test_features_of_what_was_passed_over_are_those_of_service() -> None:
    small = Small(items=60)
    small.random_events(200, users=5, seed=2)
    state, met = small.state("u1"), shown_to(small, "u1", 6)
    collector = ExampleCollector(small.core, seed=1)
    collector.take(state, small.now_ms, met)
    (made,) = collector.shards()
    plan = small.core.plan({"rescoring": {"enabled": True}, "candidates": {"pool": FAR}})
    asked = (met.row, *met.source.passed)
    draft = small.draft("u1", plan=plan, score_also=asked, complete=False)
    at = places_of(draft, draft.placed)
    found = {int(draft.rows[place]): draft.features[place] for place in at}
    for place, row in enumerate(rows([made], "candidates")[0][:6].tolist()):
        assert made.candidate_features[0, place].tobytes() == found[row].tobytes()


def test_a_list_alone_is_enough_to_choose_from() -> None:
    """Where the user has met everything else, and no source brings anything."""
    small = Small(items=3)
    for row in range(3):
        small.act("u1", row)
    collector = ExampleCollector(small.core, seed=1)
    assert collector.take(small.state("u1"), small.now_ms + 9, shown_to(small, "u1", 3))
    (made,) = collector.shards()
    assert set(rows([made], "candidates")[0].tolist()) == {0, 1, 2}
