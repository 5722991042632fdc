"""The core as one object: the same events, the same slates; other processes follow."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from streams.counters.snapshot import pack_counters
from streams.events.schema import Impression
from streams.learning.kept_slates import NOTHING_KEPT, KeptSlate
from streams.learning.looks import digest_of_names
from streams.ranking import slate as stored_slate
from streams.ranking.degradation import RUNGS, Rung
from streams.ranking.model_inputs import feature_names
from streams.recommender import Recommender
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.state.ledger import Record, Showing, decode_record, encode_record
from streams.state.user_state import Interaction, StateSettings
from tests.streams.core import START_MS, Small, toy_model, unit, with_settings


def driven(seed: int = 2) -> Small:
    small = Small(items=60)
    small.announce_all(seed=1)
    small.random_events(300, users=10, seed=seed)
    small.core.serve(toy_model(small.core.pipeline))
    return small


def slates(small: Small, rung: Rung) -> list[bytes]:
    users = dict(sorted(small.states.items()))
    made = small.core.recommend([small.request(user, rung, cause=f"cause-{user}") for user in users])
    return [stored_slate.encode(slate) for slate in made]


@pytest.mark.parametrize("rung", RUNGS)
def test_the_same_events_give_the_same_bytes(rung: Rung) -> None:
    assert slates(driven(), rung) == slates(driven(), rung)
    assert slates(driven(), rung) != slates(driven(seed=3), rung)


@pytest.mark.parametrize("rung", RUNGS)
def test_asking_changes_nothing(rung: Rung) -> None:
    small = driven()
    before = pack_counters(small.core.counters)
    first = slates(small, rung)
    for other in RUNGS:
        slates(small, other)
    assert slates(small, rung) == first
    assert pack_counters(small.core.counters) == before


def test_a_slate_says_who_made_it() -> None:
    small = driven()
    user = "u1"
    for rung in RUNGS:
        (slate,) = small.core.recommend([small.request(user, rung, cause="e")])
        assert (slate.user_id, slate.cause, slate.ts, slate.rung) == (user, "e", small.now_ms, rung)
        assert slate.model == ("toy" if rung in ("full", "fewer") else "")
        assert len(slate.items) == 20
    small.core.serve(None)
    (slate,) = small.core.recommend([small.request(user)])
    assert (slate.model, slate.rung, slate.cause) == ("", "full", "")


def test_without_a_model_a_slate_is_as_cheap_as_it_can_be_on_its_rung() -> None:
    small = driven()
    assert [small.core.worthwhile(rung) for rung in RUNGS] == list(RUNGS)
    small.core.serve(None)
    assert [small.core.worthwhile(rung) for rung in RUNGS] == ["counters", "counters", "counters", "popular"]
    user, state, now_ms = "u1", small.state("u1"), small.now_ms
    cheap = small.core.request(state, now_ms, user=user, stages_of=small.core.worthwhile("full"))
    lowered = small.core.request(state, now_ms, user=user, rung="counters")
    assert (cheap.rung, cheap.plan) == ("full", lowered.plan)
    (first,), (second,) = small.core.recommend([cheap]), small.core.recommend([lowered])
    assert first == msgspec.structs.replace(second, rung="full"), "but for the rung, which is the ladder's"


def test_every_slate_has_an_id_of_its_own() -> None:
    small = driven()
    ids = set()
    for rung in RUNGS:
        for now_ms in (small.now_ms, small.now_ms + 1):
            for cause in ("a", "b"):
                for user in ("u1", "u2"):
                    asked = small.request(user, rung, now_ms, cause=cause)
                    (slate,) = small.core.recommend([asked])
                    ids.add(slate.slate_id)
    assert len(ids) == len(RUNGS) * 8


def test_what_slates_look_like_is_what_their_drafts_say() -> None:
    """Of slates of several lengths, with a model and without, in one batch."""
    small = Small(settings=with_settings(state=StateSettings(pending_items=4)))
    small.random_events(60, users=5, seed=3)
    small.announce_all(seed=3)
    small.core.serve(toy_model(small.core.pipeline))
    asked: list[tuple[str, Rung, int]] = [
        ("u0", "full", 7),
        ("u1", "counters", 5),
        ("u2", "full", 3),
        ("u3", "popular", 4),
        ("new", "full", 6),
    ]
    requests = [small.request(user, rung, size=size) for user, rung, size in asked]
    kept: list[KeptSlate] = []
    slates, mean = small.core.recommend(requests, kept), small.core.counters.popularity.mean_rating()
    for slate, look, request in zip(slates, kept, requests, strict=True):
        draft = small.core.draft(request)
        places = draft.rows[draft.order]
        assert (look.slate_id, look.ts, look.arm, look.model) == (
            slate.slate_id,
            slate.ts,
            slate.arm,
            slate.model,
        )
        assert look.rows == tuple(places.tolist())
        looks = look.looked()
        np.testing.assert_array_equal(looks.scores, draft.score[draft.order])
        assert look.waits is False
        if request.plan.rung != "full":
            assert (len(looks.features), looks.names) == (0, b"")
            continue
        heads = np.stack([draft.click + 0.3 * (draft.rating - mean), draft.click, draft.rating - mean])
        columns = [draft.features, heads.T, np.zeros((len(draft.rows), 1))]  # the model has no task "like"
        expected = np.concatenate(columns, axis=1)[draft.order[:4]].clip(-65_504, 65_504)
        np.testing.assert_allclose(looks.features, expected.astype(np.float16), rtol=1e-3)
        heads_of_it = ("base", "head_click", "head_rating", "head_like")
        assert looks.names == digest_of_names((*feature_names(small.core.pipeline.names), *heads_of_it))


def test_a_process_that_follows_counts_the_same() -> None:
    here, there = Small(items=60), Recommender(Settings())
    there.meet(here.core.catalog.ids, START_MS)
    told: list[Interaction] = []
    observe = here.core.counters.observe

    def listen(interaction: Interaction) -> None:
        told.append(interaction)
        observe(interaction)

    here.core.counters.observe = listen  # type: ignore[method-assign]  # what a batch writes into its record
    here.random_events(200, users=10, seed=7)
    shown = Impression(event_id="shown", ts=here.now_ms, user_id="u1", slate_id="s", items=["i1", "i2"])
    here.core.show(NOTHING_KEPT, shown)

    for begin in range(0, len(told), 7):  # as ledger entries of seven
        there.follow(decode_record(encode_record(Record(interactions=told[begin : begin + 7]))))
    there.follow(decode_record(encode_record(Record(impressions=[Showing(np.array([1, 2], np.int32))]))))

    assert pack_counters(there.counters) == pack_counters(here.core.counters)
    assert there.counters.popularity.shown[:3].tolist() == [0, 1, 1]


def test_a_redelivered_event_counts_once() -> None:
    small = driven()
    before = pack_counters(small.core.counters)
    shown = Impression(event_id="x", ts=small.now_ms, user_id="u1", slate_id="s", items=["i1"])
    kept = small.core.show(NOTHING_KEPT, shown).kept
    once = pack_counters(small.core.counters)
    assert once != before
    again = small.core.show(kept, shown)
    retried = small.core.show(kept, msgspec.structs.replace(shown, event_id="y"))
    assert (again.outcome, again.kept, again.showing) == ("duplicate", kept, None)
    assert (retried.outcome, retried.kept.slates, retried.showing) == ("again", kept.slates, None)
    assert pack_counters(small.core.counters) == once


def test_a_review_speaks_for_its_item_and_its_user() -> None:
    small = Small(items=3)
    words = unit(np.ones(64))
    state = small.act("u", 1, rating=4.0, words=words)
    assert (small.core.catalog.text[1] == words).all()
    assert (state.words == words).all()
    assert small.core.counters.popularity.rating_sum[1] == 4.0


def test_expected_ratings_stay_on_the_scale() -> None:
    small = driven()
    draft = small.draft("u1")
    draft.batch.rating[:3] = [-3.0, 2.5, 9.0]
    assert small.core.expected_ratings(draft)[:3].tolist() == [1.0, 2.5, 5.0]


def test_nobody_asked_nobody_answered() -> None:
    assert driven().core.recommend([]) == []
    small = driven()
    assert small.core.recommend([small.request("", "popular")])[0].items


def test_the_first_item_that_comes_to_a_prepared_core_copies_no_column() -> None:
    """With a million items the slates would wait for a second and more."""
    small = Small(items=300, settings=override(Settings(), {"index": {"from_items": 100}}))
    small.announce_all(seed=1)
    small.random_events(100, users=4, seed=2)
    small.core.serve(toy_model(small.core.pipeline))
    small.core.prepare()
    small.core.recommend([small.request("u1")])

    def columns() -> dict[str, int]:
        """Where each column lies."""
        (model,) = small.core.pipeline.models.all()
        indexes = [index.cells.tables._asdict() for index in small.core.pipeline.indexes if index.cells]
        parts = [
            *(vars(small.core.catalog), vars(small.core.counters.popularity)),
            *(vars(small.core.counters.pairs), vars(model), *indexes),
        ]
        return {
            f"{k} {name}": value.ctypes.data
            for k, part in enumerate(parts)
            for name, value in part.items()
            if isinstance(value, np.ndarray)
        }

    before = columns()
    assert len(before) > 35
    small.core.meet(["new"], small.now_ms)
    small.announce(300, unit(np.ones(64)), ts=small.now_ms)
    small.act("u1", 300)
    assert small.core.recommend([small.request("u1")])
    assert columns() == before
