"""Whether answers move slates is a setting of stages: an arm may say otherwise. All have one learner."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from model.errors import SettingsError
from streams.learning.experts.adaptive_learner import AdaptiveLearner
from streams.learning.learner import CountingLearner
from streams.recommender import Recommender
from streams.settings.reading import load, override
from streams.settings.tree import Settings

OFF, ON = ({"reweighting": {"enabled": enabled}} for enabled in (False, True))


def test_an_arm_switches_it_on_or_off() -> None:
    settings = override(Settings(), {"arms": {"plain": {"stages": {"reweighting": {"enabled": False}}}}})
    assert settings.stages_of("default").reweighting.enabled
    assert not settings.stages_of("plain").reweighting.enabled
    told = load(
        None,
        {
            "HEADRACE_REWEIGHTING__ENABLED": "false",
            "HEADRACE_ARMS__NEW__STAGES__REWEIGHTING__ENABLED": "true",
        },
    )
    assert not told.stages_of("default").reweighting.enabled
    assert told.stages_of("new").reweighting.enabled


@pytest.mark.parametrize(
    ("tree", "kind"),
    [
        (OFF, CountingLearner),
        ({}, AdaptiveLearner),
        (ON, AdaptiveLearner),
        ({**OFF, "arms": {"new": {"stages": ON}}}, AdaptiveLearner),
        ({**ON, "arms": {"old": {"stages": OFF}}}, AdaptiveLearner),
    ],
)
def test_somebody_learns_where_any_arm_is_adapted(tree: dict[str, object], kind: type) -> None:
    assert isinstance(Recommender(override(Settings(), tree)).learner, kind)


def test_an_arm_has_no_experts_of_its_own() -> None:
    arm = {"stages": {"reweighting": {"experts": ["frozen"]}}}
    with pytest.raises(SettingsError, match=r"arms\.new\.stages.*unknown field `experts`"):
        override(Settings(), {"arms": {"new": arm}})


def test_the_ids_of_slates_are_those_of_settings_without_it() -> None:
    """As long as nothing was learned, see `tests/streams/ranking/test_adaptation.py`: a digest is made of the
    three sections that there were before, and of the settings that were in them, with the pool of then.
    """
    encode = msgspec.json.Encoder(order="deterministic").encode
    then = override(Settings(), {"candidates": {"pool": 200}})
    candidates = then.candidates
    before = ("pool", "per_source", "sources", "history", "rank_constant", "weights", "reserve")
    its = [(name, getattr(candidates, name)) for name in (*before, "fresh_half_life_s")]
    sections = [
        (
            b"candidates",
            b"{%s}" % b",".join(b'"%s":%s' % (name.encode(), encode(value)) for name, value in its),
        ),
        (b"rescoring", encode(then.rescoring)),
        (b"feed", encode(then.feed)),
    ]
    told = b",".join(b'"%s":%s' % each for each in sections)
    expected = hashlib.blake2b(b"{%s}" % told, digest_size=8).hexdigest()
    assert expected == "c4a1e20f26c3551e"
    for tree in ({}, ON, {"reweighting": {"share": 0.5}}):
        core = Recommender(override(then, tree))
        assert core.arms.declared["default", "full"].digest == expected
