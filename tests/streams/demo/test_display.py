from __future__ import annotations

import numpy as np
import pytest
from rich.console import Console

from streams.datasets.interactions import Interactions
from streams.demo import watch as watching
from streams.demo.display import Status, page, reason
from streams.demo.tally import MODEL, POPULAR, Tally
from streams.demo.watch import Place, Watch
from streams.gateway.feeds import Feed, FeedItem, FeedReason

TITLES = {"1": "Toy Story (1995)", "2": "Fargo (1996)", "3": "A film whose title goes on and on, " * 4}


def feed(slate_id: str, items: list[str]) -> Feed:
    places = [FeedItem(item, 0.0, "popular", FeedReason("after", "2")) for item in items]
    return Feed("u", slate_id, 0, places, "m", "full", "default", "", {})


def shown(tally: Tally, watch: Watch, width: int = 100, height: int = 30) -> list[str]:
    console = Console(width=width, height=height, force_terminal=True, color_system=None, record=True)
    said = "experiment ranking: " + "clicks per place and so on, " * 7
    status = Status("http://127.0.0.1:8080", "ml-100k-0123456789ab", 62.0, 48_000, 310, 0, said, "try: curl")
    with console.capture() as capture:
        console.print(page(tally, watch, TITLES, status))
    return capture.get().splitlines()


def test_fits_a_terminal_of_100_by_30_empty_and_full() -> None:
    tally, watch = Tally(), Watch()
    assert len(shown(tally, watch)) <= 30
    tally.reviews = 3_000_000
    tally.compared.update({MODEL: 3_000_000, POPULAR: 3_000_000})
    tally.rungs.update({"full": 9, "fewer": 5, "counters": 3, "popular": 2, "empty": 1})
    watch.user = "u"
    watch.acted("3", 4.0, clicked=False)
    watch.see(feed("s", ["1", "2", "3"] + [str(n) for n in range(4, 11)]))
    lines = shown(tally, watch)
    assert len(lines) <= 30
    assert max(map(len, lines)) <= 100


def test_shows_the_feed_with_titles_reasons_and_moves() -> None:
    watch = Watch()
    watch.user = "u"
    watch.acted("1", 5.0, clicked=False)
    watch.see(feed("s-1", ["1", "2"]))
    watch.see(feed("s-2", ["2", "1", "9"]))
    text = "\n".join(shown(Tally(), watch))
    assert "rated Toy Story (1995) ★★★★★" in text
    assert "▲1  Fargo (1996)" in text
    assert "▼1  Toy Story (1995)" in text
    assert "often follows Fargo (1996)" in text
    assert [place.moved for place in watch.places] == [1, -1, None]


def test_the_same_slate_again_moves_nothing() -> None:
    watch = Watch()
    watch.see(feed("s-1", ["1", "2"]))
    watch.see(feed("s-2", ["2", "1"]))
    watch.see(feed("s-2", ["2", "1"]))
    assert [place.moved for place in watch.places] == [1, -1]


@pytest.mark.parametrize(
    ("kind", "item", "words"),
    [("after", "2", "often follows Fargo (1996)"), ("new", None, "new here"), ("odd", "77", "odd 77")],
)
def test_reasons_in_words(kind: str, item: str | None, words: str) -> None:
    assert reason(Place("1", kind, item, None), TITLES) == words


def test_watches_who_will_be_busy_and_stays_while_they_act() -> None:
    users = ["once", *["busy"] * 20, "once"]
    stream = Interactions(users, ["i"] * 22, np.arange(22), np.zeros(22, np.float32))
    watch = Watch()
    watch.consider("once", stream, 0)
    assert watch.user == ""
    watch.consider("busy", stream, 1)
    watch.consider("once", stream, 21)
    assert watch.user == "busy"


def test_watches_anybody_when_nobody_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "PATIENCE_S", 0.0)
    watch = Watch()
    watch.consider("once", Interactions(["once"], ["i"], np.zeros(1, np.int64), np.zeros(1, np.float32)), 0)
    assert watch.user == "once"
