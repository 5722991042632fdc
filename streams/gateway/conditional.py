"""Conditional requests (RFC 9110, section 13): a client says what it knows, by the entity tag of it.

An answer's tag names its content. A compressed answer is another representation, so its tag has an ending of
its own (`tag_of_coding`); a client that sends it back means the same content.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import NamedTuple

from streams.gateway.errors import ProblemError, problem

_TAGS = re.compile(rb'[ \t]*(?:(W/)?("[\x21\x23-\x7e\x80-\xff]*")[ \t]*)?(?:,|\Z)')
_CODING = re.compile(r'--(?:gzip|zstd)"\Z')
ANY = "*"


class Conditions(NamedTuple):
    """What a request's headers ask for: None where they don't; `*`, or tags without their codings.

    `matches` are those of If-Match, which must not be weak; `none_matches` those of If-None-Match.
    """

    matches: frozenset[str] | None = None
    none_matches: frozenset[str] | None = None

    def check(self, tag: str) -> None:
        """Raises `ProblemError` (412) where what is about to be changed is not what the client knows.

        tag: of what is there; "" for nothing.
        """
        if self.matches is not None and not _has(self.matches, tag):
            raise _failed(f"If-Match: {_told(self.matches)}", tag)
        if self.none_matches is not None and _has(self.none_matches, tag):
            raise _failed(f"If-None-Match: {_told(self.none_matches)}", tag)

    def knows(self, tag: str) -> bool:
        """Whether the client has what it asks to read: the answer is then 304."""
        return self.none_matches is not None and _has(self.none_matches, tag)


UNCONDITIONAL = Conditions()


def conditions_of(headers: Iterable[tuple[bytes, bytes]]) -> Conditions:
    """The conditions of a request; a list that can't be read names nothing.

    >>> conditions_of([(b"if-none-match", b'W/"a", "b--gzip"')]).knows('"b"')
    True
    """
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in (b"if-match", b"if-none-match"):
            found[name] = found[name] + b"," + value if name in found else value
    return Conditions(
        _tags(found[b"if-match"], strong=True) if b"if-match" in found else None,
        _tags(found[b"if-none-match"], strong=False) if b"if-none-match" in found else None,
    )


def tag_of(content: bytes) -> str:
    """The entity tag of this content, with its quotes."""
    return f'"{hashlib.blake2b(content, digest_size=16).hexdigest()}"'


def tag_of_coding(tag: str, coding: str) -> str:
    """The tag of the same content in a coding.

    >>> tag_of_coding('"f00d"', "gzip")
    '"f00d--gzip"'
    """
    return f'{tag[:-1]}--{coding}"'


def _tags(listed: bytes, strong: bool) -> frozenset[str]:
    if listed.strip(b" \t") == b"*":
        return frozenset([ANY])
    tags, at = set(), 0
    while at < len(listed):
        found = _TAGS.match(listed, at)
        if found is None:
            return frozenset()
        if found[2] is not None and not (strong and found[1]):
            tags.add(_CODING.sub('"', found[2].decode("latin-1")))
        at = found.end()
    return frozenset(tags)


def _has(tags: frozenset[str], tag: str) -> bool:
    return bool(tag) and (ANY in tags or tag in tags)


def _told(tags: frozenset[str]) -> str:
    return ", ".join(sorted(tags))[:200] or "no tag that can be read"


def _failed(asked: str, tag: str) -> ProblemError:
    return ProblemError(
        problem(
            412,
            "changed_meanwhile",
            expected=asked,
            came=f"its tag is {tag}" if tag else "there is nothing yet",
            remedy="read it again, decide anew, and send the change with the ETag of what you have read",
        ),
        {"ETag": tag} if tag else None,
    )
