"""An item as search reads it: its texts by field, bounded, and nothing that an index could stumble over."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from msgspec.structs import replace

from streams.search.scripts import normalized
from streams.state.catalog import ItemRecord, decode_item, encode_item

DESCRIPTION_MAX = 4_096
"""So many characters of an item's text are searched by words; its vector is of all that the encoder reads."""
TEXT = "text"
FIELDS = ("title", "maker", "categories", "facts", TEXT)
"""In the order of their usual weights. facts: tags, and attributes that name no maker."""
MAKERS = frozenset(
    """brand brands maker manufacturer producer vendor author artist label publisher designer director marca
    fabricante marque fabricant hersteller marke produttore merk fabrikant producent производитель бренд
    品牌 制造商 厂商 作者 ブランド メーカー 브랜드 제조사 ยี่ห้อ แบรนด์ العلامة الماركة uretici marka""".split()  # noqa: SIM905
)
"""What attributes are called that name who made an item."""


class ItemDocument(NamedTuple):
    """The texts of `FIELDS`, and a `digest` of them. `category_names`, `maker_names`: for intent; of a maker
    the attribute's name and value.
    """

    row: int
    title: str
    maker: str
    categories: str
    facts: str
    text: str
    digest: int
    category_names: tuple[str, ...] = ()
    maker_names: tuple[tuple[str, str], ...] = ()
    priced: bool = False


def pack(record: ItemRecord) -> bytes:
    """What search reads of a record, for one that has to wait: at a start all items do, and as objects they
    would take three times as much.
    """
    return encode_item(replace(record, text=b"", image=b"", audio=b""))


def unpack(packed: bytes) -> ItemRecord:
    """The record that `pack` has packed, without its vectors."""
    return decode_item(packed)


def document_of(row: int, record: ItemRecord) -> ItemDocument:
    """What search reads of an item."""
    makers = tuple(pair for pair in record.attributes.items() if names_maker(pair[0]))
    facts = [*record.tags, *(value for name, value in record.attributes.items() if not names_maker(name))]
    parts = (
        record.title,
        " \n ".join(value for _, value in makers),
        " \n ".join(record.categories),
        " \n ".join(facts),
        (record.description or "")[:DESCRIPTION_MAX],
    )
    digest, priced = _digest(record.item_id, *parts), record.price is not None
    return ItemDocument(row, *parts, digest, tuple(record.categories), makers, priced)


def names_maker(attribute: str) -> bool:
    """Whether an attribute of this name says who made an item.

    >>> names_maker("Brand"), names_maker("品牌"), names_maker("colour")
    (True, True, False)
    """
    return normalized(attribute).strip() in MAKERS


def _digest(*parts: str) -> int:
    """63 bits that stand for what is indexed of an item, and how."""
    made = hashlib.blake2b(digest_size=8, person=b"search-5")
    for part in parts:
        raw = part.encode("utf-8", "replace")
        made.update(len(raw).to_bytes(4, "little") + raw)
    return int.from_bytes(made.digest(), "little") >> 1
