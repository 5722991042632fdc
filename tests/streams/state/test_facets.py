"""Facets are those of each item's last announcement, whatever was asked between two of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.ranking.filters.described import fitting
from streams.ranking.given_fields import Described
from streams.ranking.request import ItemFilter
from streams.state.facets import Facets

NAMES = st.sampled_from(["a", "b", "c"])
STEPS = st.lists(st.tuples(st.integers(0, 5), st.lists(NAMES, max_size=2), st.lists(NAMES, max_size=2)))


@given(STEPS)
def test_what_is_asked_between_two_announcements_does_not_change_the_answer(
    steps: list[tuple[int, list[str], list[str]]],
) -> None:
    facets, categories, tags = Facets(), dict[int, list[str]](), dict[int, list[str]]()
    for row, its_categories, its_tags in steps:
        facets.put(row, its_categories, its_tags, {}, None)
        categories[row], tags[row] = its_categories, its_tags
        for kind, known in (("category", categories), ("tag", tags)):
            for name in ("a", "b", "c"):
                found = facets.having_any([(kind, "", name)], 6).nonzero()[0].tolist()
                assert found == sorted(row for row, names in known.items() if name in names)


def test_a_category_has_what_lies_below_it_where_names_are_paths() -> None:
    facets, items = Facets(), {0: ["Home > Kitchen"], 1: ["Home", "Garden"], 2: ["Homes"], 3: []}
    for row, categories in items.items():
        facets.put(row, categories, [], {}, None)

    def rows(name: str) -> list[int]:
        return facets.in_categories([name], 4).nonzero()[0].tolist()

    assert rows("Home") == [0, 1]
    assert rows("Home > Kitchen") == [0]
    assert facets.of(0).categories == ("Home > Kitchen",)
    facets.put(0, ["Garden > Tools"], [], {}, None)
    assert (rows("Home"), rows("Garden")) == ([1], [0, 1])
    told = [Described(f"i{row}", tuple(categories), (), {}, None, True) for row, categories in items.items()]
    for name in ("Home", "Homes", "Home > Kitchen", "Kitchen"):
        fits = fitting(ItemFilter(categories=(name,)), told).nonzero()[0].tolist()
        for row, categories in items.items():
            facets.put(row, categories, [], {}, None)
        assert fits == rows(name), "candidates that a request describes are filtered alike"
