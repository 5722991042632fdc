"""The fields that items are counted by, as a caller names them."""

from __future__ import annotations

import re
from typing import NamedTuple

from model.errors import RequestError

EVERYTHING = "*"
"""All fields that tell the found items apart: see `streams.search.facets`."""
MOST_FIELDS = 16
NAME_MOST = 256
PATTERN = rf"^(\*|categories(\.[1-9])?|tags|price|available|attributes\..{{1,{NAME_MOST}}})$"
KNOWN = (
    "categories, categories.1 (the widest step of paths, up to categories.9), tags, price, available, "
    f"attributes.NAME with the name of an attribute of items, or {EVERYTHING} for all that tell items apart"
)
_PATTERN = re.compile(PATTERN, re.DOTALL)


class FacetField(NamedTuple):
    """`name`: as it is asked for. `kind`: "categories", "tags", "price", "available", or "attribute" with its
    name. `level`: of categories that are paths, 1 for the widest; 0 for any.
    """

    name: str
    kind: str
    attribute: str = ""
    level: int = 0

    @property
    def root(self) -> str:
        """The field whose part of a filter is this one's own."""
        return "categories" if self.kind == "categories" else self.name


def facet_field(name: str) -> FacetField:
    """The field of a name; `RequestError` for what is none.

    >>> facet_field("categories.2").level, facet_field("attributes.brand").attribute
    (2, 'brand')
    """
    if not _PATTERN.fullmatch(name):
        raise RequestError(f"facets is {name[:60]!r}; expected {KNOWN}")
    root, _, rest = name.partition(".")
    if root == "attributes":
        return FacetField(name, "attribute", rest)
    return FacetField(name, root, "", int(rest or 0))
