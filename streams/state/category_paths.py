"""Categories whose names are paths, as "Home > Kitchen > Knives": an item there is in each step above, too.

A slash or a bar is no mark of a path here: "Women/Men" and "Action | Adventure" are one step.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_MARK = re.compile(r"\s*(?:>|›|»|::)+\s*")
"""Between two steps, from the widest to the closest."""


def steps_above(category: str) -> list[str]:
    """The names of the steps above it, the widest first.

    >>> steps_above("Home > Kitchen > Knives"), steps_above("鞋›跑步鞋"), steps_above("Women/Men")
    (['Home', 'Home > Kitchen'], ['鞋'], [])
    """
    ends = [(found.start(), found.end()) for found in _MARK.finditer(category)]
    return [category[:begin] for begin, end in ends if category[:begin] and category[end:]]


def level_of(category: str) -> int:
    """How many steps it has, from 1.

    >>> level_of("Home"), level_of("Home > Kitchen > Knives")
    (1, 3)
    """
    return len(steps_above(category)) + 1


def with_steps_above(categories: Iterable[str]) -> list[str]:
    """The categories, and all steps above them, each once.

    >>> with_steps_above(["Home > Kitchen", "Home > Garden"])
    ['Home > Kitchen', 'Home > Garden', 'Home']
    """
    named = list(categories)
    above = [step for category in named for step in steps_above(category)]
    return list(dict.fromkeys([*named, *above]))
