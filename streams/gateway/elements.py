"""The elements of a JSON array that is not all JSON: the bytes of each, to refuse only the broken one.

A JSON reader passes over a good element. A broken one ends at the comma after its brackets close; where they
don't close, it ends right before the next object. Such an object counts only if no bracket closes after it
that opened before it: the code does not take a part of a broken event for an event.
"""

from __future__ import annotations

import re

from model.errors import HeadraceError
from streams.gateway.damaged_json import BRACKET_COST, WS, DamagedJson, ExhaustedError, second_value

_OBJECT = rf'\{{{WS}*("[^"\\]*"){WS}*:'
_FIRST_NAME = re.compile(_OBJECT)
_NEXT_OBJECT = re.compile(rf"(?:(\}}){WS}*)?(,){WS}*(?={_OBJECT})")
_MEMBER = re.compile(rf',{WS}*("[^"\\]*"){WS}*:')
# A few bytes that are not JSON, before an object and after one.
_BEFORE = re.compile(rf'(?:[^,"]{{1,16}}?|"{WS}*)(?={_OBJECT})', re.DOTALL)
_AFTER = re.compile(rf'(?:[^,"\]}}]{{0,16}}?|["\]}}]{WS}*)(?=,|{_OBJECT}|\]{WS}*\Z)', re.DOTALL)


class ArrayError(HeadraceError):
    """The code can't tell the elements apart; the text says where."""


def split(body: bytes, most: int) -> list[bytes]:
    r"""The bytes of each element, or of `most` + 1 where there are more; raises `ArrayError`.

    Time is linear in the length of the body. Two commas with nothing between them enclose an empty element.

    >>> split(b'[{"a": 1}, {"b": 1.}, {"c": "\\ud83d"}, {"d": [}, {"e": 5}]', 9)
    [b'{"a": 1}', b'{"b": 1.}', b'{"c": "\\ud83d"}', b'{"d": [}', b'{"e": 5}']
    """
    second = second_value(body)
    if second is not None and body[second:].startswith(b"["):
        raise ArrayError(f"another JSON value begins at byte {second}, behind the array")
    walk = _Walk(body)
    try:
        return walk.split(most)
    except ExhaustedError as error:
        raise walk.trouble(error.at, str(error)) from None


class _Walk:
    """One way through a body, from its first element to its last."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.json = DamagedJson(body)
        self.text, self.last = self.json.text, self.json.last
        self.elements: list[bytes] = []

    def split(self, most: int) -> list[bytes]:
        at = self.json.skip(0) + 1
        if self.text[self.last] != "]" or self.last < at:
            raise self.trouble(self.last + 1, "the array is not closed by `]` at the end of the body")
        if self.json.skip(at) == self.last:
            return []
        while at <= self.last and len(self.elements) <= most:
            start = self.json.skip(at)
            end = self.good(start)
            if end is None and (junk := _BEFORE.match(self.text, start)):
                behind = self.good(junk.end())
                start, end = (junk.end(), behind) if behind is not None else (start, None)
            if end is None:
                end = at = self.broken(start)
            elif junk := _AFTER.match(self.text, end):
                at = junk.end()
            self.elements.append(self.body[start:end].rstrip())
            at += self.text[at] in ",]"
        return self.elements

    def good(self, start: int) -> int | None:
        """The end of the element at `start`, if it is one and the array goes on behind it."""
        end = self.json.value(start)
        if end is None:
            return None
        after = self.json.skip(end)
        if after != self.last and self.text[after] != ",":
            junk = _AFTER.match(self.text, end) if self.text[start] == "{" else None
            if junk is None:
                return None
            after = junk.end()
        return None if self.closed_early(start, end, after) else end

    def closed_early(self, start: int, end: int, at: int) -> bool:
        """Whether a bracket in the middle of the object closes it: further members follow at `at`, up to the
        bracket that was the object's own. If a name stands on both sides, or no bracket closes, the members
        belong to another event, whose opening bracket is lost.
        """
        while member := _MEMBER.match(self.text, at):
            self.json.spend((end - start) // BRACKET_COST, start)  # to look for a name is cheap
            if self.json.names(start, end, member[1]):
                return False
            after = self.json.value(self.json.skip(member.end()))
            if after is None:
                after = self.json.closing(member.end())
            if after is None:
                return False
            at = self.json.skip(after)
            if self.text[at] == "}":
                return True
        return False

    def broken(self, start: int) -> int:
        """The comma behind the broken element at `start`, or the array's end."""
        if start == self.last or self.text[start] == ",":  # nothing stands here
            return start
        closing = self.json.closing(start)
        if closing is None or not self.resumes(closing):
            return self.next_object(start)
        self.json.spend(closing - start, start)
        return min(closing, self.next_object(start)) if self.json.is_odd(start, closing) else closing

    def resumes(self, end: int) -> bool:
        """Whether the array goes on, or ends, where a broken element seems to end."""
        if end == self.last:
            return True
        if self.text[end] != ",":
            return False
        at = self.json.skip(end + 1)
        if self.text[at] not in "{," and self.good(at) is None:
            return False
        while (end_of_next := self.json.value(at)) is not None:
            after = self.json.skip(end_of_next)
            if after == self.last or self.text[after] != ",":
                return after == self.last or self.text[after] not in "]}"
            at = self.json.skip(after + 1)
        return True

    def next_object(self, start: int) -> int:
        """The comma before the next object of this array, or the array's end.

        An object is one of this array if the elements behind it lead to the array's end. If another broken
        element is in the way, the object has to look like an event.
        """
        at = lost = start
        while found := _NEXT_OBJECT.search(self.text, at):
            self.json.spend(found.end() - at, start)
            at, comma = found.end(), found.start(2)
            if found[1] is None and self.is_part(start, comma, at, found[3]):
                continue
            if at >= lost:
                stop = self.stop(at)
                if stop == self.last:
                    return comma
                if self.text[stop] in "]}":  # the object stands inside another value
                    at = stop
                    continue
                lost = stop
            if self.json.names(at, self.json.value(at), '"event_id"'):
                return comma
        return self.last

    def is_part(self, start: int, comma: int, at: int, first_name: str) -> bool:
        """Whether the object at `at` is the rest of the broken one at `start`: a stray bracket stands before
        a member. Then no object ends before the comma, the first names differ, and no name is in both.
        """
        own = _FIRST_NAME.match(self.text, start)
        if own is None or own[1] == first_name:
            return False
        end = self.json.value(at)
        before = {name: self.json.names(start, comma, name) for name in ('"event_id"', '"type"')}
        behind = {name: self.json.names(at, end, name) for name in before}
        twice = any(before[name] and behind[name] for name in before)
        return not twice and (any(before.values()) or not all(behind.values()))

    def stop(self, start: int) -> int:
        """How far the walk can tell elements apart from `start` on: to the array's end, to a bracket that
        closes around them, or to a broken place.
        """
        at = start
        while True:
            end = self.json.value(at)
            if end is None:
                end = self.json.closing(at)
                if end is None or self.json.is_odd(at, end):
                    return at
            after = self.json.skip(end)
            if after == self.last or self.text[after] != ",":
                return after
            at = self.json.skip(after + 1)

    def trouble(self, at: int, what: str) -> ArrayError:
        return ArrayError(f"{what} (byte {at}, after {len(self.elements)} events)")
