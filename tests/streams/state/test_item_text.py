"""What the encoder reads."""

from __future__ import annotations

from streams.datasets.item_texts import ItemText
from streams.events.schema import Item, Review
from streams.state.event_meaning import text_of
from streams.state.item_text import of_item, of_review


def test_blank_parts_leave_no_trace() -> None:
    assert of_item(" ", ["a", "b"], [], "\n") == "a, b"
    assert of_item("", [], [], "") == of_review(" ", "") == ""
    assert of_review("Good", "Very.") == "Good. Very."


def test_an_item_reads_the_same_in_training_and_in_serving() -> None:
    title, categories, tags, text = "Alien", ["Horror", "Sci-Fi"], ["1979"], "In space."
    event = Item(event_id="e", ts=0, item_id="i", title=title, categories=categories, tags=tags, text=text)
    known = ItemText(title, text, tuple(categories), tuple(tags))
    assert text_of(event) == known.joined == "Alien. Horror, Sci-Fi. 1979. In space."


def test_only_items_and_reviews_have_texts() -> None:
    review = Review(event_id="e", ts=0, user_id="u", item_id="i", title="Good", text="Very.")
    assert text_of(review) == "Good. Very."
