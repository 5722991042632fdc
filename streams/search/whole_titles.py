"""A whole title as one term: who types just that means the item of that name, before all that mention it."""

from __future__ import annotations

from streams.search.analysis import LONGEST_TERM, terms
from streams.search.chinese import simplified

WHOLE = "="
"""Stands before a whole title, so that it is no word."""


def whole_titles(text: str) -> list[str]:
    """The terms that stand for a text as a whole: as it is written, and in simplified characters where these
    are others. None for a text of no terms, and for one of `LONGEST_TERM` letters, which nobody types.

    >>> whole_titles("GNU Image-Manipulation"), whole_titles("頭髮")
    (['=gnu_image_manipulation_imagemanipulation'], ['=頭髮', '=头发'])
    >>> whole_titles("?!"), whole_titles("word " * 20)
    ([], [])
    """
    found = list[str]()
    for each in dict.fromkeys((text, simplified(text))):
        title = "_".join(terms(each))
        if 0 < len(title) < LONGEST_TERM:
            found.append(WHOLE + title)
    return found
