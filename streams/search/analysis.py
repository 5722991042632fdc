"""A text as the terms by which it is found: the same rule for what is indexed and for what is asked.

It is done before the index sees a text: tantivy gets terms with spaces between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from streams.search.scripts import letters_of, normalized, pairs, runs, unspaced

LONGEST_TERM = 64
"""Letters. What is longer is no word: it is cut."""
_joints = re.compile(r"(?<=[^\W\d_])[-./·](?=[^\W_])|(?<=[^\W_])[-./·](?=[^\W\d_])")  # not in "10.5"
_ended = re.compile(r"[a-z0-9]*[a-z](?:\+{1,2}|#)(?![a-z0-9_+#])")
_pointed = re.compile(r"(?<![\w.])\.[a-z][a-z0-9]*")
_apostrophe = re.compile(r"(?<=[^\W\d_])['’ʼ](?=[^\W\d_])")


def terms(text: str, indexed: bool = False, together: bool = True) -> list[str]:
    """The terms of a text, in its order.

    A word is a term. Parts that a hyphen, a point, a slash or an apostrophe joins are terms, and so is what
    they make together: "SM-57" is found by "sm57" too. Of what an apostrophe joins, parts of one letter are
    left out. A name with a sign of its own, as C++, C#, .NET or GTK+, is a term beside its word. A run of a
    script without spaces gives its pairs; in the index, its last letter too: with it, a query of one letter
    finds each place as the beginning of a term. together: whether what parts make together is a term; it is
    none of what somebody is still typing.

    >>> terms("The men's SM-57"), terms("运动鞋 男款")
    (['the', 'men', 'mens', 'sm', '57', 'sm57'], ['运动', '动鞋', '男款'])
    >>> terms("C++ (C#, .NET) a+b 10+")
    ['c', 'c++', 'c', 'c#', 'net', '.net', 'a', 'b', '10']
    >>> terms("运动鞋", indexed=True)
    ['运动', '动鞋', '鞋']
    """
    found: list[str] = []
    for part in normalized(text).split():
        if part.isascii() and part.isalnum():  # as good as always
            found.append(part)
            continue
        pieces = _apostrophe.split(part)
        for piece in [piece for piece in pieces if len(piece) > 1] or pieces:
            found += _of_part(piece, indexed, together)
        if len(pieces) > 1 and together:
            found += runs("".join(pieces))
    return [term[:LONGEST_TERM] for term in found]


def _of_part(part: str, indexed: bool, together: bool) -> list[str]:
    found: list[str] = []
    for run in runs(part):
        if not unspaced(run):
            found.append(run)
            continue
        found += pairs(run)
        if indexed and len(letters_of(run)) > 1:
            found.append(letters_of(run)[-1])
    if together and len(found) > 1 and _joints.search(part):
        joined = "".join(runs(_joints.sub("", part)))
        if not unspaced(joined) and joined not in found and len(joined) <= LONGEST_TERM:
            found.append(joined)
    return found + _with_signs(part)


def _with_signs(part: str) -> list[str]:
    """Names that end in + or #, or begin with a point: without the sign they are other names."""
    found = list[str](_ended.findall(part)) if "+" in part or "#" in part else []
    return found + _pointed.findall(part) if "." in part else found


def is_word(term: str) -> bool:
    """Whether a term is a word of letters alone, with which spelling and stems make sense.

    >>> [is_word(term) for term in ("guitar", "sm57", "运动", "гитара")]
    [True, False, False, True]
    """
    return term.isalpha() and not unspaced(term)


def joined(parts: Iterable[str]) -> str:
    """Terms as one text, which splits at its spaces into the same terms."""
    return " ".join(parts)
