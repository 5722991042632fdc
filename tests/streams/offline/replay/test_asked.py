"""Requests of a gateway along a replay: read strictly, answered in their place, as the core ranks them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from model.errors import DataError, SettingsError
from streams.offline.replay.asked import Answering, read_requests
from streams.offline.stream_driver import Prequential
from streams.offline.training.warming import prepare
from streams.settings.tree import Settings
from tests.streams.offline.planted import planted

TS = 1_800_000_000_000
RANK = {"user_id": "u1", "items": ["i1", "i2", "nowhere"]}


def requests(folder: Path, *lines: object) -> Path:
    path = folder / "requests.jsonl"
    path.write_text("".join(json.dumps(line) + "\n\n" for line in lines))
    return path


def learned(events: int) -> Prequential:
    run = prepare(planted(), Settings(), None, lambda *_: None)
    run.warm(events, None, events, lambda _: None)
    return run


def test_what_is_due_is_answered_in_its_place(tmp_path: Path) -> None:
    run = learned(50)
    stream = run.stream.interactions
    user, items = stream.user[49], list(dict.fromkeys(stream.item[:40]))[:5]
    ts = int(stream.ts_ms[52])
    asked = {"ts": ts, "cause": "c"}
    body = {"user_id": user, "items": [*items, "nowhere"], "n": 3}
    path = requests(
        tmp_path,
        {"after": 52, **asked, "rank": body},
        {"after": 50, **asked, "user_id": user, "feed": {"n": 4, "explain": True}},
        {"after": 50, **asked, "user_id": user, "feed": {}},
    )
    answering = Answering(read_requests(path, Settings()), run, None)
    explained, stored = answering.due()
    assert answering.due() == []
    assert (len(explained.items), len(stored.items)) == (4, 10)
    assert explained.items[0].contributions
    core = run.recommender
    request = core.request(run.state(user), ts, user=user, cause="c", stages_of=core.worthwhile("full"))
    assert stored.slate_id == core.recommend([request])[0].slate_id
    run.learn()
    assert answering.due() == []
    run.learn()
    (ranked,) = answering.due()
    assert (len(ranked.items), ranked.unknown, ranked.cause) == (3, ["nowhere"], "c")
    rows = tuple(core.catalog.rows[item] for item in items)
    fields: dict[str, Any] = {"user": user, "cause": "c", "candidates": rows, "size": 3}
    fields["stages_of"] = core.worthwhile("full")
    slate = core.recommend([core.request(run.state(user), ts, **fields)])[0]
    assert ranked.slate_id == slate.slate_id
    assert [(item.item_id, item.score) for item in ranked.items] == [
        (item.item_id, item.score) for item in slate.items
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ({"after": 9, "ts": TS, "cause": "c"}, "expected rank or feed"),
        ({"after": 9, "ts": TS, "cause": "c", "rank": RANK, "feed": {}}, "one of them"),
        ({"after": 9, "ts": TS, "cause": "c", "feed": {}}, "needs user_id"),
        ({"after": 9, "ts": TS, "cause": "c", "user_id": "u", "feed": {"cursor": "x"}}, "no cursor"),
        ({"after": -1, "ts": TS, "cause": "c", "rank": RANK}, r"line 3: .* >= 0"),
        ({"after": 9, "cause": "c", "rank": RANK}, "missing required field `ts`"),
        ({"after": 9, "ts": TS, "cause": "c", "rank": {"items": ["a"]}}, "user_id, or session"),
        ({"after": 9, "ts": TS, "cause": "c", "rank": {**RANK, "colour": "red"}}, "colour"),
        ({"after": 9, "ts": TS, "cause": "c", "user_id": "u", "feed": {"attributes": "a:"}}, "line 3"),
    ],
)
def test_what_cant_be_asked_is_refused_with_its_line(tmp_path: Path, line: object, told: str) -> None:
    path = requests(tmp_path, {"after": 9, "ts": TS, "cause": "c", "rank": RANK}, line)
    with pytest.raises(DataError, match=told):
        read_requests(path, Settings())


def test_a_file_that_is_not_there_or_no_json(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="name a file of JSON lines"):
        read_requests(tmp_path / "nowhere", Settings())
    (tmp_path / "bad").write_bytes(b"\xff{")
    with pytest.raises(DataError, match="line 1"):
        read_requests(tmp_path / "bad", Settings())


@pytest.mark.parametrize("after", [49, 10_000])
def test_what_comes_before_or_behind_the_predicted_part_is_refused(tmp_path: Path, after: int) -> None:
    path = requests(tmp_path, {"after": after, "ts": TS, "cause": "c", "rank": RANK})
    with pytest.raises(SettingsError, match=f"after {after}; expected 50 to"):
        Answering(read_requests(path, Settings()), learned(50), None)
