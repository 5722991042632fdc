"""Slates on request are of the experiments that run: by the user's arm, drafted of two, drawn, compared."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from model.errors import StoreError
from streams.experiments.registry.state import Registry
from streams.ranking.slate import Slate
from streams.search.index import SearchIndex
from streams.search.searching import SearchAsked, search
from streams.serving.ranker_asked import Answer, Asked
from streams.serving.ranker_batch import rank
from streams.serving.ranker_request import Waiting
from streams.settings.reading import override
from streams.settings.search import SearchSettings
from streams.settings.tree import Settings
from streams.state import user_state_codec
from tests.streams.core import Small, toy_model
from tests.streams.experiments.declarations import raw, running

FRESH = {"stages": {"candidates": {"sources": ["fresh"]}}}
COUNTERS = {"stages": {"rescoring": {"enabled": False}}}
DRAFTED = raw({"plain": {}, "new": FRESH}, design="interleaved", primary="preference")


def small_with(registry: Registry, settings: Settings = Settings(), model: bool = True) -> Small:
    made = Small(items=40, settings=settings)
    made.random_events(80, users=4, seed=2)
    if model:
        made.core.serve(toy_model(made.core.pipeline))
    made.core.arms.run(registry)
    return made


def ranked(small: Small, *asked: Asked) -> list[Answer]:
    waiting = [Waiting(each, user_state_codec.encode(small.state(each.user))) for each in asked]
    answers = []
    for answer in rank(small.core, waiting, small.now_ms).answers:
        assert isinstance(answer, Answer), answer
        answers.append(answer)
    return answers


def recommended(small: Small, asked: Asked, **more: Any) -> Slate:
    core, state = small.core, small.state(asked.user)
    arm = core.arms_of(asked.user, state, small.now_ms)
    fields: dict[str, Any] = {"user": asked.user, "cause": asked.cause, "size": asked.size, **more}
    return core.recommend([core.request(state, small.now_ms, arm=arm, **fields)])[0]


def sums_up(answer: Answer) -> None:
    values = np.sum([part.values for part in answer.parts], axis=0).round(6)
    assert values.tolist() == [item.score for item in answer.slate.items]


def test_each_user_has_their_arm() -> None:
    small = small_with(running(e=raw({"plain": {}, "new": FRESH})))
    asked = [Asked(f"u{n}", size=6, cause="c") for n in range(8)]
    answers = ranked(small, *asked)
    assert {answer.slate.arm for answer in answers} == {"e=plain", "e=new"}
    assert [answer.slate for answer in answers] == [recommended(small, each) for each in asked]


@pytest.mark.parametrize("new", [FRESH, COUNTERS])
def test_an_interleaved_slate_is_drafted_of_both_orders(new: dict[str, Any]) -> None:
    small = small_with(running(e=DRAFTED | {"arms": {"plain": {}, "new": new}}))
    asked = [Asked(f"u{n}", size=6, cause="c") for n in range(3)]
    answers = ranked(small, *asked)
    for answer, each in zip(answers, asked, strict=True):
        assert answer.slate == recommended(small, each)
        assert answer.slate.arm == "e=plain+new"
        assert answer.slate.teams is not None
        assert answer.slate.propensities is not None
        sums_up(answer)
    given = ("i3", "i7", "i1", "i9", "nowhere")
    [answer] = ranked(small, Asked("u1", items=given, exclude=("i9",)))
    assert {item.item_id for item in answer.slate.items} == {"i1", "i3", "i7"}
    assert (answer.unknown, answer.left_out) == (("nowhere",), ("i9",))
    sums_up(answer)


def test_a_slate_that_can_t_be_scored_is_drafted_of_counters() -> None:
    small = small_with(running(e=DRAFTED), model=False)
    broken = toy_model(small.core.pipeline)

    def fail(*_: object, **__: object) -> Any:
        raise ValueError("it scores nothing")

    broken.score = fail  # type: ignore[method-assign]
    small.core.serve(broken)
    [answer] = ranked(small, Asked("u1", size=6))
    assert (answer.slate.model, answer.slate.rung) == ("", "full")
    assert answer.slate.teams is not None


def test_a_slate_is_drawn_with_its_propensities() -> None:
    settings = override(Settings(), {"exploration": {"policy": "gumbel", "share": 1.0}})
    small = small_with(running(), settings)
    asked = Asked("u1", size=6, cause="c")
    [answer] = ranked(small, asked)
    assert answer.slate.propensities is not None
    assert min(answer.slate.propensities) < 1.0
    assert answer.slate == recommended(small, asked)
    sums_up(answer)


def test_what_each_arm_would_show_counts_for_no_reading() -> None:
    alike = {"stages": {"candidates": {"rank_constant": 60.001}}}
    small = small_with(running(e=raw({"plain": {}, "new": alike}, trigger="slate")))
    twice = ranked(small, Asked("u1", size=6), Asked("u1", items=("i1", "i2")))
    assert {answer.slate.arm[-1] for answer in twice} == {"!"}
    small = small_with(running(e=raw({"plain": {}, "new": FRESH}, trigger="slate")))
    [differs, same] = ranked(small, Asked("u1", size=6), Asked("u1", items=("i1",)))
    assert differs.slate.arm in ("e=plain", "e=new")
    assert same.slate.arm == differs.slate.arm + "!"


def searched(small: Small, text: str) -> Slate:
    index = SearchIndex(SearchSettings())
    asked = SearchAsked(index.understand(text), None, "u1", size=6)
    return search(small.core, index, asked, small.state("u1"), small.now_ms).slate


def test_a_search_counts_for_no_interleaved_experiment() -> None:
    small = small_with(running(e=DRAFTED))
    assert searched(small, "").arm == "e=plain+new!"


def test_a_search_that_each_arm_would_show_counts_for_no_reading() -> None:
    drawn = {"stages": {"exploration": {"share": 1.0}}}  # no search is drawn
    small = small_with(running(e=raw({"plain": {}, "new": drawn}, trigger="slate")))
    assert searched(small, "").arm.endswith("!")
    small = small_with(running(e=raw({"plain": {}, "new": FRESH}, trigger="slate")))
    assert searched(small, "").arm in ("e=plain", "e=new")


def test_each_state_that_names_what_nobody_knows_has_an_error_of_its_own() -> None:
    small = small_with(running())
    lost = Small(items=400)
    lost.act("u1", 399)
    waiting = [Waiting(Asked("u1"), user_state_codec.encode(lost.state("u1")))] * 2
    one, other = rank(small.core, waiting, small.now_ms).answers
    assert isinstance(one, StoreError)
    assert isinstance(other, StoreError)
    assert one is not other


def test_what_may_come_back_does_so_beside_a_session_too() -> None:
    small = small_with(running(), override(Settings(), {"feed": {"repeat": True}}), model=False)
    met = {small.core.catalog.ids[row] for row in small.state("u1").items.tolist()}
    small.act("s", 39)
    asked = Asked("u1", size=40, session="s")
    alone, session = small.state("u1"), user_state_codec.encode(small.state("s"))
    [without] = ranked(small, Asked("u1", size=40))
    waiting = Waiting(asked, user_state_codec.encode(alone), session=session)
    [answer] = rank(small.core, [waiting], small.now_ms).answers
    assert isinstance(answer, Answer)
    before, shown = ({item.item_id for item in each.slate.items} for each in (without, answer))
    assert len(met & shown) > 1
    assert shown == before - {"i39"}
