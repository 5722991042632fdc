"""Server-sent events as bytes (WHATWG HTML, 9.2: "Interpreting an event stream")."""

from __future__ import annotations

MEDIA_TYPE = "text/event-stream"
PING = b": ping\n"
"""A comment, which clients pass over. It keeps what lies in between from taking the connection for dead. No
blank line follows: some clients take every blank line for the end of an event.
"""


def event(name: str, revision: str, data: bytes) -> bytes:
    """An event. `revision` becomes the client's last event id; an empty one makes it forget the one it has.

    >>> event("feed", "5f", b'{"n":1}')
    b'event: feed\\nid: 5f\\ndata: {"n":1}\\n\\n'
    """
    lines = b"\n".join(b"data: " + line for line in data.split(b"\n"))
    return b"event: %b\nid: %b\n%b\n\n" % (name.encode(), revision.encode(), lines)


def retry(ms: int) -> bytes:
    """Tells the client after how long it comes back, once the connection has ended.

    >>> retry(2_000)
    b'retry: 2000\\n'
    """
    return b"retry: %d\n" % ms
