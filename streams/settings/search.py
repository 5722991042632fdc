"""The section `search`: how items are found by a text."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Weight = Annotated[float, Meta(ge=0, le=1_000)]
Language = Literal[
    "arabic", "danish", "dutch", "english", "finnish", "french", "german", "greek", "hungarian", "italian",
    "norwegian", "portuguese", "romanian", "russian", "spanish", "swedish", "turkish",
]  # fmt: skip
Part = Annotated[float, Meta(ge=0, le=1)]


class FieldWeights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much a word counts where it stands: in a field's BM25. `maker`: attributes such as "brand".
    `facts`: tags and the other attributes.
    """

    title: Weight = 3.0
    maker: Weight = 2.5
    categories: Weight = 2.0
    facts: Weight = 1.5
    text: Weight = 1.0


class SearchSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`enabled`: whether what ranks on request holds an index. `folder`: where the index of words is kept; ""
    keeps it in memory, and makes it anew at each start. `commit_ms`: what changed is found after so long.

    `languages`: of the items' texts, for stems; () to tell them by their words. `fields`: see `FieldWeights`.

    `per_list`: how many items words and meaning bring each; `pool`: how many of them the model scores.
    `fusion`: how the lists are joined: by reciprocal ranks, with `rank_constant`, or by scores that are
    scaled to 0..1. `words`, `meaning`, `intent`: what each counts. `least_cosine`: what is farther from the
    query than this is not near it.

    `net`: what the model's score counts beside them. Of that, `personal_floor` counts for everybody, and the
    rest as far as the user's history has to do with the query: `attention` is the temperature of that, and
    `attention_from` the cosine from which an item of the history counts more than none.

    `results`: how many places a search has at most; `sorted_results`: one in another order than relevance.
    `matches`: so many items that have the words of a query are counted by facets, and put in another order;
    of more than that, the best by their words. `kept_queries`: of past queries for completions; one is
    shown after `kept_from` users have asked it.
    """

    enabled: bool = True
    folder: str = ""
    commit_ms: Annotated[int, Meta(ge=10, le=60_000)] = 300
    languages: tuple[Language, ...] = ()
    fields: FieldWeights = FieldWeights()
    per_list: Annotated[int, Meta(ge=1, le=2_000)] = 200
    pool: Annotated[int, Meta(ge=1, le=1_000)] = 100
    fusion: Literal["ranks", "scores"] = "scores"
    rank_constant: Annotated[float, Meta(gt=0, le=1e6)] = 60.0
    words: Weight = 1.0
    meaning: Weight = 0.1
    intent: Weight = 0.2
    least_cosine: Annotated[float, Meta(ge=-1, le=1)] = 0.1
    net: Weight = 0.1
    personal_floor: Part = 0.5
    attention: Annotated[float, Meta(gt=0, le=1_000)] = 10.0
    attention_from: Annotated[float, Meta(ge=-1, le=1)] = 0.5
    results: Annotated[int, Meta(ge=1, le=200)] = 100
    sorted_results: Annotated[int, Meta(ge=100, le=10_000)] = 1_000
    matches: Annotated[int, Meta(ge=1_000, le=1_000_000)] = 20_000
    kept_queries: Annotated[int, Meta(ge=0, le=1_000_000)] = 20_000
    kept_from: Annotated[int, Meta(ge=1, le=1_000)] = 3
