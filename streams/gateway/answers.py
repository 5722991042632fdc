"""An answer as bytes, before anything sends it: the plain routes and Litestar's send the same ones."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from litestar import Response
from litestar.types import Send

JSON = "application/json"

_encoder = msgspec.json.Encoder()
Headers = tuple[tuple[str, str], ...]


class Answer(NamedTuple):
    """`headers` come before the content's type and length."""

    status: int
    body: bytes
    media_type: str = JSON
    headers: Headers = ()


def json_answer(status: int, content: object, media_type: str = JSON, headers: Headers = ()) -> Answer:
    """An answer with `content` as JSON.

    >>> json_answer(202, {"accepted": 1}).body
    b'{"accepted":1}'
    """
    return Answer(status, _encoder.encode(content), media_type, headers)


def response(answer: Answer) -> Response[Any]:
    """The answer of a handler that Litestar calls."""
    return Response(
        answer.body,
        status_code=answer.status,
        media_type=answer.media_type,
        headers=dict(answer.headers),
    )


async def send_answer(answer: Answer, send: Send) -> None:
    """Send it as an ASGI server takes it."""
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    headers += (
        (b"content-type", answer.media_type.encode("latin-1")),
        (b"content-length", b"%d" % len(answer.body)),
    )
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
