"""Names of models, with and without the space: "mate60pro" is "Mate 60 Pro", and "k 380" is "K380"."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

_joint = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")


def is_model(term: str) -> bool:
    """Whether a term has letters and digits.

    >>> is_model("k380"), is_model("380"), is_model("guitar")
    (True, False, False)
    """
    return _joint.search(term) is not None


def with_spaces(text: str) -> str:
    """A text with a space between letters and digits.

    >>> with_spaces("mate60pro 手机")
    'mate 60 pro 手机'
    """
    return _joint.sub(" ", text)


def parted(terms: Sequence[str], known: Callable[[str], object]) -> list[str]:
    """The terms of a query. One of letters and digits that no item has is its parts, where items have all of
    these.

    >>> parted(["mate60pro", "rtx4060"], {"mate", "60", "pro", "rtx4060"}.__contains__)
    ['mate', '60', 'pro', 'rtx4060']
    """
    found: list[str] = []
    for term in terms:
        parts = _joint.split(term) if is_model(term) and not known(term) else [term]
        found += parts if all(map(known, parts)) else [term]
    return found
