"""A registry as a tree of descents, whatever its manifests say."""

from __future__ import annotations

from typing import Any

from streams.gateway.admin.model_views import ModelView
from streams.gateway.console.models import DEEPEST, lineage
from tests.export.test_registry import PARITY


def model(name: str, parent: str | None = None, **training: Any) -> ModelView:
    return ModelView(name, 1, False, parent, False, False, "int8", True, None, 1, PARITY, training)


def rows(*models: ModelView) -> list[tuple[str, int, bool]]:
    return [(row.model.name, row.depth, row.orphan) for row in lineage(models)]


def test_each_stands_below_its_parent_the_newest_family_first() -> None:
    assert rows(model("a"), model("b"), model("a1", "a"), model("a2", "a"), model("a1x", "a1")) == [
        ("b", 0, False),
        ("a", 0, False),
        ("a2", 1, False),
        ("a1", 1, False),
        ("a1x", 2, False),
    ]


def test_whose_parent_is_gone_begins_a_family() -> None:
    assert rows(model("b", "gone")) == [("b", 0, True)]


def test_manifests_that_name_each_other_are_shown_once_each() -> None:
    assert sorted(rows(model("a", "b"), model("b", "a"), model("c", "c"))) == [
        ("a", 0, False),
        ("b", 0, False),
        ("c", 0, False),
    ]


def test_a_long_line_of_descent_is_set_in_so_far_at_most() -> None:
    many = [model("m0")] + [model(f"m{n}", f"m{n - 1}") for n in range(1, 1_000)]
    found = rows(*many)
    assert [name for name, _, _ in found] == [f"m{n}" for n in range(1_000)]
    assert max(depth for _, depth, _ in found) == DEEPEST


def test_what_its_making_noted_is_cut_where_it_is_long() -> None:
    (row,) = lineage([model("m", note="x" * 1_000, list=[1, 2])])
    assert dict(row.facts)["list"] == "[1,2]"
    assert len(dict(row.facts)["note"]) == 200
