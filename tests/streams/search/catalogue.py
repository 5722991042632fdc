"""A small catalogue in several languages, in a core and in an index."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from model.schema import F32
from streams.recommender import Recommender
from streams.search.index import SearchIndex
from streams.settings.search import SearchSettings
from streams.settings.tree import Settings
from streams.state.catalog import ItemRecord
from streams.state.knowledge_graph import Graph

NOW_MS = 1_700_000_000_000


class Goods(NamedTuple):
    """One item."""

    title: str
    maker: str = ""
    categories: Sequence[str] = ()
    price: float | None = None
    text: str = ""
    available: bool = True


SHOP = (
    Goods(
        "Leather guitar strap", "Levy", ["Straps"], 30.0, "Soft leather for electric and acoustic guitars."
    ),
    Goods("Nylon guitar strap", "Ernie Ball", ["Straps"], 8.0),
    Goods(
        "Acoustic guitar strings", "D'Addario", ["Strings"], 12.0, "Bronze strings for the acoustic guitar."
    ),
    Goods("运动鞋 男款 轻便 透气", "安踏", ["鞋"], 99.0, "适合跑步的轻便运动鞋"),
    Goods("蓝牙耳机 无线降噪", "华为", ["耳机"], 300.0, "长续航 蓝牙 耳机"),
    Goods("Studio headphones", "Sony", ["Headphones"], 120.0, "For mixing in the studio."),
    Goods("Wireless headphones", "Sony", ["Headphones"], 20.0, "Bluetooth headphones for the way to work."),
    Goods("กีตาร์โปร่ง", "Yamaha", ["กีตาร์"], 150.0),
    Goods("無線イヤホン", "ソニー", ["イヤホン"], 80.0),
    Goods("🎸 sticker", "", ["Stickers"], 2.0),
)


class Shop(NamedTuple):
    """A core and the index of its items."""

    core: Recommender
    indexed: SearchIndex

    def put(self, row: int, goods: Goods, ts: int = NOW_MS) -> None:
        """Announce one item, met before."""
        record = record_of(row, goods, ts)
        self.core.put_item(row, record)
        self.indexed.note(row, record)


def record_of(row: int, goods: Goods, ts: int = NOW_MS) -> ItemRecord:
    """What is stored of one item."""
    return ItemRecord(
        item_id=f"i{row}",
        ts=ts,
        available=goods.available,
        text=vector_of(f"{goods.title} {goods.text}").astype(np.float16).tobytes(),
        title=goods.title,
        categories=list(goods.categories),
        price=goods.price,
        attributes={"brand": goods.maker} if goods.maker else {},
        description=goods.text,
    )


def vector_of(text: str, dim: int = 64) -> F32:
    """A vector of unit length in which texts with common words are near each other."""
    total = np.zeros(dim)
    for word in text.lower().split():
        seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=4).digest(), "little")
        total += np.random.default_rng(seed).normal(size=dim)
    length = np.linalg.norm(total)
    return (total / length if length else total).astype(np.float32)


def shop(
    goods: Sequence[Goods] = SHOP, settings: SearchSettings = SearchSettings(), graph: Graph | None = None
) -> Shop:
    """All of them, committed."""
    made = Shop(Recommender(Settings(), graph), SearchIndex(settings, graph))
    made.core.meet([f"i{row}" for row in range(len(goods))], NOW_MS)
    for row, each in enumerate(goods):
        made.put(row, each)
    made.indexed.commit()
    return made
