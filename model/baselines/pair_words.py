"""The two texts that a cross-encoder reads: a user in words and an item in words, as known at a moment."""

from __future__ import annotations

from model.text_memory import TextMemory

RECENT_ITEMS, REVIEWS_OF_ITEM = 5, 2


def user_words(memory: TextMemory, user: str) -> str:
    """The user's reviews of their recent items; for an item without one, its own text or newest review.

    Newest first, so that a cut removes the oldest. "" for a user without a history in words.
    """
    texts = []
    for met in memory.history(user, RECENT_ITEMS):
        numbers = memory.of_item(met.item)[:1] if met.review is None else (met.review,)
        texts += [memory.texts[number] for number in numbers]
    return ". ".join(texts)


def item_words(memory: TextMemory, item: str) -> str:
    """The item's own text, or its newest reviews; "" for neither."""
    return ". ".join(memory.texts[number] for number in memory.of_item(item)[:REVIEWS_OF_ITEM])
