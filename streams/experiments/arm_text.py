"""A slate's arm as text: which arm of each of its experiments made it, `ranking=bold,look=plain`.

Slates, impressions and answers carry the text in their field `arm`, so what was served is what is measured.
An experiment whose weights or arms were changed has the number of its phase behind its name, `ranking~2`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from model.errors import SettingsError

NONE = "default"
"""The arm of a slate that no experiment made."""
MOST = 256
"""Characters that the field `arm` of an event holds."""

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
_KEY = re.compile(_NAME.pattern + r"(~\d{1,4})?")


def arm_text(arms: Iterable[tuple[str, str]]) -> str:
    """The text of an arm of each experiment, (experiment, arm), in the order of the experiments' names.

    Raises `SettingsError` for a name that the text can't hold, and for more than it can hold.

    >>> arm_text([("ranking", "bold"), ("look", "plain")]), arm_text([])
    ('look=plain,ranking=bold', 'default')
    """
    ordered = sorted(arms)
    for name, allowed in (
        (name, each) for pair in ordered for name, each in zip(pair, (_KEY, _NAME), strict=True)
    ):
        if not allowed.fullmatch(name):
            raise SettingsError(
                f"{name!r} can't name an experiment or an arm; expected at most 64 letters, digits, '_', '-'"
                " and '.', and no '.' at the start"
            )
    if len({experiment for experiment, _ in ordered}) < len(ordered):
        raise SettingsError(f"two arms of one experiment for one slate: {ordered}; expected one of each")
    text = ",".join(f"{experiment}={arm}" for experiment, arm in ordered) or NONE
    if len(text) > MOST:
        raise SettingsError(f"the arm {text!r} has {len(text)} characters, {MOST} at most: shorten the names")
    return text


@lru_cache(4_096)
def experiments_of(text: str) -> tuple[tuple[str, str], ...]:
    """The (experiment, arm) pairs that an arm's text names, in its order. An app may send any text, so what
    is no such pair names nothing, and of two arms of one experiment the first counts.

    >>> experiments_of("look=plain,ranking=bold")
    (('look', 'plain'), ('ranking', 'bold'))
    >>> experiments_of("default"), experiments_of("a=b=c,=d,e="), experiments_of("ranking~2=bold")
    ((), (), (('ranking~2', 'bold'),))
    """
    found: dict[str, str] = {}
    for part in text.split(","):
        experiment, _, arm = part.partition("=")
        if _KEY.fullmatch(experiment) and _NAME.fullmatch(arm):
            found.setdefault(experiment, arm)
    return tuple(found.items())
