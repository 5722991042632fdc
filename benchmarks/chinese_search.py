"""How well a Chinese shop is searched: by words, by meaning, and by both.

    python -m benchmarks.chinese_search --json FILE

The shop (`chinese_goods`) goes through the core as items do, with the default text encoder, whose projection
is fitted to the shop's own texts; the searches are `chinese_queries`. MRR is of the first item that
answers one; `first`: whether that is the first; `filled`: which part of the first five places answers it, of
as many as there are. Nobody has a history, and no model scores.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.chinese_goods import Good, chinese_goods
from benchmarks.chinese_queries import QUERIES, Query
from benchmarks.machine import made
from export.registry import Registry
from export.text import TextEncoder, encoder_name, load_text_encoder
from export.text_to_onnx import export_text_encoder
from model.universal import UNIVERSAL
from streams.events.schema import Item
from streams.recommender import Recommender
from streams.search.index import SearchIndex
from streams.search.searching import SearchAsked, search
from streams.settings.search import SearchSettings
from streams.settings.tree import Settings
from streams.state.event_meaning import encoded, item_record, rounded, text_of, vectors_of
from streams.state.user_state import UserState

NOW_MS = 1_700_000_000_000
PLACES = 10
PACKAGES = (UNIVERSAL, "numpy", "onnxruntime", "opencc", "tantivy")
WAYS: dict[str, dict[str, Any]] = {
    "words": {"meaning": 0.0},
    "meaning": {"words": 0.0, "intent": 0.0},
    "both": {},
}


class ChineseShop:
    """The goods in a core and in an index. `encoder` None: items have no vectors."""

    def __init__(self, goods: Sequence[Good], encoder: TextEncoder | None, **settings: Any) -> None:
        self.goods = {good.item_id: good for good in goods}
        self.encoder = encoder
        self.core = Recommender(Settings())
        self.index = SearchIndex(SearchSettings(**settings))
        self.core.meet([good.item_id for good in goods], NOW_MS)
        events = [as_event(good) for good in goods]
        said = encoded([text_of(event) for event in events], None if encoder is None else encoder.project)
        for row, event in enumerate(events):
            record = item_record(event, vectors_of(event, said), event.ts)
            self.core.put_item(row, record)
            self.index.note(row, record)
        self.index.commit()

    def found(self, text: str, **asked: Any) -> list[Good]:
        """What a search finds, best first."""
        understood = self.index.understand(text)
        vector = None
        if self.encoder is not None and understood.to_encode:
            vector = rounded(self.encoder.project([understood.to_encode]))[0]
        answer = search(
            self.core, self.index, SearchAsked(understood, vector, size=PLACES, **asked), UserState(), NOW_MS
        )
        return [self.goods[item.item_id] for item in answer.slate.items]


def as_event(good: Good) -> Item:
    """One of the goods as its item event."""
    return Item(
        event_id=good.item_id, ts=NOW_MS, item_id=good.item_id, title=good.title, text=good.text,
        categories=[good.category], price=good.price, attributes={"品牌": good.maker},
    )  # fmt: skip


def judged(query: Query, found: Sequence[Good], goods: Sequence[Good]) -> tuple[float, float, float]:
    """Reciprocal rank, whether the first place answers it, and the part of five places that does."""
    right = [query.wants(good) for good in found]
    wanted = sum(map(query.wants, goods))
    if not wanted:
        raise ValueError(f"nothing in the shop answers {query.text!r}")
    first = right.index(True) + 1 if any(right) else 0
    return (1.0 / first if first else 0.0), float(first == 1), sum(right[:5]) / min(5, wanted)


def measured(shop: ChineseShop) -> dict[str, dict[str, float]]:
    """The figures of all searches, by group and together."""
    by_group: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for query in QUERIES:
        figures = judged(query, shop.found(query.text), list(shop.goods.values()))
        by_group[query.group].append(figures)
        by_group["all"].append(figures)
    return {
        group: {
            "searches": len(each),
            **dict(zip(("mrr", "first", "filled"), np.mean(each, axis=0).round(3).tolist(), strict=True)),
        }
        for group, each in by_group.items()
    }


def main() -> None:
    """Print a table and, with `--json`, write the same for programs."""
    parser = argparse.ArgumentParser(description="How well a Chinese shop is searched.")
    parser.add_argument("--registry", type=Path, help="keep the encoder here")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--missed", action="store_true", help="list the searches whose first place is wrong")
    arguments = parser.parse_args()
    goods = chinese_goods()
    report: dict[str, Any] = {**made("python -m benchmarks.chinese_search", PACKAGES), "goods": len(goods)}
    with tempfile.TemporaryDirectory() as folder:
        registry = Registry(arguments.registry or Path(folder))
        if not registry.text.has(encoder_name(UNIVERSAL)):
            export_text_encoder(registry, [text_of(as_event(good)) for good in goods], 1)
        encoder = load_text_encoder(registry.text.get(encoder_name(UNIVERSAL)))
        for way, settings in WAYS.items():
            shop = ChineseShop(goods, encoder, **settings)
            report[way] = measured(shop)
            print(f"{way}: searches, MRR, first, filled")
            for group, row in report[way].items():
                cells = f"{row['mrr']:.3f} {row['first']:.3f} {row['filled']:.3f}"
                print(f"  {group:15} {row['searches']:3.0f} {cells}")
    if arguments.missed:
        for query in QUERIES:
            found = shop.found(query.text)
            if judged(query, found, goods)[2] < 1.0:
                print(query.text, "|", "; ".join(f"{good.title} {good.price:g}" for good in found[:5]))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
