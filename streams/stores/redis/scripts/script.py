"""A transaction as Lua: the server runs it whole, with nothing in between.

Redis does not roll back. So whatever may fail (a key of another type, memory used up) comes before
the first write or is itself the first write.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple


class Script(NamedTuple):
    """A script and the digest that the server knows it by."""

    source: str
    sha: str


def script_of(source: str) -> Script:
    return Script(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


FENCED = "FENCED"
"""How an error reply of a script begins where another writer came first."""
