"""What a gateway has still to do, by what its pages say."""

from __future__ import annotations

import json

from streams.bench.settling import Unsettled, unsettled
from streams.local.scrape import Samples


def ready(ranker: bool | None, trouble: str = "") -> str:
    parts: dict[str, dict[str, object]] = {"kafka": {"ready": True}, "store": {"ready": True}}
    if ranker is not None:
        parts["ranker"] = {"ready": ranker} | ({"trouble": trouble} if trouble else {})
    return json.dumps({"ready": True, "parts": parts})


def metrics(items: int, waiting: int) -> Samples:
    return Samples.of([f"headrace_search_items {items}\nheadrace_search_waiting_items {waiting}"])


def test_a_ranker_that_is_opening_is_waited_for_though_nothing_waits_for_its_index_yet() -> None:
    found = unsettled(ready(False, "the ranker is starting"), metrics(0, 0))
    assert found == Unsettled("the ranker is starting", 0, 0)


def test_items_that_are_not_found_yet_are_waited_for() -> None:
    assert unsettled(ready(True), metrics(5_000, 95_000)) == Unsettled("", 5_000, 95_000)


def test_without_search_only_the_ranker_is_waited_for() -> None:
    assert unsettled(ready(True), Samples.of([""])) is None


def test_a_gateway_without_a_ranker_is_settled() -> None:
    assert unsettled(ready(None), Samples.of([""])) is None
