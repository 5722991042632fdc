"""The names of the features of candidates, users and histories, in the order of their columns."""

from __future__ import annotations

from collections.abc import Sequence

COUNT_FEATURES = (
    "popular_short",
    "popular_mid",
    "popular_long",
    "popular_ever",
    "shown",
    "rating_mean",
    "rating_count",
    "idle",
    "age",
)
SIGNAL_FEATURES = (
    "follows",
    "follows_share",
    "follows_last",
    "precedes",
    "follows_fresh",
    "close",
    "together_all",
    "together_liked",
    "follows_lift",
    "close_cosine",
    "together_all_cosine",
    "together_liked_cosine",
    "liked_near",
    "close_signed",
    "close_signed_cosine",
    "follows_share_signed",
)
ENTITY_FEATURES = ("entity_last", "entity_taste", "entity_liked", "entity_signed")
TEXT_FEATURES = ("text_last", "text_taste", "text_words", "text_liked", "text_query", "text_signed")
LIVE_FEATURES = COUNT_FEATURES + SIGNAL_FEATURES + ENTITY_FEATURES + TEXT_FEATURES
ENTITIES_FROM = len(COUNT_FEATURES) + len(SIGNAL_FEATURES)
USER_FEATURES = (
    "interactions",
    "gap",
    "gap_before",
    "tie",
    "rating_mean",
    "rating_count",
    "activity",
    "words",
    "query",
    "rating_bias",
    "rating_lately",
)
HISTORY_FEATURES = ("liking", "rated", "gap", "tie", "weight")
EVENTS = "popular_ever"  # 0 of an item that nobody has met, and of no other
RETRIEVAL = "learned"  # the source that is the model's own user tower
CONTENT_SOURCES = ("nearest", "fresh", RETRIEVAL, "entities")  # which find items that nobody has met


def rank_feature(source: str) -> str:
    """The name of the feature that says how well a source ranked the candidate."""
    return f"rank_{source}"


def content_columns(names: Sequence[str]) -> list[int]:
    """The columns among `names` that need no event: an item's own before anyone has met it.

    >>> content_columns(["popular_ever", "age", "rank_nearest", "rank_together"])
    [1, 2]
    """
    own = {"age", *ENTITY_FEATURES, *TEXT_FEATURES, *map(rank_feature, CONTENT_SOURCES)}
    return [at for at, name in enumerate(names) if name in own]
