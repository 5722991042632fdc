"""How much each item is like what the user met and chose in this session: by its properties and its text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.signals.lists.session import Session

LIKENESS = (
    "like_last",
    "like_met",
    "like_chosen",
    "like_list",
    "like_text_last",
    "like_text_met",
    "like_text_chosen",
    "properties",
)

F64 = NDArray[np.float64]


class ItemContent(NamedTuple):
    """Of all items, by their rows: attributes int32 [N, A], the hashed numbers of categories, tags and price
    (0: none); text float32 [N, D], unit vectors, zero for none.
    """

    attributes: NDArray[np.int32]
    text: F32


def likeness(rows: NDArray[np.int32], content: ItemContent, session: Session) -> list[F64]:
    """A column [n] for each of `LIKENESS`.

    like_last, like_met, like_chosen: the share of properties in common (Jaccard) with the item that was met
    last, and the mean of it over what was met and chosen in this session; like_text_: the same with the
    cosine of the texts. An item is not compared with itself. like_list: the mean share of the list's places
    that have each of its properties: 1 where it has nothing that the others lack. properties: the logarithm
    of how many it has. 0 where there is nothing to compare.
    """
    met = session.met()
    groups = (met[:1], met, session.chose())
    own = content.attributes[rows]
    texts = content.text[rows].astype(np.float64)
    there = own > 0
    count = there.sum(1).astype(np.float64)
    nothing = np.zeros(len(rows))
    by_property, by_text = [nothing] * 3, [nothing] * 3
    if there.any():
        by_property = [_mean(rows, group, _in_common(own, content.attributes[group])) for group in groups]
    if texts.any():
        by_text = [_mean(rows, group, texts @ content.text[group].astype(np.float64).T) for group in groups]
    return [*by_property, _in_the_list(own, there, count), *by_text, np.log1p(count)]


def _in_common(own: NDArray[np.int32], others: NDArray[np.int32]) -> F64:
    """Of attributes [n, A] and [m, A] the Jaccard index [n, m]; 0 where neither has any."""
    same = (own[:, None, :, None] == others[None, :, None, :]) & (own > 0)[:, None, :, None]
    both = same.any(3).sum(2).astype(np.float64)
    either = (own > 0).sum(1)[:, None] + (others > 0).sum(1)[None, :] - both
    jaccard: F64 = both / np.maximum(either, 1.0)
    return jaccard


def _mean(rows: NDArray[np.int32], group: Sequence[int], likeness: F64) -> F64:
    """Over a group of items, each place's own item left out; likeness [n, m]."""
    others = rows[:, None] != np.array(group, np.int32)[None, :]
    mean: F64 = (likeness * others).sum(1) / np.maximum(others.sum(1), 1)
    return mean


def _in_the_list(own: NDArray[np.int32], there: NDArray[np.bool_], count: F64) -> F64:
    numbers, which = np.unique(own, return_inverse=True)
    places = np.bincount(which.ravel(), minlength=len(numbers)) / len(own)
    shares = np.where(there, places[which.reshape(own.shape)], 0.0)
    mean: F64 = shares.sum(1) / np.maximum(count, 1.0)
    return mean
