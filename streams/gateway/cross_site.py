"""Pages of other sites: a browser carries what they send to any address, a loopback one too.

A page can't read the answer, but what it sends would count: a form, or a text that is an event. The browser
says where a request comes from, in headers that no page can write: `Sec-Fetch-Site`, which it leaves out
where the address has no TLS and is not this machine's own, and `Origin`, which it leaves out of most GETs.
A program that is no browser sends neither.
"""

from __future__ import annotations

import re

SITE, ORIGIN = b"sec-fetch-site", b"origin"
GUARDED = "/v1/"
"""Under it a GET counts, too: a feed that is read was shown."""
SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
_NEAR = (b"same-origin", b"same-site", b"none")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?")


def is_guarded(method: str, path: str) -> bool:
    """Whether pages of other sites must not send such a request.

    >>> is_guarded("POST", "/v1/events"), is_guarded("GET", "/v1/users/u/feed"), is_guarded("GET", "/schema")
    (True, True, False)
    """
    return method not in SAFE or path.startswith(GUARDED)


def is_near(site: bytes | None) -> bool:
    """Whether the browser says that the page is of the gateway's own site, or that no page has asked."""
    return site in _NEAR


def host_of_origin(origin: bytes) -> str | None:
    """The host whose page asks; None where it has none, or one that can't be read.

    >>> host_of_origin(b"https://Shop.example:8443"), host_of_origin(b"http://[::1]:3000")
    ('shop.example', '[::1]')
    >>> host_of_origin(b"null"), host_of_origin(b"https://localhost@evil.example")
    (None, None)
    """
    found = _ORIGIN.fullmatch(origin.decode("latin-1").lower())
    return None if found is None else found[1]
