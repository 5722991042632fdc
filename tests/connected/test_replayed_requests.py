"""What a gateway answers after a stream that came over Kafka, `headrace replay` answers after the same one.

The rows are written here twice, as files of a dataset and as events; nothing of one is made by the code of
the other. Model, text encoder, broker, store, worker and gateway are real ones.
"""

from __future__ import annotations

import itertools
import json
import random
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec

from export.manifest import TextManifest, read_manifest
from export.registry import Registry
from streams.commands.main import main
from streams.kafka.topics import ensure_topics
from streams.settings.tree import Settings
from tests.connected.events_on_kafka import eventually, now_ms
from tests.connected.models import register_models
from tests.connected.ranking_system import ranking_system

Row = dict[str, Any]
EVENTS, FIRST_PART = 80, 50
TITLES = ["Leather guitar strap", "运动鞋 男款 轻便", "Snare drum", "蓝牙耳机 无线降噪", "Clip-on tuner"]


def items_of(begin: int) -> list[Row]:
    rows: list[Row] = []
    for n in range(30):
        row: Row = {"item_id": f"item-{n}", "ts": begin, "title": f"{TITLES[n % 5]} {n}"}
        row |= {"price": 2.5 * n + 1, "categories": [f"c{n % 3}"], "tags": [f"t{n % 4}"]}
        rows.append(row | {"text": f"About {TITLES[n % 5]}." if n % 2 else ""})
    return rows


def events_of(begin: int) -> list[Row]:
    """Clicks, searches and reviews of 40 items, ten of which nobody announces. The last one of each part is
    of an item of its own, by which one sees that a ranker has read so far.
    """
    draw, rows = random.Random(5), list[Row]()
    for k in range(EVENTS):
        item = f"end-{k}" if k in (FIRST_PART - 1, EVENTS - 1) else f"item-{draw.randrange(40)}"
        row: Row = {"user_id": f"u{draw.randrange(6)}", "item_id": item, "ts": begin + 1_000 + k * 60_000}
        row |= {"action": "", "query": "", "rating": None, "text": ""}
        match k % 4:
            case 0:
                row |= {"action": "cart", "query": draw.choice(["guitar strap", "耳机"])}
            case 1:
                row |= {"action": "view"}
            case 2:
                row |= {"rating": float(draw.randint(1, 5))}
            case _:
                row |= {"rating": 4.5, "text": draw.choice(["Works well.", "音质很好"])}
        rows.append(row)
    return rows


def sent(k: int, row: Row) -> Row:
    """Row k as an app sends it."""
    told = {"event_id": str(k), **{name: row[name] for name in ("user_id", "item_id", "ts")}}
    if row["rating"] is None:
        asked = {"query": row["query"]} if row["query"] else {}
        return {"type": "click", **told, "action": row["action"], **asked}
    said = {"text": row["text"]} if row["text"] else {}
    return {"type": "review", **told, "rating": row["rating"], **said}


NEW = {"item_id": "new-1", "title": "Headphones, wireless", "text": "They shine.", "categories": ["c1"]}
RANKED: list[Row] = [
    {"user_id": "u1", "items": [f"item-{n}" for n in range(0, 40, 3)], "surface": "shelf"},
    {
        "user_id": "u2", "query": "耳机", "n": 6, "explain": True, "relevancy_weight": 0.5,
        "items": [
            *(f"item-{n}" for n in range(12)), NEW, "nowhere",
            {"item_id": "item-20", "price": 3.0, "boost": 0.4, "relevancy": 2.0, "tags": ["t9"]},
            {"item_id": "item-35", "title": "Guitar strap", "relevancy": 1.0},
        ],
        "filter": {"price_to": 60}, "exclude": ["item-4"], "context": {"city": "Oslo"},
    },
    {"user_id": "u3", "session": "u4", "items": ["item-1", "item-2", NEW, "item-38"], "explain": True},
    {"session": "nobody", "items": ["item-5", "item-30", "item-7"]},
]  # fmt: skip
LAST = "the user who acted last"
"""A stored feed was made when the user acted, with the events until then and those of the same batch."""
FEEDS: list[tuple[str, Row]] = [
    (LAST, {"n": 10}),
    (LAST, {}),
    ("u1", {"n": 20, "categories": ["c1", "c2"], "price_to": 70, "explain": True}),
    ("u5", {"n": 7, "exclude": ["item-2"], "session": "u0", "surface": "home"}),
    ("nobody", {"n": 12, "tags": ["t1"]}),
]


def asked_of(http: httpx.Client, after: int, last: str) -> tuple[list[Row], list[Row]]:
    """Answers of the gateway, and the lines that ask a replay for the same."""
    answers, lines = [], []
    for body in RANKED:
        answer = http.post("/v1/rank", json={**body, "impression": False})
        assert answer.status_code == 200, answer.text
        answers.append(answer.json())
        told = {"ts": answers[-1]["ts"], "cause": answers[-1]["cause"]}
        lines.append({"after": after, **told, "rank": body})
    for user, body in ((last if user == LAST else user, body) for user, body in FEEDS):
        answer = http.post(f"/v1/users/{user}/feed", json={**body, "impression": False})
        assert answer.status_code == 200, answer.text
        answers.append(answer.json())
        told = {"ts": answers[-1]["ts"], "cause": answers[-1]["cause"], "user_id": user}
        lines.append({"after": after, **told, "feed": body})
    return answers, lines


def plain(answer: Row) -> Row:
    """Without what is of the clock or of the ranker's memory; a stored feed leaves out what is empty."""
    known = {name: value for name, value in answer.items() if name not in ("times", "cursor")}
    items = [{"contributions": None, **item} for item in answer["items"]]
    return {"unknown": [], "left_out": [], **known, "items": items}


async def test_a_replay_gives_the_slates_that_the_gateway_gave(
    settings: Settings, universal_registry: Registry, tmp_path: Path
) -> None:
    shutil.copytree(universal_registry.folder, tmp_path / "models")
    (encoder,) = Registry(tmp_path / "models").text.names()
    texts = read_manifest(universal_registry.text.get(encoder), TextManifest).reference
    registry = register_models(tmp_path / "models", ("first",), texts)
    await compare(settings, registry, tmp_path)


async def send(http: httpx.Client, events: list[Row], part: range) -> None:
    """In runs of one topic, each once the run before it is applied: a busy machine may fetch what came later
    on the other topic first, and a replay has one order.
    """

    def post(rows: list[Row]) -> None:
        answer = http.post("/v1/events", json=rows)
        assert answer.json()["accepted"] == len(rows), answer.text

    def applied(k: int) -> bool:
        answer = http.get(f"/v1/users/{events[k]['user_id']}/feed", params={"impression": "false"})
        return bool(answer.json().get("cause") == str(k))

    for _, run in itertools.groupby(part, key=lambda k: events[k]["rating"] is None):
        told = list(run)
        post([sent(k, events[k]) for k in told])
        await eventually(partial(applied, told[-1]))
    await eventually(lambda: f"end-{part[-1]}" in ids(http, "/v1/popular"))


async def compare(settings: Settings, registry: Registry, tmp_path: Path) -> None:
    kafka = msgspec.structs.replace(settings.kafka, partitions=1)  # a stream has one order
    settings = msgspec.structs.replace(settings, kafka=kafka)
    begin = now_ms() - 100 * 60_000
    items, events = items_of(begin), events_of(begin)
    events[0]["ts"] = begin
    users = [{"user_id": f"u{n}", "city": "Rome", "age": str(20 + n)} for n in range(3)]
    await ensure_topics(settings.kafka)
    answers, lines = list[Row](), list[Row]()
    with ranking_system(settings, registry.folder, tmp_path, "first") as http:
        await eventually(lambda: http.get("/v1/latest").status_code == 200, 300, "for a ranker that starts")
        told = [{"type": "item", "event_id": item["item_id"], **item} for item in items]
        assert http.put("/v1/items", json=told).json()["accepted"] == len(items)
        for user in users:
            profile = {name: user[name] for name in ("city", "age")}
            event = {"type": "user", "event_id": f"profile {user['user_id']}", "ts": begin}
            event |= {"user_id": user["user_id"], "profile": profile}
            assert http.post("/v1/events", json=event).status_code == 202
        await eventually(lambda: len(ids(http, "/v1/latest")) == len(items))
        await eventually(lambda: http.get("/v1/users/u2").status_code == 200)
        for first, end in ((0, FIRST_PART), (FIRST_PART, EVENTS)):
            await send(http, events, range(first, end))
            last = events[end - 1]["user_id"]
            for found, into in zip(asked_of(http, end, last), (answers, lines), strict=True):
                into += found
    assert {answer["model"] for answer in answers} == {"first"}
    assert {answer["rung"] for answer in answers} == {"full"}

    columns = {
        "events": [{**row, "user": row["user_id"], "item": row["item_id"]} for row in events],
        "items": [{**row, "item": row["item_id"]} for row in items],
        "users": [{**row, "user": row["user_id"]} for row in users],
        "requests": lines,
    }
    for name, rows in columns.items():
        dropped = {"user_id", "item_id"} if name != "requests" else set()
        text = [json.dumps({key: row[key] for key in row if key not in dropped}) + "\n" for row in rows]
        (tmp_path / f"{name}.jsonl").write_text("".join(text), encoding="utf-8")
    files = {name: str(tmp_path / f"{name}.jsonl") for name in (*columns, "answers")}
    words = ["replay", "--model", str(registry.get("first"))]
    for option, name in (("interactions", "events"), *((name, name) for name in files if name != "events")):
        words += [f"--{option}", files[name]]
    assert main(words) == 0
    replayed = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()]
    for line, one, other in zip(lines, answers, replayed, strict=True):
        assert plain(one) == plain(other), line


def ids(http: httpx.Client, path: str) -> set[str]:
    answer = http.get(path, params={"n": 100})
    return {item["item_id"] for item in answer.json()["items"]} if answer.status_code == 200 else set()
