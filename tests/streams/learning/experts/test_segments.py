from __future__ import annotations

import msgspec
import numpy as np
import pytest

from streams.learning.experts.adaptive_learner import AdaptiveLearner
from streams.learning.experts.level_state import GLOBAL
from streams.learning.experts.segments import VALUE_CHARS, Segments
from streams.learning.experts.settings import ReweightingSettings
from streams.learning.lesson import decode_lesson, encode_lesson
from streams.state.action_meaning import BUILT_IN
from streams.state.user_state import UserState
from tests.streams.learning.experts.scores import gain
from tests.streams.learning.experts.streams_of_choices import COLUMNS, clicks


def test_by_default_a_segment_is_a_surface_and_nothing_is_kept_of_the_user() -> None:
    segments = Segments(ReweightingSettings().segment_by)
    state = UserState(profile={"surface": "x"}, interactions=3)
    assert segments.of_user(state) == ""
    assert segments.name("home", "") == "home"


@pytest.mark.parametrize(
    ("interactions", "band"), [(0, "few"), (4, "few"), (5, "some"), (49, "some"), (50, "many")]
)
def test_activity_has_three_bands(interactions: int, band: str) -> None:
    assert Segments(["activity"]).of_user(UserState(interactions=interactions)) == f"activity={band}"


def test_fields_of_the_profile_are_named_with_or_without_their_prefix() -> None:
    state = UserState(profile={"country": "DE", "surface": "tv", "activity": "golf"})
    assert (
        Segments(["country"]).of_user(state) == Segments(["profile.country"]).of_user(state) == "country=DE"
    )
    assert Segments(["profile.surface"]).of_user(state) == "surface=tv"
    assert Segments(["profile.activity"]).of_user(state) == "activity=golf"


def test_who_says_nothing_is_of_one_segment_with_all_who_do_not() -> None:
    segments = Segments(["country"])
    assert segments.name("home", segments.of_user(UserState())) == "country="


def test_a_value_has_a_bound() -> None:
    said = Segments(["country"]).of_user(UserState(profile={"country": "x" * 10_000}))
    assert len(said) == len("country=") + VALUE_CHARS


def test_what_was_kept_under_other_settings_is_left_out() -> None:
    assert Segments(["surface"]).name("home", "country=DE") == "home"


@pytest.mark.parametrize("by", [(), ("",), ("a", "a"), ("country", "profile.country")])
def test_segments_that_can_not_be_are_refused(by: tuple[str, ...]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"segment_by": by}, ReweightingSettings)


def learner(by: tuple[str, ...], most: int = 16) -> AdaptiveLearner:
    settings = ReweightingSettings(eta=0.0, drift=(), segment_by=by, levels_max=most)
    return AdaptiveLearner(settings, COLUMNS, BUILT_IN)


def teach(learned: AdaptiveLearner, seed: int, likes: float, count: int, country: str) -> None:
    segment = learned.segments.of_user(UserState(profile={"country": country}))
    for each in clicks(np.random.default_rng(seed), [0, 1, 0, likes, 0], count):
        learned.learn(msgspec.structs.replace(each, segment=segment))


def test_users_of_different_countries_are_served_different_things() -> None:
    learned = learner(("country",))
    for n in range(12):
        teach(learned, n, 1.5, 50, "DE")
        teach(learned, 100 + n, -1.5, 50, "FR")
    german, french = (UserState(profile={"country": name}) for name in ("DE", "FR"))
    assert gain(learned, learned.level("default", "feed", german)) > 0.7
    assert gain(learned, learned.level("default", "cart", french)) < -0.7
    assert abs(gain(learned, learned.level("default", "feed", UserState()))) < 0.7
    assert set(learned.report().levels) == {GLOBAL, "segment:country=DE", "segment:country=FR"}
    again = learner(("country",))
    again.restore(learned.pack())
    assert again.pack() == learned.pack()


def test_a_lesson_of_a_build_before_there_were_segments_is_of_none() -> None:
    (told,) = clicks(np.random.default_rng(1), [0, 1, 0, 1, 0], 1)
    raw = msgspec.msgpack.encode(msgspec.to_builtins(told, builtin_types=(bytes,))[:-1])
    assert encode_lesson(decode_lesson(raw)) == encode_lesson(told)
    assert told.segment == ""


def test_made_up_countries_take_no_more_levels_than_there_may_be() -> None:
    learned = learner(("country",), most=3)
    for n in range(20):
        teach(learned, n, 1.0, 2, f"made up {n}")
    assert len(learned.report().levels) == 1 + 3
    assert learned.counts()["level_full"] == 2 * (20 - 1 - 3)
