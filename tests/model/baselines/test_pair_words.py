"""A user and an item in words."""

from __future__ import annotations

from model.baselines.pair_words import RECENT_ITEMS, item_words, user_words
from model.text_memory import TextMemory


def test_own_words_first_then_what_is_known_of_the_item() -> None:
    memory = TextMemory({"film": "A film"})
    memory.learn("v", "cable", "too short")
    memory.learn("u", "film")
    memory.learn("u", "cable", "long enough")
    memory.learn("u", "unheard of")
    assert user_words(memory, "u") == "long enough. A film"
    assert user_words(memory, "nobody") == ""
    assert item_words(memory, "cable") == "long enough. too short"
    assert item_words(memory, "film") == "A film"
    assert item_words(memory, "unheard of") == ""


def test_what_is_old_is_left_out() -> None:
    memory = TextMemory({})
    for k in range(RECENT_ITEMS + 2):
        memory.learn("u", f"i{k}", f"r{k}")
        memory.learn(f"v{k}", "i0", f"s{k}")
    assert user_words(memory, "u") == "r6. r5. r4. r3. r2"
    assert item_words(memory, "i0") == "s6. s5"
