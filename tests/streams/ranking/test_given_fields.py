"""What a request says of its own candidates counts as if the catalogue said so, for it and nobody else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from model.errors import RequestError
from model.schema import F32
from streams.ranking.attribute_expression import parse
from streams.ranking.draft import Draft
from streams.ranking.given_fields import CandidateFields, GivenFields
from streams.ranking.request import ItemFilter
from streams.ranking.score_parts import score_parts
from streams.ranking.slate_of_draft import id_of
from streams.settings.tree import Settings
from streams.state.catalog import ItemRecord
from tests.streams.core import START_MS, Small, toy_model, unit

PLAN = {"candidates": {"sources": ["popular"], "per_source": 5}}
"""No source that looks at what items are, so that a rank tells nobody apart."""
NEW = unit(np.random.default_rng(9).normal(size=64)).astype(np.float16).astype(np.float32)


def core_with_model(model: bool = True) -> Small:
    found = Small(items=40, settings=Settings())
    found.announce_all(seed=1)
    found.random_events(200, users=6, seed=2)
    if model:
        found.core.serve(reads_attributes(found))
    return found


def reads_attributes(small: Small) -> Any:
    """The toy model, whose items are also their attributes."""
    model = toy_model(small.core.pipeline)
    plain = model.tower

    def tower(ids: NDArray[np.int64], content: Any) -> tuple[F32, F32]:
        vectors, keys = plain(ids, content)
        vectors[:, 1] += content["attributes"].sum(axis=1) / 4096.0
        return vectors, keys

    model.tower = tower
    return model


@pytest.fixture
def small() -> Small:
    return core_with_model()


def drafted(small: Small, rows: tuple[int, ...], given: GivenFields | None = None, **asked: Any) -> Draft:
    core = small.core
    plan = core.plan(PLAN)
    if core.pipeline.models.active is None:
        plan = core.plan(PLAN | {"rescoring": {"enabled": False}})
    fields = {"user": "u1", "candidates": rows, "given": given, "plan": plan, "size": len(rows), **asked}
    return core.draft(core.request(small.state("u1"), small.now_ms, **fields))


def scores(draft: Draft) -> dict[int, float]:
    return dict(zip(draft.rows.tolist(), draft.score.tolist(), strict=True))


def one(row: int, **fields: Any) -> GivenFields:
    return GivenFields({row: CandidateFields(**fields)})


GUEST = CandidateFields(item_id="new", text=NEW, categories=("guitars",), tags=("red",), price=12.0)


def test_an_item_that_the_catalogue_lacks_is_ranked_as_if_it_had_just_been_announced(small: Small) -> None:
    other = core_with_model()
    other.core.meet(["new"], small.now_ms)
    text = NEW.astype(np.float16).tobytes()
    record = ItemRecord("new", small.now_ms, True, text, "", ["guitars"], 12.0, ["red"])
    other.core.put_item(40, record)
    guest = drafted(small, (3, 9, -1, 1), GivenFields({-1: GUEST}))
    known = drafted(other, (3, 9, 40, 1))
    assert guest.rows.tolist() == known.rows.tolist()
    np.testing.assert_array_equal(guest.features, known.features)
    np.testing.assert_array_equal(guest.score, known.score)
    assert [item.item_id for item in small.core.slate(guest).items] == [
        item.item_id for item in other.core.slate(known).items
    ]
    assert "new" in {item.item_id for item in small.core.slate(guest).items}


def test_nothing_of_a_guest_stays(small: Small) -> None:
    before = len(small.core.catalog)
    plain = scores(drafted(small, (3, 9)))
    drafted(small, (3, 9, -1), GivenFields({-1: GUEST}))
    assert len(small.core.catalog) == before
    assert "new" not in small.core.catalog.rows
    assert scores(drafted(small, (3, 9))) == plain
    small.core.meet(["another"], START_MS)
    assert not small.core.catalog.text[40].any()
    assert small.core.catalog.added_ms[40] == START_MS


def test_guests_of_several_requests_stand_apart(small: Small) -> None:
    others = [
        GivenFields({-1: GUEST, -2: replace(GUEST, item_id="b", text=-NEW)}),
        None,
        GivenFields({-1: replace(GUEST, item_id="b", text=-NEW)}),
    ]
    core = small.core
    requests = [
        core.request(
            small.state(f"u{n}"), small.now_ms, user=f"u{n}", plan=core.plan(PLAN), given=given,
            candidates=(5, *((-1, -2)[: len(given.of)] if given else ())),
        )
        for n, given in enumerate(others)
    ]  # fmt: skip
    batch = core.pipeline.execute(requests)
    slates = [core.slate(batch.draft(b)) for b in range(3)]
    assert [sorted(item.item_id for item in slate.items) for slate in slates] == [
        ["b", "i5", "new"], ["i5"], ["b", "i5"],
    ]  # fmt: skip
    for b, request in enumerate(requests):
        alone = core.draft(request)
        np.testing.assert_allclose(batch.draft(b).score, alone.score, rtol=1e-6)
        assert id_of(batch.draft(b)) == id_of(alone)


def test_what_is_told_of_a_known_item_counts_as_if_the_catalogue_said_so(small: Small) -> None:
    other = core_with_model()
    row = next(row for row in range(40) if row not in small.state("u1").items)
    text, item = small.core.catalog.text[row].astype(np.float16).tobytes(), f"i{row}"
    small.core.put_item(row, ItemRecord(item, START_MS, True, text, "", ["drums"], 5.0, ["old"]))
    other.core.put_item(row, ItemRecord(item, START_MS, True, text, "", ["guitars"], 80.0, ["old"]))
    told = drafted(small, (row, 38, 39), one(row, categories=("guitars",), price=80.0))
    assert scores(told) == pytest.approx(scores(drafted(other, (row, 38, 39))), rel=1e-6)
    assert scores(told) != scores(drafted(small, (row, 38, 39)))


def disliking(small: Small) -> Small:
    """A user whose dislikes are close to a text, so that closeness to it takes from a score."""
    small.announce(20, -NEW)
    small.announce(21, NEW)
    small.act("u1", 20, rating=5.0)
    small.act("u1", 21, rating=1.0)
    return small


@pytest.mark.parametrize("model", [True, False])
def test_a_text_that_is_told_of_an_item_without_one_counts_as_if_it_had_been_announced(model: bool) -> None:
    """To the item's vector, to the features, and to what is taken off for what the user dislikes."""
    small, other = (disliking(core_with_model(model)) for _ in range(2))
    for each in (small, other):
        each.core.meet(["new"], each.now_ms)
    text = NEW.astype(np.float16).tobytes()
    other.core.put_item(40, ItemRecord("new", small.now_ms, True, text, "", ["guitars"], 12.0, ["red"]))
    told = drafted(small, (3, 40, 9), one(40, text=NEW, categories=("guitars",), tags=("red",), price=12.0))
    known = drafted(other, (3, 40, 9))
    np.testing.assert_array_equal(told.features, known.features)
    np.testing.assert_array_equal(told.score, known.score)
    assert scores(told) != scores(drafted(small, (3, 40, 9)))


def test_a_text_counts_in_its_own_request_alone(small: Small) -> None:
    small.core.meet(["new"], small.now_ms)
    core, plain = small.core, drafted(small, (3, 40))
    given = [one(40, text=NEW), None, GivenFields({40: CandidateFields(text=-NEW), -1: GUEST})]
    requests = [
        core.request(
            small.state("u1"), small.now_ms, user="u1", plan=core.plan(PLAN), given=told,
            candidates=(3, 40, *((-1,) if told is not None and -1 in told.of else ())),
        )
        for told in given
    ]  # fmt: skip
    batch = core.pipeline.execute(requests)
    together = [scores(batch.draft(b)) for b in range(3)]
    alone = [scores(core.draft(request)) for request in requests]
    for both, one_by_one in zip(together, alone, strict=True):
        assert both == pytest.approx(one_by_one, rel=1e-6)
    assert together[1] == pytest.approx(scores(plain), rel=1e-6)
    assert len({each[40] for each in together}) == 3
    assert not core.catalog.text[40].any()
    assert scores(drafted(small, (3, 40))) == scores(plain)


def test_the_history_still_has_the_item_as_the_catalogue_has_it(small: Small) -> None:
    met = int(small.state("u1").items[-1])
    plain = scores(drafted(small, (met, 3, 9)))
    told = scores(drafted(small, (met, 3, 9), one(met, price=999.0)))
    assert {row: told[row] for row in (3, 9)} == pytest.approx({row: plain[row] for row in (3, 9)}, rel=1e-6)
    assert told[met] != plain[met]


@pytest.mark.parametrize(
    ("asked", "fields", "shown"),
    [
        (ItemFilter(price_to=10.0), {"price": 9.0}, True),
        (ItemFilter(price_to=10.0), {"price": 11.0}, False),
        (ItemFilter(price_from=3.0), {}, True),
        (ItemFilter(categories=("drums",)), {"price": 1.0}, True),
        (ItemFilter(categories=("drums",)), {"categories": ("guitars",)}, False),
        (ItemFilter(tags=("old", "red")), {"tags": ("red", "old", "x")}, True),
        (ItemFilter(attributes={"colour": "blue"}), {"attributes": {"colour": "blue"}}, True),
        (ItemFilter(expression=parse("colour:red and not size:S")), {"price": 2.0}, True),
        (ItemFilter(expression=parse("not colour:red")), {"price": 2.0}, False),
        (ItemFilter(), {"available": False}, False),
        (ItemFilter(available=False), {"available": False}, True),
    ],
)
def test_filters_read_what_is_told(
    small: Small, asked: ItemFilter, fields: dict[str, Any], shown: bool
) -> None:
    record = ItemRecord(
        "i7", START_MS, True, b"", "", ["drums"], 5.0, ["old"], attributes={"colour": "red", "size": "M"}
    )
    small.core.put_item(7, record)
    draft = drafted(small, (7, 3), one(7, **fields), filter=asked)
    assert (7 in draft.rows) is shown
    assert (7 in draft.batch.given[0]) is shown


def test_a_withdrawn_item_that_can_be_had_after_all_and_one_that_is_excluded(small: Small) -> None:
    small.announce(7, available=False, ts=START_MS + 1)
    assert 7 not in drafted(small, (7, 3)).rows
    assert 7 in drafted(small, (7, 3), one(7, available=True)).rows
    assert 7 not in drafted(small, (7, 3), one(7, available=True), exclude=(7,)).rows


def parts(draft: Draft) -> dict[str, list[float]]:
    found = score_parts(draft.batch, 0, None)
    told = draft.score[draft.order].astype(float).round(6)
    np.testing.assert_array_equal(np.sum([each.values for each in found], axis=0).round(6), told)
    return {each.name: each.values.tolist() for each in found}


@pytest.mark.parametrize("model", [True, False])
def test_a_boost_moves_its_item_and_is_told(model: bool) -> None:
    small = core_with_model(model)
    plain = drafted(small, (7, 3, 9, 12))
    last = int(plain.rows[plain.order[-1]])
    draft = drafted(small, (7, 3, 9, 12), one(last, boost=50.0))
    assert draft.rows[draft.order[0]] == last
    assert parts(draft)["boost"] == [50.0, 0.0, 0.0, 0.0]
    assert "boost" not in parts(plain)
    down = drafted(small, (7, 3, 9, 12), one(int(plain.rows[plain.order[0]]), boost=-50.0))
    assert down.rows[down.order[-1]] == plain.rows[plain.order[0]]


@pytest.mark.parametrize("scale", [1.0, 1e9])
def test_a_relevancy_counts_by_its_order_and_not_by_its_scale(small: Small, scale: float) -> None:
    of = {row: CandidateFields(relevancy=scale * at) for at, row in enumerate((7, 3, 9))}
    draft = drafted(small, (7, 3, 9, 12), GivenFields(of, relevancy_weight=100.0))
    told = dict(zip(draft.rows[draft.order].tolist(), parts(draft)["relevancy"], strict=True))
    assert told == pytest.approx({7: -122.474487, 3: 0.0, 9: 122.474487, 12: 0.0}, abs=1e-3)
    none = drafted(small, (7, 3, 9, 12), GivenFields(of, relevancy_weight=0.0))
    assert scores(none) == scores(drafted(small, (7, 3, 9, 12)))


def test_a_slates_id_knows_what_was_told_and_the_same_request_makes_it_again(small: Small) -> None:
    told = [
        None,
        one(7, boost=1.0),
        one(7, boost=2.0),
        one(7, relevancy=1.0),
        one(7, price=1.0),
        one(7, categories=()),
        one(7, attributes={"a": "b"}),
        GivenFields({7: CandidateFields(boost=1.0)}, relevancy_weight=2.0),
    ]
    ids = [id_of(drafted(small, (7, 3), given)) for given in told]
    assert len(set(ids)) == len(ids)
    assert ids == [id_of(drafted(core_with_model(), (7, 3), given)) for given in told]


@pytest.mark.parametrize(
    ("rows", "given", "expected"),
    [
        ((7,), one(8, boost=1.0), "rows of `candidates`"),
        ((7,), one(7, boost=float("nan")), "a number from -100 to 100"),
        ((7,), one(7, boost=101.0), "a number from -100 to 100"),
        ((7,), one(7, price=-1.0), "a number from 0 to 1e"),
        ((7,), one(7, relevancy=float("inf")), "a number from -1e"),
        ((7,), one(7, text=NEW[:3]), "64 finite float32 numbers"),
        ((7,), one(7, categories=["a"]), "texts"),
        ((7,), one(7, available=1), "true or false"),
        ((7,), one(7, attributes={"a": 1}), "a table of names and texts"),
        ((7, -1), one(7), "rows from 0 to 39"),
        ((7,), GivenFields({-2: GUEST}), "without a gap"),
        ((-1,), one(-1, text=NEW), "an id, as the catalogue lacks it"),
        ((-1,), GivenFields({-1: replace(GUEST, text=NEW[:3])}), "64 finite float32 numbers"),
        ((7,), GivenFields({}, relevancy_weight=float("inf")), "a number from -100 to 100"),
    ],
)
def test_what_cant_be_told_is_refused(small: Small, rows: Any, given: Any, expected: str) -> None:
    with pytest.raises(RequestError, match=expected):
        drafted(small, rows, given)
