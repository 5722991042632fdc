"""What a slate says of the experiments that it is of: `look=plain,ranking=bold`, in the order of the names.

A name with a phase behind it, `ranking~2`, is the experiment under the weights and arms of its second phase.
`ranking=bold~3` is of an experiment with adaptive allocation: the user was drawn to `bold` by the weights of
its third period. What ends with `!` made the slate and counts for no reading: the user is a tester, was drawn
to an arm that is stopped, or would have been shown the same by each arm (`trigger`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

TEXT_MAX = 256
"""So many letters `streams.events.schema.Short` takes."""


class Served(NamedTuple):
    """`key`: the experiment's name, with its phase where that is not the first. `counts`: whether the user
    was drawn to this arm.
    """

    key: str
    arm: str
    counts: bool = True

    @property
    def text(self) -> str:
        """As it stands in the text of a slate."""
        return f"{self.key}={self.arm}{'' if self.counts else '!'}"


def key_of(name: str, phase: int) -> str:
    """An experiment in one of its phases, from 1.

    >>> key_of("ranking", 1), key_of("ranking", 2)
    ('ranking', 'ranking~2')
    """
    return name if phase == 1 else f"{name}~{phase}"


def name_of(key: str) -> str:
    """The experiment of a key."""
    return key.partition("~")[0]


def period_arm(arm: str, number: int) -> str:
    """An arm as slates and sums name it for users who were drawn in a period, from 1, of its weights.

    >>> period_arm("bold", 1), period_arm("bold", 3)
    ('bold', 'bold~3')
    """
    return arm if number == 1 else f"{arm}~{number}"


def declared_arm(told: str) -> str:
    """The arm as it is declared, whatever period is said of it.

    >>> declared_arm("bold~3"), declared_arm("bold")
    ('bold', 'bold')
    """
    return told.partition("~")[0]


def text_of(served: Iterable[Served], nobody: str) -> str:
    """The text of a slate's arms; `nobody` where there are none.

    >>> text_of([Served("ranking", "bold"), Served("look~2", "plain", False)], "default")
    'look~2=plain!,ranking=bold'
    """
    return ",".join(sorted(each.text for each in served)) or nobody


def uncounted(text: str, served: str) -> str:
    """The text of a slate of which one arm, as it stands in it, counts for no reading.

    >>> uncounted("look=plain,ranking=bold", "look=plain")
    'look=plain!,ranking=bold'
    """
    return replaced(text, served, f"{served}!")


def replaced(text: str, served: str, other: str) -> str:
    """The text of a slate with another arm in place of one, as it stands in it.

    >>> replaced("a=x,aa=x", "a=x", "a=y")
    'a=y,aa=x'
    """
    return ",".join(sorted(other if each == served else each for each in text.split(",")))


def served_by(text: str) -> list[Served]:
    """What the text of a slate says; nothing for a text of another kind.

    >>> served_by("look~2=plain!,ranking=bold")
    [Served(key='look~2', arm='plain', counts=False), Served(key='ranking', arm='bold', counts=True)]
    >>> served_by("default")
    []
    """
    found = []
    for part in text.split(","):
        key, equals, arm = part.partition("=")
        if equals and key and arm:
            found.append(Served(key, arm.removesuffix("!"), not arm.endswith("!")))
    return found


@lru_cache(4_096)
def counted_in(text: str) -> tuple[tuple[str, str], ...]:
    """The (key, arm) pairs that count by the text of a slate. An app may send any text: of two arms of one
    experiment the first counts.

    >>> counted_in("look~2=plain!,ranking=bold"), counted_in("a=1,a=2"), counted_in("default")
    ((('ranking', 'bold'),), (('a', '1'),), ())
    """
    found: dict[str, str] = {}
    for each in served_by(text):
        if each.counts:
            found.setdefault(each.key, each.arm)
    return tuple(found.items())
