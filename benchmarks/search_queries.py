"""Purchases with queries, made of reviews: the protocol of product search without logs of searches.

Ai, Zhang, Bi, Chen, Croft, "Learning a hierarchical embedding model for personalized product search" (SIGIR
2017) make queries of the category paths of what was bought, take the last 20% of each user's purchases as
the test, and hide 20% of the queries from the training. The reviews of 2014 name no categories, so phrases
stand for them:

    kind    two words side by side that the reviews of several items share, as "guitar strap": what a category
            would be called. An item has those that are the most its own, by tf-idf over items.
    phrase  two words side by side of the very review that came with the purchase, which no index has seen;
            the ones that fewest items share, of those that the training knows at all.

A tie of two purchases of one day is broken by a hash, as everywhere here.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

TEST_SHARE, HIDDEN_SHARE = 0.2, 0.2
KINDS_PER_ITEM = 3
SHARED_BY, SHARED_AT_MOST = 3, 90  # items that have a phrase which names a kind
TEXT_MAX = 4_096
_WORD = re.compile(r"[a-z][a-z0-9]+")
# Words of reviews that name nothing.
_OPINION = frozenset(
    """good great well just very really nice love like get got one two use used using would could
    can will best better much also even still only buy bought product amazon price money quality
    works work little bit lot don doesn isn im ve re ll easy perfect need want make makes made thing
    things way time am was has had do does did been were they them he she we us me my mine his her
    its so too up out if than then there here what when which who how all any more most other some
    such no nor own same said sure think know pretty especially actually however""".split()  # noqa: SIM905
)


class Purchase(NamedTuple):
    """One review, as a purchase."""

    user: str
    item: str
    ts_ms: int
    text: str


class Asked(NamedTuple):
    """A purchase with the query that led to it; hidden: the query is in no purchase of the training."""

    purchase: Purchase
    query: str
    kind: str
    hidden: bool


class Searches(NamedTuple):
    """train: purchases with a query each; test: held-out ones; texts: of each item, the reviews in train."""

    train: Sequence[Asked]
    test: Sequence[Asked]
    texts: Mapping[str, str]


def read_purchases(path: Path) -> list[Purchase]:
    """Of a zip of JSON lines, by time."""
    with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as raw:
        rows = [json.loads(line) for line in io.TextIOWrapper(raw, "utf-8") if line.strip()]
    found = [
        Purchase(
            row["reviewerID"], row["asin"], int(row["unixReviewTime"]) * 1_000,
            f"{row.get('summary', '')}. {row.get('reviewText', '')}",
        )
        for row in rows
    ]  # fmt: skip
    return sorted(found, key=lambda each: (each.ts_ms, drawn(each.user, each.item)))


def searches_of(purchases: Sequence[Purchase]) -> Searches:
    """The protocol above."""
    by_user = defaultdict[str, list[Purchase]](list)
    for each in purchases:
        by_user[each.user].append(each)
    held = {
        (each.user, each.item)
        for its in by_user.values()
        for each in its[len(its) - max(1, math.ceil(TEST_SHARE * len(its))) :]
    }
    train = [each for each in purchases if (each.user, each.item) not in held]
    said = defaultdict[str, list[str]](list)
    for each in train:
        said[each.item].append(each.text)
    texts = {item: " ".join(its)[:TEXT_MAX] for item, its in said.items()}
    kinds, shared = kinds_of(texts)
    hidden = {phrase for its in kinds.values() for phrase in its if drawn("hidden", phrase) < HIDDEN_SHARE}
    asked = [_in_training(each, kinds[each.item], hidden) for each in train]
    return Searches(asked, list(_tests(purchases, held, kinds, shared, hidden)), texts)


def _in_training(purchase: Purchase, kinds: Sequence[str], hidden: set[str]) -> Asked:
    known = [phrase for phrase in kinds if phrase not in hidden]
    query = known[int(drawn(purchase.user, purchase.item) * len(known))] if known else ""
    return Asked(purchase, query, "kind", hidden=False)


def _tests(
    purchases: Sequence[Purchase], held: set[tuple[str, str]], kinds: Mapping[str, Sequence[str]],
    shared: Counter[str], hidden: set[str],
) -> list[Asked]:  # fmt: skip
    """Each held-out purchase of an item that was bought before, with a query of each sort."""
    tests = []
    for each in purchases:
        if (each.user, each.item) not in held or each.item not in kinds:
            continue
        if its := kinds[each.item]:
            query = its[int(drawn(each.user, each.item) * len(its))]
            tests.append(Asked(each, query, "kind", query in hidden))
        own = [phrase for phrase in phrases(each.text) if 0 < shared[phrase] <= SHARED_AT_MOST]
        if own:
            tests.append(Asked(each, min(own, key=lambda phrase: (shared[phrase], phrase)), "phrase", True))
    return tests


def kinds_of(texts: Mapping[str, str]) -> tuple[dict[str, list[str]], Counter[str]]:
    """Of each item the phrases that name its kind, most its own first; how many items have each phrase."""
    counts = {item: Counter(phrases(text)) for item, text in texts.items()}
    shared = Counter(phrase for its in counts.values() for phrase in its)
    return {item: _kinds(its, shared, len(counts)) for item, its in counts.items()}, shared


def _kinds(its: Counter[str], shared: Counter[str], items: int) -> list[str]:
    fitting = {
        phrase: count * math.log(items / shared[phrase])
        for phrase, count in its.items()
        if SHARED_BY <= shared[phrase] <= SHARED_AT_MOST
    }
    return sorted(fitting, key=lambda phrase: (-fitting[phrase], phrase))[:KINDS_PER_ITEM]


def phrases(text: str) -> list[str]:
    """Two words side by side that both name something."""
    words = _WORD.findall(text.lower())
    return [f"{a} {b}" for a, b in pairwise(words) if _names(a) and _names(b) and a != b]


def _names(word: str) -> bool:
    return len(word) > 2 and word not in _OPINION and word not in ENGLISH_STOP_WORDS


def drawn(*parts: str) -> float:
    """A number from 0 to 1 that is the same for the same parts."""
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2**64
