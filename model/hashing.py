"""Words as numbers: attributes of items, profile fields of users, and ids without a vocabulary.

The hashing trick (Weinberger et al., arXiv 0902.2206): a table of a fixed size for any words. Two words may
share a row; a model learns to live with that.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

ATTRIBUTE_BUCKETS = 4_096
PROFILE_BUCKETS = 1_024
ATTRIBUTES, PROFILE_FIELDS = 8, 8


@lru_cache(maxsize=65_536)
def bucket(word: str, buckets: int) -> int:
    """A number from 1 to `buckets`, the same on every machine (0 means "none").

    >>> bucket("genre=Drama", 4096) == bucket("genre=Drama", 4096)
    True
    """
    return zlib.crc32(word.encode(errors="surrogatepass")) % buckets + 1


def attribute_words(categories: Iterable[str], tags: Iterable[str], price: float | None) -> list[str]:
    """An item's attributes as words: each category and tag, and its price to the nearest power of two.

    >>> attribute_words(["Drama"], [], 10.0)
    ['category=Drama', 'price=3']
    """
    words = [f"category={each}" for each in categories] + [f"tag={each}" for each in tags]
    if price is not None:
        words.append(f"price={round(math.log2(1.0 + price))}")
    return words


def attributes_of(categories: Iterable[str], tags: Iterable[str], price: float | None) -> NDArray[np.int32]:
    """int32 [ATTRIBUTES], the first ones if there are more; the price has the last place."""
    return _numbers(
        attribute_words(categories, tags, price), ATTRIBUTE_BUCKETS, ATTRIBUTES, price is not None
    )


def profile_of(profile: Mapping[str, str]) -> NDArray[np.int32]:
    """int32 [PROFILE_FIELDS]: the fields of a user's profile, in the order of their names."""
    words = [f"{name}={profile[name]}" for name in sorted(profile)]
    return _numbers(words, PROFILE_BUCKETS, PROFILE_FIELDS, False)


def _numbers(words: list[str], buckets: int, room: int, keep_last: bool) -> NDArray[np.int32]:
    if len(words) > room:
        words = [*words[: room - 1], words[-1]] if keep_last else words[:room]
    numbers = np.zeros(room, np.int32)
    numbers[: len(words)] = [bucket(word, buckets) for word in words]
    return numbers
