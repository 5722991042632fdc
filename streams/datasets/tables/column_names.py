"""The names that public datasets give to the columns we need, the clearest first."""

from __future__ import annotations

import re

# The fields of each kind of file.
INTERACTION_FIELDS = (
    "user", "item", "ts", "rating", "text", "title", "action", "query", "impressions", "clicked", "slate",
)  # fmt: skip
ITEM_FIELDS = ("item", "title", "text", "categories", "tags", "price", "image_vector", "audio_vector")
USER_FIELDS = ("user",)

_ITEM = (
    "itemid item parentasin asin movieid productid bookid trackid songid artistid gameid businessid "
    "articleid newsid videoid hotelid recipeid animeid venueid iid sku isbn"
)
_USER = "userid user reviewerid customerid visitorid memberid accountid uid"

COMMON_NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    kind: {field: tuple(names.split()) for field, names in fields.items()}
    for kind, fields in {
        "interactions": {
            "user": _USER,
            "item": _ITEM,
            "ts": "timestamp ts unixreviewtime unixtime time eventtime datetime createdat timems timestampms "
            "date reviewtime",
            "rating": "rating overall stars starrating score bookrating",
            "text": "reviewtext reviewbody review text comment content body",
            "title": "summary reviewsummary reviewtitle reviewheadline headline title",
            "action": "action actiontype eventtype event behavior behaviortype",
            "query": "query searchquery searchterm keywords",
            # Only if `--map` names them: a column's name alone does not make a list of ids a slate.
            "impressions": "",
            "clicked": "",
            "slate": "",
        },
        "items": {
            "item": _ITEM,
            "title": "title movietitle itemtitle producttitle booktitle name itemname productname",
            "text": "text description overview plot synopsis summary abstract content",
            "categories": "categories genres category genre class maincategory",
            "tags": "tags keywords brand author authors director directors artist store",
            "price": "price",
            "image_vector": "imagevector imageembedding imageemb imagefeatures",
            "audio_vector": "audiovector audioembedding audioemb audiofeatures",
        },
        "users": {"user": _USER},
    }.items()
}
# These fields join all matching columns, not just the first.
JOINED = frozenset({"text", "tags"})

_KNOWN = frozenset(name for fields in COMMON_NAMES.values() for names in fields.values() for name in names)


def plain(column: str) -> str:
    """A column's name for comparison: lower case, letters and digits only.

    >>> plain("unixReviewTime") == plain("unix_review_time")
    True
    """
    return re.sub(r"[^a-z0-9]", "", column.lower())


def is_known(column: str) -> bool:
    """Whether this is a usual name in a header."""
    return plain(column) in _KNOWN


def _has_signs(column: str) -> bool:
    return re.fullmatch(r"[\w .:/-]*", column, re.ASCII) is None


def guess(kind: str, field: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    """The columns that most likely hold a field; empty if none does.

    >>> guess("interactions", "user", ("reviewerID", "asin"))
    ('reviewerID',)

    Of names that differ by signs alone, as where the first of many objects is damaged, a clean one holds.

    >>> guess("interactions", "item", ("item}", "item"))
    ('item',)
    """
    columns = tuple(sorted(columns, key=_has_signs))
    by_plain = {plain(column): column for column in reversed(columns)}
    if len({column.rpartition(".")[0] for column in columns}) == 1:  # Hive writes table.column
        by_plain = {plain(column.rpartition(".")[2]): column for column in reversed(columns)}
    found = [by_plain[name] for name in COMMON_NAMES[kind][field] if name in by_plain]
    joined = field in JOINED and kind == "items"
    return tuple(found if joined else found[:1])
