"""The elements of a JSON array that is not all JSON: each one's bytes, so that a broken one is refused alone.

A good element is passed over by a JSON reader. A broken one ends at the comma after its brackets close; where
they don't, right before the next object. Such a place counts only if no bracket closes after it that was
opened before it: what stands inside a broken event is not taken for an event.
"""

from __future__ import annotations

import json
import re

from model.errors import HeadraceError

_WS = r"[ \t\r\n]"
_TEXT = r'"(?:[^"\\]++|\\.)*+"'
_OBJECT = rf'\{{{_WS}*("[^"\\]*"){_WS}*:'
_SPACE = re.compile(rf"{_WS}*")
_FIRST_NAME = re.compile(_OBJECT)
_NEXT_OBJECT = re.compile(rf"(?:(\}}){_WS}*)?(,){_WS}*(?={_OBJECT})")
_MEMBER = re.compile(rf',{_WS}*("[^"\\]*"){_WS}*:')
_BRACKET = re.compile(rf'[^"\[\]{{}},]*+(?:{_TEXT}[^"\[\]{{}},]*+)*+([\[\]{{}},"]|\Z)', re.DOTALL)
# A text with something behind it that can't stand behind a text: quotes have changed sides.
_ODD = re.compile(
    rf'(?:[^"]*+{_TEXT}{_WS}*+(?=[:,}}\]]))*+[^"]*+{_TEXT}{_WS}*+[^:,}}\]]',
    re.DOTALL,
)
# A few bytes that are no JSON, before an object and after one.
_BEFORE = re.compile(rf'(?:[^,"]{{1,16}}?|"{_WS}*)(?={_OBJECT})', re.DOTALL)
_AFTER = re.compile(rf'(?:[^,"\]}}]{{0,16}}?|["\]}}]{_WS}*)(?=,|{_OBJECT}|\]{_WS}*\Z)', re.DOTALL)

READS = 16
"""How often a body may be read over in search of its elements; beyond it, it is too broken."""
FLOOR = 2_000_000
"""Characters that may be read of a small body all the same."""
BRACKET_COST, FAILURE_COST = 16, 160
"""What a bracket of a broken element costs, and what is no value, in characters that are read."""
WINDOW = 65_536
"""A value is looked for in so many characters at first: an error makes the reader count their lines."""
CUT = 16
"""An error so near to the window's end may come of it."""

_SEPARATORS = " \t\r\n\x1e"
_reader = json.JSONDecoder(parse_int=float, parse_float=float, parse_constant=float, strict=False)


class ArrayError(HeadraceError):
    """The elements can't be told apart; the text says where."""


def split(body: bytes, most: int) -> list[bytes]:
    r"""The bytes of each element, or of `most` + 1 where there are more; raises `ArrayError`.

    Time is linear in the length of the body. Where nothing stands between two commas, an element is empty.

    >>> split(b'[{"a": 1}, {"b": 1.}, {"c": "\\ud83d"}, {"d": [}, {"e": 5}]', 9)
    [b'{"a": 1}', b'{"b": 1.}', b'{"c": "\\ud83d"}', b'{"d": [}', b'{"e": 5}']
    """
    second = second_value(body)
    if second is not None and body[second:].startswith(b"["):
        raise ArrayError(f"another JSON value begins at byte {second}, behind the array")
    return _Walk(body).split(most)


def second_value(body: bytes) -> int | None:
    r"""Where another object or array begins behind the first one, as in lines of JSON; None for nowhere.

    >>> second_value(b'{"a": 1}\n{"b": 2}\n'), second_value(b"[1], 2"), second_value(b"[1")
    (9, None, None)
    """
    text = body.decode("latin-1")
    try:
        end = _reader.raw_decode(text, len(text) - len(text.lstrip(_SEPARATORS)))[1]
    except (json.JSONDecodeError, RecursionError):
        return None
    second = len(text) - len(text[end:].lstrip(_SEPARATORS))
    return second if text[second : second + 1] in ("{", "[") else None


class _Walk:
    """One way through a body, as latin-1: a character is a byte."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.text = body.decode("latin-1")
        self.last = len(self.text.rstrip(" \t\r\n")) - 1
        self.effort = READS * len(body) + FLOOR
        self.elements: list[bytes] = []

    def split(self, most: int) -> list[bytes]:
        at = self.skip(0) + 1
        if self.text[self.last] != "]" or self.last < at:
            raise self.trouble(self.last + 1, "the array is not closed by `]` at the end of the body")
        if self.skip(at) == self.last:
            return []
        while at <= self.last and len(self.elements) <= most:
            start = self.skip(at)
            end = self.good(start)
            if end is None and (junk := _BEFORE.match(self.text, start)):
                found = self.good(junk.end())
                start, end = (junk.end(), found) if found is not None else (start, None)
            if end is None:
                end = at = self.broken(start)
            elif junk := _AFTER.match(self.text, end):
                at = junk.end()
            self.elements.append(self.body[start:end].rstrip())
            at += self.text[at] in ",]"
        return self.elements

    def good(self, start: int) -> int | None:
        """The end of the element at `start`, if it is one and the array goes on behind it."""
        end = self.value(start)
        if end is None:
            return None
        after = self.skip(end)
        if after != self.last and self.text[after] != ",":
            junk = _AFTER.match(self.text, end) if self.text[start] == "{" else None
            if junk is None:
                return None
            after = junk.end()
        return None if self.closed_early(start, end, after) else end

    def closed_early(self, start: int, end: int, at: int) -> bool:
        """Whether a bracket in the middle of the object has closed it: further members follow at `at`, up to
        the bracket that was the object's own. Where a name stands on both sides, or no bracket closes, the
        members are those of another event, which does not open.
        """
        while member := _MEMBER.match(self.text, at):
            self.spend((end - start) // BRACKET_COST, start)  # to look for a name is cheap
            if self.names(start, end, member[1]):
                return False
            after = self.value(self.skip(member.end()))
            if after is None:
                after = self.closing(member.end())
            if after is None:
                return False
            at = self.skip(after)
            if self.text[at] == "}":
                return True
        return False

    def broken(self, start: int) -> int:
        """The comma behind the broken element at `start`, or the array's end."""
        if start == self.last or self.text[start] == ",":  # nothing stands here
            return start
        closing = self.closing(start)
        if closing is None or not self.resumes(closing):
            return self.next_object(start)
        self.spend(closing - start, start)
        return min(closing, self.next_object(start)) if _ODD.match(self.text, start, closing) else closing

    def value(self, start: int) -> int | None:
        """Where the JSON value at `start` ends; None where there is none."""
        size = WINDOW
        while True:
            text = self.text[start : start + size]
            whole = start + size >= len(self.text)
            try:
                end = _reader.raw_decode(text)[1]
            except json.JSONDecodeError as error:
                unclosed = error.msg.startswith("Unterminated string")
                self.spend(len(text) if unclosed else error.pos + FAILURE_COST, start)
                if whole or not (unclosed or error.pos + CUT >= len(text)):
                    return None
            except RecursionError:
                self.spend(100 * FAILURE_COST, start)
                return None
            else:
                self.spend(end, start)
                if whole or end < len(text):
                    return start + end if start + end <= self.last else None
            size *= 16

    def closing(self, start: int) -> int | None:
        """The comma, or the bracket that closes around it, behind what opens from `start` on; None where the
        brackets don't match.
        """
        opened: list[str] = []
        at = start
        for found in _BRACKET.finditer(self.text, start):
            self.spend(found.end() - at + BRACKET_COST, start)
            at = found.end()
            match found[1]:
                case "{" | "[":
                    opened.append(found[1])
                case "}" | "]":
                    if not opened:
                        return found.start(1)
                    if opened.pop() + found[1] not in ("{}", "[]"):
                        return None
                case ",":
                    if not opened:
                        return found.start(1)
                case _:  # a text that is not closed, or the end of the body
                    self.spend(len(self.text) - at, start)
                    return None
        return None

    def resumes(self, end: int) -> bool:
        """Whether the array goes on, or ends, where a broken element seems to end."""
        if end == self.last:
            return True
        if self.text[end] != ",":
            return False
        at = self.skip(end + 1)
        if self.text[at] not in "{," and self.good(at) is None:
            return False
        while (end_of_next := self.value(at)) is not None:
            after = self.skip(end_of_next)
            if after == self.last or self.text[after] != ",":
                return after == self.last or self.text[after] not in "]}"
            at = self.skip(after + 1)
        return True

    def next_object(self, start: int) -> int:
        """The comma before the next object of this array, or the array's end.

        It is one of this array if what follows it leads to the array's end. Where something else that is
        broken is in the way, it has to look like an event.
        """
        at = lost = start
        while found := _NEXT_OBJECT.search(self.text, at):
            self.spend(found.end() - at, start)
            at, comma = found.end(), found.start(2)
            if found[1] is None and self.is_part(start, comma, at, found[3]):
                continue
            if at >= lost:
                stop = self.stop(at)
                if stop == self.last:
                    return comma
                if self.text[stop] in "]}":  # it stands inside of something
                    at = stop
                    continue
                lost = stop
            if self.names(at, self.value(at), '"event_id"'):
                return comma
        return self.last

    def is_part(self, start: int, comma: int, at: int, first_name: str) -> bool:
        """Whether the object at `at` is the rest of the broken one at `start`: a bracket was put before a
        member. No object ends before the comma then, the first names differ, and no name is in both.
        """
        own = _FIRST_NAME.match(self.text, start)
        if own is None or own[1] == first_name:
            return False
        end = self.value(at)
        before = {name: self.names(start, comma, name) for name in ('"event_id"', '"type"')}
        behind = {name: self.names(at, end, name) for name in before}
        twice = any(before[name] and behind[name] for name in before)
        return not twice and (any(before.values()) or not all(behind.values()))

    def names(self, start: int, end: int | None, name: str) -> bool:
        """Whether a name stands between two places."""
        return end is not None and self.text.find(name, start, end) >= 0

    def stop(self, start: int) -> int:
        """How far elements can be told apart from `start` on: the array's end, a bracket that closes around
        them, or something that is broken.
        """
        at = start
        while True:
            end = self.value(at)
            if end is None:
                end = self.closing(at)
                if end is None or _ODD.match(self.text, at, end):
                    return at
            after = self.skip(end)
            if after == self.last or self.text[after] != ",":
                return after
            at = self.skip(after + 1)

    def skip(self, at: int) -> int:
        """The first place from `at` on that is not white space."""
        found = _SPACE.match(self.text, at)
        return found.end() if found else at

    def spend(self, characters: int, at: int) -> None:
        self.effort -= characters
        if self.effort < 0:
            raise self.trouble(at, "too much is broken to tell the events apart")

    def trouble(self, at: int, what: str) -> ArrayError:
        return ArrayError(f"{what} (byte {at}, after {len(self.elements)} events)")
