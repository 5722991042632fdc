"""Texts as they come: an item's own text, else its newest reviews."""

from __future__ import annotations

from model.text_memory import RECENT_REVIEWS, HistoryItem, TextMemory


def test_own_text_goes_before_reviews_and_reviews_are_newest_first() -> None:
    memory = TextMemory({"film": "A film", "blank": "  "})
    assert memory.of_item("blank") == ()
    memory.learn("u", "film", "liked it")
    memory.learn("u", "blank", "first")
    memory.learn("v", "blank", "")
    memory.learn("v", "blank", "second")
    assert [memory.texts[k] for k in memory.of_item("film")] == ["A film"]
    assert [memory.texts[k] for k in memory.of_item("blank")] == ["second", "first"]
    assert memory.of_item("unheard of") == ()


def test_history_is_newest_first_with_what_the_user_wrote() -> None:
    memory = TextMemory({})
    for item, review in (("a", "good"), ("b", ""), ("c", "bad")):
        memory.learn("u", item, review)
    assert memory.history("u", 2) == [HistoryItem("c", 1), HistoryItem("b", None)]
    assert [met.item for met in memory.history("u", 9)] == ["c", "b", "a"]
    assert memory.history("v", 2) == []


def test_only_so_many_reviews_speak_for_an_item() -> None:
    memory = TextMemory({})
    for k in range(RECENT_REVIEWS + 3):
        memory.learn(f"u{k}", "a", f"review {k}")
    assert memory.of_item("a") == tuple(range(RECENT_REVIEWS + 2, 2, -1))
