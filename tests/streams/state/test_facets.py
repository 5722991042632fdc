"""Facets are those of each item's last announcement, whatever was asked between two of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

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
