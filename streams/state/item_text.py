"""The text of an item or a review that the encoder reads: one rule, for training and for serving."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def of_item(title: str, categories: Sequence[str], tags: Sequence[str], text: str) -> str:
    """Title, categories, tags and text as one text; "" if all are blank.

    >>> of_item("Alien", ["Horror"], [], "In space.")
    'Alien. Horror. In space.'
    """
    return _joined((title, ", ".join(categories), ", ".join(tags), text))


def of_review(title: str, text: str) -> str:
    """Title and text as one text; "" if both are blank."""
    return _joined((title, text))


def _joined(parts: Iterable[str]) -> str:
    return ". ".join(part for part in parts if part.strip())
