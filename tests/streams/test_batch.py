"""One batch in, everything it comes to out; what fails does not touch the rest."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import numpy as np
import pytest

from model.errors import EventError
from model.schema import F32
from streams.batch import BatchResult, Incoming, process
from streams.events.schema import AnyEvent, Click, Control, Impression, Item, Review, User
from streams.examples.target import Target
from streams.learning import kept_slates_codec
from streams.recommender import Recommender
from streams.serving.kept_counters import copied, restore
from streams.settings.models import ModelSettings
from streams.settings.tree import Settings
from streams.state import user_state_codec
from streams.state.catalog import decode_item
from streams.state.event_meaning import NO_VECTORS, Vectors, rounded
from streams.state.fold import Delivery
from streams.state.ledger import decode_record, encode_record
from streams.state.user_state import ACTION_CODE, WORDS_DIM, UserState

NOW_MS = 1_700_000_000_000
ITEMS = [f"i{n}" for n in range(12)]


@pytest.fixture
def recommender() -> Recommender:
    recommender = Recommender(Settings())
    recommender.meet(ITEMS, NOW_MS)
    return recommender


def click(n: int, user: str = "ann", item: str = "i1", offset: int | None = None) -> Incoming:
    event = Click(event_id=f"e{n}", ts=NOW_MS + n, user_id=user, item_id=item)
    return Incoming(event, Delivery("clicks", n if offset is None else offset), NOW_MS + n - 3.5)


def incoming(event: AnyEvent, topic: str, offset: int = 0, said: F32 | None = None) -> Incoming:
    return Incoming(event, Delivery(topic, offset), NOW_MS, NO_VECTORS if said is None else Vectors(said))


def words(seed: int) -> F32:
    vector = np.random.default_rng(seed).normal(size=WORDS_DIM).astype(np.float32)
    return rounded(vector / np.linalg.norm(vector))


def run(recommender: Recommender, *batch: Incoming, **more: Any) -> BatchResult:
    return process(recommender, batch, more.pop("states", {}), NOW_MS + 100, more.pop("rung", "full"), **more)


def test_one_slate_for_each_user_who_acted(recommender: Recommender) -> None:
    """It comes from the last state in the batch, and names the event that caused it."""
    out = run(recommender, click(1), click(2, "bob"), click(3, item="i2"))
    assert sorted(out.states) == ["ann", "bob"]
    assert {slate.user_id: slate.cause for slate in out.slates} == {"ann": "e3", "bob": "e2"}
    ann = next(slate for slate in out.slates if slate.user_id == "ann")
    assert {"i1", "i2"}.isdisjoint(item.item_id for item in ann.items)
    assert ann.times == {"event": NOW_MS + 3, "accepted": NOW_MS - 0.5, "applied": NOW_MS + 100}
    assert out.applied == [0, 1, 2]
    assert [done.row for done in out.record.interactions] == [1, 1, 2]
    assert recommender.counters.interactions == 3


def test_impressions_and_profiles_make_no_slate(recommender: Recommender) -> None:
    shown = Impression(event_id="s", ts=NOW_MS, user_id="ann", slate_id="s", items=["i3", "i4"])
    profile = User(event_id="p", ts=NOW_MS, user_id="bob", profile={"city": "Oslo"})
    out = run(recommender, incoming(shown, "impressions"), incoming(profile, "users"))
    assert out.slates == []
    assert sorted(out.states) == ["bob"]
    assert [shown.rows.tolist() for shown in out.record.impressions] == [[3, 4]]
    assert recommender.counters.popularity.shown[:6].tolist() == [0, 0, 0, 1, 1, 0]


def test_what_was_applied_before_changes_nothing(recommender: Recommender) -> None:
    first = run(recommender, click(5))
    again = run(recommender, click(5), click(5, offset=9), states=first.states)
    assert again.skipped == {0: "offset", 1: "duplicate"}
    assert again.slates == []
    assert not again.record
    assert recommender.counters.interactions == 1


def test_the_states_given_are_not_changed(recommender: Recommender) -> None:
    states = run(recommender, click(1)).states
    before = states["ann"]
    run(recommender, click(2), states=states)
    assert states == {"ann": before}
    assert before.interactions == 1


def test_an_item_is_stored_told_and_put(recommender: Recommender) -> None:
    vector = words(1)
    event = Item(event_id="x", ts=NOW_MS, item_id="i7", title="Seven", price=3.5, available=False)
    old = Item(event_id="y", ts=NOW_MS - 1, item_id="i7", title="Sev")
    out = run(recommender, incoming(event, "items", said=vector), incoming(old, "items", 1, said=words(2)))
    assert out.applied == [0]
    assert out.skipped == {1: "older"}
    assert decode_item(out.items["i7"]).title == "Seven"
    assert out.record.items == [(7, out.items["i7"])]
    np.testing.assert_array_equal(recommender.catalog.text[7], vector)
    assert not recommender.catalog.available[7]


@pytest.mark.parametrize(
    "accepted_ms", [NOW_MS + 100.0, NOW_MS + 10.0**6, 5.0, NOW_MS / 1_000, 0.0, -5.0, float("nan")]
)
def test_an_items_time_is_no_later_than_its_arrival(recommender: Recommender, accepted_ms: float) -> None:
    """Nor is the arrival later than now, whatever a header says."""
    ahead = Item(event_id="x", ts=NOW_MS + 240_000, item_id="i7", title="Seven")
    out = run(recommender, Incoming(ahead, Delivery("items", 1), accepted_ms))
    assert decode_item(out.items["i7"]).ts == NOW_MS + 100 - (240_000 - 100)
    later = Item(event_id="y", ts=NOW_MS + 101, item_id="i7", available=False)
    assert process(recommender, [incoming(later, "items", 2)], {}, NOW_MS + 150, "full").applied == [0]
    assert not recommender.catalog.available[7]


def test_an_items_other_views_are_stored_at_length_one() -> None:
    seeing = Recommender(msgspec.structs.replace(Settings(), model=ModelSettings(image_dim=2, audio_dim=3)))
    seeing.meet(["i0", "i1", "i2"], NOW_MS)
    events = [
        Item(event_id="a", ts=NOW_MS, item_id="i0", tags=["t"], image_vector=[3.0, -4.0]),
        Item(event_id="b", ts=NOW_MS, item_id="i1", image_vector=[1.0, 2.0, 3.0], audio_vector=[0.0] * 3),
        Item(event_id="c", ts=NOW_MS, item_id="i2", image_vector=[], audio_vector=[1e6, 1e6, -1e6]),
    ]
    out = run(seeing, *(incoming(event, "items", k) for k, event in enumerate(events)))
    assert out.applied == [0, 1, 2]  # a vector of another size is left out, the item is kept
    image, audio = seeing.catalog.modalities["image"], seeing.catalog.modalities["audio"]
    pictures = np.array([[0.6, -0.8], [0, 0], [0, 0]])
    np.testing.assert_allclose(image[:3].astype(np.float64), pictures, atol=1e-3)
    sounds = np.array([[0, 0, 0], [0, 0, 0], [1, 1, -1]]) / 3**0.5
    np.testing.assert_allclose(audio[:3].astype(np.float64), sounds, atol=1e-3)
    assert decode_item(out.items["i0"]).tags == ["t"]
    assert len(decode_item(out.items["i1"]).image) == 6  # told to others as it came


def test_an_order_is_told(recommender: Recommender) -> None:
    event = Control(event_id="o", ts=NOW_MS, command="activate_model", model="m2")
    out = run(recommender, click(1), incoming(event, "control"), click(2))
    assert out.record.activate == "m2"
    assert len(out.record.interactions) == 2


def test_an_order_of_another_kind_activates_nothing(recommender: Recommender) -> None:
    """Such as a later build may know; it is set aside with a reason."""
    order = Control(event_id="o", ts=NOW_MS, command=cast("Any", "forget_user"), model="m2")
    out = run(recommender, click(1), incoming(order, "control"), click(2))
    assert out.record.activate == ""
    assert out.applied == [0, 2]
    assert isinstance(out.failed[1], EventError)
    assert out.failed[1].reason == "unknown_command"
    assert "'forget_user'" in str(out.failed[1])


def test_an_event_that_raises_is_set_aside(recommender: Recommender) -> None:
    """An item that was not met is an error of ours; the events around it do not suffer."""
    out = run(recommender, click(1), click(2, item="never met"), click(3, item="i4"))
    assert list(out.failed) == [1]
    assert isinstance(out.failed[1], KeyError)
    assert out.applied == [0, 2]
    assert out.states["ann"].interactions == 2
    assert out.slates[0].cause == "e3"
    assert recommender.counters.interactions == 2


class BrokenModel:
    """Can't do anything."""

    name = "broken"
    known = 0

    def refresh(self, catalog: object) -> None:
        raise RuntimeError("no vectors today")


def test_a_model_that_fails_leaves_the_counters(
    recommender: Recommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recommender.pipeline.models, "active", BrokenModel())
    out = run(recommender, click(1), click(2, "bob"))
    assert {slate.user_id for slate in out.slates} == {"ann", "bob"}
    assert {(slate.model, slate.rung) for slate in out.slates} == {("", "full")}
    assert sorted(out.unranked) == ["ann", "bob"]
    assert not out.failed


def test_the_record_makes_another_writerequal(recommender: Recommender) -> None:
    """Through the ledger's bytes: interactions, impressions, items and what reviews say of items."""
    shown = Impression(event_id="s", ts=NOW_MS, user_id="ann", slate_id="s", items=["i3", "i4"])
    review = Review(event_id="r", ts=NOW_MS + 9, user_id="bob", item_id="i5", rating=4.0, text="fine")
    item = Item(event_id="x", ts=NOW_MS, item_id="i7", title="Seven")
    out = run(
        recommender,
        click(1),
        incoming(shown, "impressions"),
        incoming(review, "reviews", said=words(1)),
        incoming(item, "items", said=words(2)),
        click(8, "bob", "i6"),
    )
    other = Recommender(Settings())
    other.meet(ITEMS, NOW_MS)
    other.follow(decode_record(encode_record(out.record)))
    for part in ("popularity", "pairs"):
        mine, theirs = vars(getattr(recommender.counters, part)), vars(getattr(other.counters, part))
        for name, value in mine.items():
            if isinstance(value, np.ndarray | int | float):
                np.testing.assert_array_equal(value, theirs[name], name)
    np.testing.assert_array_equal(recommender.catalog.text, other.catalog.text)
    np.testing.assert_array_equal(recommender.catalog.reviews, other.catalog.reviews)
    assert other.catalog.text[5].any()


def flood(user: str, n: int) -> list[Incoming]:
    """A user is shown five items, and clicks all of them, each one twice."""
    slate = f"s-{user}-{n}"
    shown = Impression(
        event_id=slate, ts=NOW_MS + 100 * n, user_id=user, slate_id=slate, items=ITEMS[2:7], surface="home"
    )
    clicks = [
        Click(
            event_id=f"{slate}-{k}",
            ts=NOW_MS + 100 * n + k,
            user_id=user,
            item_id=ITEMS[2 + k % 5],
            slate_id=slate,
        )
        for k in range(10)
    ]
    return [
        incoming(shown, "impressions", n),
        *(incoming(each, "clicks", 10 * n + k) for k, each in enumerate(clicks)),
    ]


def test_who_clicks_all_of_a_slate_moves_the_counters_little(recommender: Recommender) -> None:
    """And a user who loops moves nothing more. The state takes all of it."""
    out = run(recommender, *flood("ann", 0))
    assert [each.share for each in out.record.interactions] == [1.0, 1.0, 1.0, 0.5, 0.0] + 5 * [0.0]
    assert recommender.counters.popularity.total[2:7].tolist() == [1.0, 1.0, 1.0, 0.5, 0.0]
    states, kept = out.states, out.kept
    for n in range(1, 4):
        out = run(recommender, *flood("ann", n), states=states, kept=kept)
        states, kept = out.states, out.kept
    assert [each.share for each in out.record.interactions] == 10 * [0.0]
    assert recommender.counters.popularity.total[2:7].sum() < 6.0
    assert states["ann"].interactions == recommender.counters.interactions == 40
    again = run(recommender, *flood("ann", 3), states=states, kept=kept)
    assert again.record.interactions == []


def test_who_says_the_same_again_and_again_speaks_for_an_item_three_times(recommender: Recommender) -> None:
    told = [
        incoming(
            Review(event_id=f"r{n}", ts=NOW_MS + n, user_id="ann", item_id="i5", rating=1.0, text="bad"),
            "reviews",
            n,
            words(1),
        )
        for n in range(6)
    ]
    out = run(recommender, *told)
    assert len(out.record.heard) == 3
    assert recommender.catalog.reviews[5] == 3
    assert recommender.counters.popularity.rating_count[5] == 3
    assert out.states["ann"].rating_count == 6


def test_shares_are_the_same_wherever_batches_are_cut_and_in_followers() -> None:
    """Through the bytes of states, kept slates and ledger, as after a kill between any two batches."""
    events = [each for n in range(4) for user in ("ann", "bob") for each in flood(user, n)]
    whole, follower = _pair()
    shares = [each.share for each in run(whole, *events, rung="counters").record.interactions]
    assert 0.0 < sum(shares) < len(shares) / 2
    for size in (1, 7):
        one, _ = _pair()
        states: dict[str, bytes] = {}
        kept: dict[str, bytes] = {}
        found = []
        for at in range(0, len(events), size):
            out = run(
                one,
                *events[at : at + size],
                rung="counters",
                states={user: user_state_codec.decode(raw) for user, raw in states.items()},
                kept={user: kept_slates_codec.decode(raw) for user, raw in kept.items()},
            )
            states |= {user: user_state_codec.encode(state) for user, state in out.states.items()}
            kept |= {user: kept_slates_codec.encode(each) for user, each in out.kept.items()}
            record = decode_record(encode_record(out.record))
            found += [each.share for each in record.interactions]
            if size == 7:
                follower.follow(record)
        assert found == shares
        assert copied(one).pack() == copied(whole).pack()
    assert copied(follower).pack() == copied(whole).pack()


@pytest.mark.parametrize("seed", range(8))
def test_texts_that_come_and_go_are_equal_in_followers_and_after_a_start(seed: int) -> None:
    """Whether a review speaks for an item depends on the text that the item has just then."""
    draw = np.random.default_rng(seed)
    writer, follower = _pair()
    items, records = dict[str, bytes](), list[bytes]()
    snapshot, kept_at = b"", int(draw.integers(20))
    for number in range(20):
        batch = []
        for at in range(20 * number, 20 * number + int(draw.integers(1, 12))):
            item_id, ts = f"i{draw.integers(3)}", NOW_MS + at - int(draw.integers(0, 30))
            said = words(at) if draw.random() < 0.6 else None
            if draw.random() < 0.5:
                item = Item(event_id=f"x{at}", ts=ts, item_id=item_id, available=said is not None)
                batch.append(incoming(item, "items", said=said))
            else:
                review = Review(event_id=f"r{at}", ts=ts, user_id="ann", item_id=item_id)
                batch.append(incoming(review, "reviews", at + 1, words(at)))
        out = process(writer, batch, {}, NOW_MS + 20 * number + 20, "counters")
        items |= out.items
        records.append(encode_record(out.record))
        follower.follow(decode_record(records[-1]))
        if number == kept_at:
            snapshot = copied(writer).pack()
    started, _ = _pair()
    for item_id, packed in items.items():
        started.put_item(started.catalog.rows[item_id], decode_item(packed))
    restore(started, snapshot)
    for record in records[kept_at + 1 :]:
        started.follow(decode_record(record))
    for other in (follower, started):
        np.testing.assert_array_equal(writer.catalog.text, other.catalog.text)
        assert copied(writer).pack() == copied(other).pack()


def _pair() -> tuple[Recommender, Recommender]:
    both = Recommender(Settings()), Recommender(Settings())
    for each in both:
        each.meet(ITEMS, NOW_MS)
    return both


def test_batches_may_be_cut_anywhere() -> None:
    """States and counters do not depend on where one batch ends and the next begins."""
    draw = np.random.default_rng(3)
    events = [click(n, f"u{draw.integers(4)}", f"i{draw.integers(12)}") for n in range(60)]
    found = []
    for size in (60, 7, 1):
        recommender = Recommender(Settings())
        recommender.meet(ITEMS, NOW_MS)
        states: dict[str, UserState] = {}
        for at in range(0, len(events), size):
            states |= process(recommender, events[at : at + size], states, NOW_MS + 100, "popular").states
        found.append((recommender, states))
    (whole, states), *others = found
    for recommender, other in others:
        assert {user: state.items.tolist() for user, state in other.items()} == {
            user: state.items.tolist() for user, state in states.items()
        }
        np.testing.assert_array_equal(recommender.counters.pairs.count, whole.counters.pairs.count)
        np.testing.assert_array_equal(
            recommender.counters.popularity.decayed, whole.counters.popularity.decayed
        )


def test_what_comes_late_is_told_without_what_is_later_and_is_counted(recommender: Recommender) -> None:
    told: list[tuple[str, list[int]]] = []

    def before(event_id: str, state: UserState, now_ms: int, met: Target) -> None:
        told.append((event_id, state.items.tolist()))

    run(recommender, *(click(n, "bob", item) for n, item in enumerate(ITEMS)))  # all are heard of now
    late = Review(event_id="r1", ts=NOW_MS + 51, user_id="ann", item_id="i2", rating=4.0)
    batch = [click(50, item="i0"), click(52, item="i1"), incoming(late, "reviews"), click(53, item="i3")]
    out = run(recommender, *batch, before=before)
    assert told == [("e50", []), ("e52", [0]), ("r1", [0]), ("e53", [0, 2, 1])]
    assert out.late == 1
    assert out.record.interactions[2].following.tolist() == [1]


def test_what_is_told_before_an_interaction_is_what_is_then_applied(recommender: Recommender) -> None:
    """Not of what is skipped, was consumed, is of an unheard-of item, or is no interaction."""
    recommender.meet(["new"], NOW_MS)
    told: list[tuple[str, int, int, Target]] = []

    def before(event_id: str, state: UserState, now_ms: int, met: Target) -> None:
        told.append((event_id, state.interactions, now_ms, met))

    run(recommender, *(click(n, "bob", item) for n, item in enumerate(ITEMS)))  # all are heard of now
    stars = Review(event_id="r1", ts=NOW_MS + 9, user_id="ann", item_id="i3", rating=4.0)
    shown = Impression(event_id="s1", ts=NOW_MS, user_id="ann", slate_id="s", items=["i4"])
    batch = [
        click(50), click(50), click(51, item="i1"), click(52, item="new"), click(53, item="new"),
        incoming(stars, "reviews"), incoming(shown, "impressions"), click(54, item="i2"),
    ]  # fmt: skip
    out = run(recommender, *batch, before=before)
    assert out.skipped == {1: "offset"}
    assert [(event_id, events) for event_id, events, _, _ in told] == [("e50", 0), ("r1", 4), ("e54", 5)]
    assert [now_ms for _, _, now_ms, _ in told] == [NOW_MS + 50, NOW_MS + 9, NOW_MS + 54]
    assert [(met.row, met.action) for _, _, _, met in told] == [
        (1, ACTION_CODE["click"]), (3, ACTION_CODE["review"]), (2, ACTION_CODE["click"]),
    ]  # fmt: skip
    assert told[1][3].rating == 4.0
    assert np.isnan(told[0][3].rating)


def test_the_feed_after_a_search_reads_it_for_half_an_hour(recommender: Recommender) -> None:
    """In the same batch, in a later one, out of what is stored; and the next feed without a search again."""
    searched = words(5)

    def click_after(n: int, ts: int, vectors: Vectors = NO_VECTORS) -> Incoming:
        event = Click(event_id=f"s{n}", ts=ts, user_id="ann", item_id=ITEMS[n], query="strap")
        return Incoming(event, Delivery("clicks", n), ts, vectors)

    def read(state: UserState, now_ms: int) -> F32 | None:
        request = recommender.request(state, now_ms, user="ann")
        views = recommender.pipeline.gather([request]).users
        assert bool(views.query.any()) is (request.search is not None)
        return None if request.search is None else views.query[0]

    first = click_after(1, NOW_MS, Vectors(searched=searched))
    out = process(recommender, [first, click_after(2, NOW_MS + 1)], {}, NOW_MS + 5, "full")
    stored = user_state_codec.decode(user_state_codec.encode(out.states["ann"]))
    for state in (out.states["ann"], stored):
        np.testing.assert_array_equal(read(state, NOW_MS + 5), searched)
        np.testing.assert_array_equal(read(state, NOW_MS + 1_800_000), searched)
        assert read(state, NOW_MS + 1_800_001) is None
    plain = process(recommender, [click_after(1, NOW_MS), click_after(2, NOW_MS + 1)], {}, NOW_MS + 5, "full")
    assert read(plain.states["ann"], NOW_MS + 5) is None
    assert plain.slates[0].slate_id != out.slates[0].slate_id
