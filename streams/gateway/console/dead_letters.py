"""GET /console/dead-letters, and one of them: what could not be applied, and how to send it back."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from litestar.response import Template

from streams.gateway.admin.dead_letters import LAST_POSITION, DeadLetters
from streams.gateway.admin.letter_bodies import Bytes, LetterList
from streams.gateway.console.answered import tried
from streams.gateway.console.showing import show

Asked = Request[Any, Any, Any]
A_PAGE = 25
PREVIEW = 160
DUMP_BYTES = 4_096
"""So many bytes of what is no text are shown."""
WIDTH = 16
DEEPEST = 32
"""What is nested more deeply is shown as it came: indents would make a thousand times as much of it."""
_TEXT_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)


def dead_letter_pages(letters: DeadLetters) -> list[HTTPRouteHandler]:
    """The pages."""

    @get("/dead-letters", name="console.dead_letters")
    async def letters_page(
        request: Asked,
        before: Annotated[int | None, QueryParameter(ge=0, le=LAST_POSITION)] = None,
        reason: Annotated[str, QueryParameter(max_length=64)] = "",
    ) -> Template:
        found, trouble = await tried(letters.page(A_PAGE, before, reason), LetterList([], None))
        older = {"before": found.before, **({"reason": reason} if reason else {})}
        return show(
            request,
            "dead-letters",
            letters=[(each, preview(each.value)) for each in found.letters],
            trouble=trouble,
            reason=reason,
            reasons=sorted({each.reason for each in found.letters}),
            before=before,
            older=None if found.before is None else urlencode(older),
        )

    @get("/dead-letters/{position:int}", name="console.dead_letter")
    async def letter_page(request: Asked, position: FromPath[int]) -> Template:
        letter, trouble = await tried(letters.one(position), None)
        value = None if letter is None else letter.value
        return show(
            request,
            "dead-letter",
            200 if trouble is None else trouble.status,
            letter=letter,
            position=position,
            trouble=trouble,
            key=None if letter is None else shown_text(letter.key),
            text=shown_text(value),
            dump=None if value is None or value.base64 is None else "\n".join(dump(value.base64)),
            mended=pretty(value),
        )

    return [letters_page, letter_page]


def preview(value: Bytes | None) -> str | None:
    """The beginning of a value on one line; None for no value."""
    text = shown_text(value)
    if text is None:
        return None
    line = " ".join(text.split())
    return line if len(line) <= PREVIEW else line[: PREVIEW - 1] + "…"


def shown_text(value: Bytes | None) -> str | None:
    """Bytes as text, without what a page must not have: characters that move others, or show nothing.

    >>> shown_text(Bytes(5, False, text="a\\u202eb\\x00c"))
    'a�b�c'
    """
    if value is None:
        return None
    text = value.text
    if text is None:
        raw = base64.b64decode(value.base64 or "")
        text = raw.decode(errors="replace")
    return "".join(each if each.isprintable() or each in "\n\t" else "�" for each in text)


def dump(encoded: str) -> Iterator[str]:
    """Bytes as people read what is no text: 16 a line, in hexadecimal, and what of them is ASCII.

    >>> [*dump(base64.b64encode(b"\\xff\\x00 not text").decode())]
    ['00000000  ff 00 20 6e 6f 74 20 74 65 78 74                 .. not text']
    """
    raw = base64.b64decode(encoded)[:DUMP_BYTES]
    for at in range(0, len(raw), WIDTH):
        part = raw[at : at + WIDTH]
        plain = "".join(chr(each) if 32 <= each < 127 else "." for each in part)
        yield f"{at:08x}  {part.hex(' '):<{3 * WIDTH}} {plain}"


def pretty(value: Bytes | None) -> str:
    """What is to be mended: JSON with indents, letters that can't be seen as escapes; as it came where it is
    none.
    """
    if value is None or value.text is None:
        return ""
    if _depth(value.text) > DEEPEST:
        return value.text
    try:
        text = msgspec.json.format(value.text, indent=2)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return value.text
    return "".join(each if each.isprintable() or each == "\n" else _escape(each) for each in text)


def _depth(text: str) -> int:
    """How deeply JSON is nested."""
    steps = {"[": 1, "{": 1, "]": -1, "}": -1, '"': 0}
    return max(accumulate(steps[found[0][0]] for found in _TEXT_OR_BRACKET.finditer(text)), default=0)


def _escape(letter: str) -> str:
    return json.dumps(letter)[1:-1]
