"""The two texts that a cross-encoder reads: a user in words, and an item in words, as known at a moment."""

from __future__ import annotations

from model.text_memory import TextMemory

RECENT_ITEMS, REVIEWS_OF_ITEM = 5, 2


def user_words(memory: TextMemory, user: str) -> str:
    """What the user wrote of their recent items, or where they wrote nothing what is known of those.

    Newest first, so that what is cut off is the oldest. "" for a user without a history in words.
    """
    said = []
    for met in memory.history(user, RECENT_ITEMS):
        numbers = memory.of_item(met.item)[:1] if met.review is None else (met.review,)
        said += [memory.texts[number] for number in numbers]
    return ". ".join(said)


def item_words(memory: TextMemory, item: str) -> str:
    """The item's own text, or its newest reviews; "" for neither."""
    return ". ".join(memory.texts[number] for number in memory.of_item(item)[:REVIEWS_OF_ITEM])
