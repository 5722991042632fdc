"""Groups of users by their profile fields, to compare how well the model serves each.

Examples carry profiles only as hashed numbers; a whole hashed row identifies its profile well enough to find
the field's value again among the profiles of the dataset.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from model.hashing import profile_of

AGE_FROM = (0, 18, 25, 35, 45, 50, 56)  # MovieLens' own bands
MOST_VALUES = 30  # a field with more values makes no groups, unless the values are numbers
UNKNOWN = ""


def groups(rows: NDArray[np.int32], profiles: Mapping[str, Mapping[str, str]]) -> dict[str, NDArray[np.str_]]:
    """The group of each hashed profile in rows [n, P], by field: str [n], "" for an unknown group.

    Numbers become bands; the result leaves out fields with more than `MOST_VALUES` words, or with one value.
    """
    named: dict[bytes, Mapping[str, str] | None] = {}
    for profile in profiles.values():
        key = profile_of(profile).tobytes()
        # Two profiles have the same row: nothing tells them apart.
        named[key] = profile if named.get(key, profile) == profile else None
    known = [named.get(row.tobytes()) or {} for row in np.ascontiguousarray(rows)]
    found = {}
    for field in sorted({field for profile in profiles.values() for field in profile}):
        label = labels(field, (profile[field] for profile in profiles.values() if field in profile))
        if len(set(label.values())) > 1:
            found[field] = np.array([label.get(each.get(field, UNKNOWN), UNKNOWN) for each in known], np.str_)
    return found


def labels(field: str, values: Iterable[str]) -> dict[str, str]:
    """The group of each value of a field; {} if the field makes no groups.

    >>> labels("age", ["17", "24", "61"])
    {'17': 'under 18', '24': '18-24', '61': '56+'}
    >>> labels("gender", ["F", "M"])
    {'F': 'F', 'M': 'M'}
    """
    known = sorted({value for value in values if value.strip()})
    numbers = _numbers(known)
    if field.lower() == "age" and numbers is not None:
        return dict(zip(known, _banded(numbers, AGE_FROM), strict=True))
    if len(known) <= MOST_VALUES:
        return {value: value for value in known}
    if numbers is None:
        return {}
    quarters = sorted({int(edge) for edge in np.quantile(numbers, [0.25, 0.5, 0.75])})
    lowest = int(min(numbers))
    return dict(
        zip(known, _banded(numbers, (lowest, *(each for each in quarters if each > lowest))), strict=True)
    )


def _numbers(known: list[str]) -> list[float] | None:
    try:
        return [float(value) for value in known]
    except ValueError:
        return None


def _banded(numbers: list[float], begins: tuple[int, ...]) -> list[str]:
    """The band of each number: from one of `begins` to below the next."""
    inner = [f"{low}-{high - 1}" for low, high in pairwise(begins[1:])]
    names = [f"under {begins[1]}", *inner, f"{begins[-1]}+"] if len(begins) > 1 else [f"{begins[0]}+"]
    places = np.searchsorted(begins, numbers, side="right") - 1
    return [names[max(int(place), 0)] for place in places]
