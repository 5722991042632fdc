"""Quotas of sources: within their bounds whatever was earned, off unless asked for, the same again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import SettingsError
from streams.learning.lesson import Lesson, LessonAnswer
from streams.learning.looks import digest_of_names
from streams.ranking.candidates.quotas import Quotas, shares_of, within
from streams.ranking.slate import encode
from streams.recommender import Recommender
from streams.serving.kept_counters import copied, restore
from streams.settings.reading import override
from streams.settings.tree import Settings
from tests.streams.core import Small, toy_model

QUOTAS = {"candidates": {"quotas": "thompson", "pool": 24}}
PLAIN = override(Settings(), {"candidates": {"pool": 24}, "reweighting": {"enabled": False}})
ARMS = override(PLAIN, {"arms": {"earned": {"stages": QUOTAS}, "plain": {"stages": {}}}})


@settings(max_examples=300)
@given(
    st.lists(st.floats(1e-9, 1e6), min_size=1, max_size=9),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_bounds_hold_whatever_was_earned(rates: list[float], a: float, b: float, where: float) -> None:
    n, (least, most) = len(rates), sorted((a / len(rates), max(b, 1e-3)))
    part = n * (least + where * (most - least))
    shares = within(np.array(rates), part, least, most)
    assert ((least <= shares) & (shares <= most)).all()
    assert shares.sum() == pytest.approx(part, rel=1e-6, abs=1e-9)
    order = np.argsort(rates)
    assert (np.diff(shares[order]) >= -1e-12).all()
    inside = (shares > least * (1 + 1e-9)) & (shares < most * (1 - 1e-9))
    if inside.any():
        ratios = shares[inside] / np.array(rates)[inside]
        np.testing.assert_allclose(ratios, ratios[0], rtol=1e-6)


def lesson(core: Recommender, n: int, source: str, clicked: bool, arm: str = "earned") -> Lesson:
    """A slate of four places, the first of them of one source alone, which is clicked or not."""
    columns = core.columns
    features = np.zeros((4, len(columns)), np.float16)
    features[0, columns.index(f"rank_{source}")] = 1.0
    features[1:, columns.index("rank_popular")] = 1.0
    answers = (LessonAnswer(0, 1, np.nan, 5),) if clicked else ()
    return Lesson(
        *(1, f"u{n}", f"s{n}", arm, "toy", "feed", 1_000 * n, np.arange(4, dtype="<i4").tobytes()),
        *(features.tobytes(), digest_of_names(columns), b"", answers),
    )


def world(config: Settings = ARMS, taught: int = 300) -> Small:
    small = Small(60, config)
    small.announce_all(seed=1)
    small.random_events(250, users=6, seed=3)
    small.core.serve(toy_model(small.core.pipeline))
    for n in range(taught):
        small.core.learn([lesson(small.core, n, "nearest", True), lesson(small.core, n, "fresh", False)])
    return small


def reserve(small: Small, arm: str = "earned", cause: str = "") -> dict[str, int]:
    assert small.core.earnings is not None
    request = small.request("u1", arm=arm, cause=cause)
    asks = small.core.pipeline.gather([request]).context.asks
    applied = Quotas(small.core.earnings).applied([request], asks)
    return dict(zip(small.core.pipeline.names, applied.columns.reserve[0].tolist(), strict=True))


def test_who_earns_more_has_more_of_the_pool_and_others_have_their_least() -> None:
    small = world(override(ARMS, {"arms": {"earned": {"stages": {"candidates": {"pool": 100}}}}}))
    drawn = [reserve(small, cause=str(n)) for n in range(200)]
    for each in drawn:
        assert all(2 <= count <= 25 for count in each.values())
        assert sum(each.values()) <= 50
    mean = {name: np.mean([each[name] for each in drawn]) for name in drawn[0]}
    assert mean["nearest"] > 20 > mean["fresh"]
    assert len({tuple(each.values()) for each in drawn}) > 20, "it is a draw for each slate"
    assert drawn[7] == reserve(small, cause="7")


def test_the_sources_have_in_the_pool_what_is_theirs() -> None:
    small = world()
    for n in range(20):
        mine = reserve(small, cause=str(n))
        draft = small.draft("u1", arm="earned", cause=str(n))
        ranks = dict(zip(small.core.pipeline.names, draft.ranks.T, strict=True))
        for name, count in mine.items():
            found = int((ranks[name] > 0).sum())
            within_quota = int(((ranks[name] > 0) & (ranks[name] <= count)).sum())
            assert within_quota in (count, found)
        assert draft.placed <= 24


def test_other_arms_keep_what_is_fixed_to_the_byte() -> None:
    plain = Small(60, PLAIN)
    plain.announce_all(seed=1)
    plain.random_events(250, users=6, seed=3)
    plain.core.serve(toy_model(plain.core.pipeline))
    assert plain.core.earnings is None
    small = world()
    requests = [small.request(f"u{n % 6}", arm=arm, cause=str(n)) for n in range(12) for arm in ARMS.arms]
    for request, slate in zip(requests, small.core.recommend(requests), strict=True):
        if request.arm == "plain":
            alone = plain.request(request.user, cause=request.cause)
            items = plain.core.recommend([alone])[0].items
            assert slate.items == items
    default = [each.core.recommend([each.request("u1", cause="e")])[0] for each in (plain, small)]
    assert encode(default[0]) == encode(default[1])


def test_the_popular_rung_has_no_quotas() -> None:
    small = world()
    assert small.core.arms.declared["earned", "popular"].settings.candidates.quotas == "fixed"
    assert small.core.arms.declared["earned", "counters"].settings.candidates.quotas == "thompson"
    small.draft("u1", "counters", arm="earned")


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"sources": ["popular"]}, "quota_part"),
        ({"quota_least": 0.2}, "quota_part"),
        ({"quota_most": 0.01}, "quota_part"),
    ],
)
def test_bounds_that_can_not_hold_are_refused(changed: dict[str, object], word: str) -> None:
    with pytest.raises(SettingsError, match=rf"arms\.earned\.stages.*{word}"):
        Recommender(override(ARMS, {"arms": {"earned": {"stages": {"candidates": changed}}}}))


@pytest.mark.parametrize("bounds", [(0.3, 0.1, 0.5), (0.3, 0.05, 0.1), (1.0, 0.0, 1.0), (0.0, 0.0, 0.1)])
def test_bounds_that_leave_no_choice_are_taken(bounds: tuple[float, float, float]) -> None:
    """Three sources that have a tenth each, whatever they earned: 3 * .1 is a little more than .3."""
    names = ("quota_part", "quota_least", "quota_most")
    sources = ["nearest", "popular", "fresh"]
    changed = {"sources": sources, **dict(zip(names, bounds, strict=True))}
    small = world(override(ARMS, {"arms": {"earned": {"stages": {"candidates": changed}}}}), taught=20)
    part, least, most = bounds
    for name, count in reserve(small).items():
        if name in sources:
            assert int(least * 24) <= count <= int(most * 24 + 1e-9)
    assert sum(reserve(small).values()) <= part * 24 + 1e-9


def test_a_snapshot_holds_what_sources_earned_and_is_as_before_without() -> None:
    small, again = world(), Small(60, ARMS)
    assert small.core.earnings is not None
    assert again.core.earnings is not None
    raw = copied(small.core).pack()
    restore(again.core, raw)
    assert again.core.earnings.pack() == small.core.earnings.pack()
    assert again.core.earned == small.core.earnings.report()
    more = [lesson(small.core, n, "together", True) for n in range(50)]
    for each in (small, again):
        each.core.learn(more)
    assert again.core.earnings.pack() == small.core.earnings.pack()
    off = Small(60, Settings())
    restore(off.core, raw)
    assert off.core.earnings is None
    fresh = Small(60, ARMS)
    restore(fresh.core, copied(off.core).pack())
    assert fresh.core.earnings is not None
    assert not fresh.core.earnings.places.any()


def test_shares_of_an_arm_are_told() -> None:
    small = world()
    assert small.core.quotas() == {}
    small.core.look_back()
    told = small.core.quotas()
    assert list(told) == ["earned"]
    assert sum(told["earned"].values()) == pytest.approx(0.5)
    assert small.core.earnings is not None
    mean = shares_of(small.core.arms.declared["earned", "full"], small.core.earnings.rates())
    assert list(told["earned"].values()) == pytest.approx(mean.tolist())
