"""A slate of two orders, and what a click on each of its places says of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from model.errors import RequestError

PLACES_MAX = 20
"""Of a slate that is interleaved; the optimised form is exact up to here."""


class Interleaved(NamedTuple):
    """`items` in their places. `credit`: what a click on each place counts: above 0 for the first order,
    below for the second. With no preference its mean is 0 at each place (optimised) or over the slate (team
    draft), whatever the users click.
    """

    items: tuple[int, ...]
    credit: tuple[float, ...]

    def outcome(self, clicked: Collection[int]) -> float:
        """The credit of the clicked places, from 0.

        >>> Interleaved((7, 8), (1.0, -1.0)).outcome([0])
        1.0
        """
        return sum(self.credit[place] for place in clicked)


def check_orders(first: Sequence[int], second: Sequence[int], places: int) -> None:
    """`RequestError` where the orders can't be interleaved."""
    if not 1 <= places <= PLACES_MAX:
        raise RequestError(f"{places} places are to be interleaved; expected 1 to {PLACES_MAX}")
    for name, order in (("first", first), ("second", second)):
        if len(order) < places:
            raise RequestError(
                f"the {name} order has {len(order)} items for {places} places; expected as many at least:"
                " ask for fewer places"
            )
        if len({*order}) < len(order):
            raise RequestError(f"the {name} order names an item twice; expected each item once")
