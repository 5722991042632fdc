"""Send events to a gateway and watch a feed change, as an app's back end does. It needs httpx alone.

    pip install httpx
    python examples/send_events.py --gateway http://127.0.0.1:8080

1. Put your items into the catalog (PUT /v1/items).
2. Send what users do, as it happens (POST /v1/events). Give every event an id of your own. After a 503 or a
   broken connection, send the event again with the same id: it counts once.
3. Read the feed when you show the page (GET /v1/users/{id}/feed). Send its slate_id back with the clicks on
   it, so that the logs say which recommendations were good.
"""

from __future__ import annotations

import argparse
import time
import uuid
from typing import Any

import httpx

ITEMS = [
    {"item_id": "strings-light", "title": "Guitar strings, light", "categories": ["strings"], "price": 9.5},
    {"item_id": "strings-bass", "title": "Bass strings, medium", "categories": ["strings"], "price": 24.0},
    {"item_id": "tuner", "title": "Clip-on tuner", "categories": ["accessories"], "price": 14.9},
    {"item_id": "strap", "title": "Leather strap", "categories": ["accessories"], "price": 29.0},
    {"item_id": "capo", "title": "Capo for steel strings", "categories": ["accessories"], "price": 12.0},
]


def event(kind: str, **fields: Any) -> dict[str, Any]:
    """An event with an id of its own. A retry sends the same event."""
    return {"type": kind, "event_id": uuid.uuid4().hex, "ts": time.time_ns() // 1_000_000, **fields}


def send(client: httpx.Client, events: list[dict[str, Any]], attempts: int = 10) -> None:
    """Send until the gateway has accepted or rejected every event. A rejected one is wrong: print it."""
    for _ in range(attempts):
        try:
            answer = client.post("/v1/events", json=events)
        except httpx.TransportError as error:
            print(f"no answer ({error}); trying again")
            time.sleep(1)
            continue
        results = answer.json().get("results")
        if results is None:
            answer.raise_for_status()
        for sent, result in zip(events, results, strict=True):
            if result["status"] == "rejected":
                print(f"rejected, {result['reason']}: {result['message']}: {sent}")
        events = [
            sent for sent, result in zip(events, results, strict=True) if result["status"] == "unconfirmed"
        ]
        if not events:
            return
        time.sleep(int(answer.headers.get("Retry-After", 1)))
    raise SystemExit(f"{len(events)} events could not be delivered in {attempts} attempts")


def show(client: httpx.Client, user_id: str) -> dict[str, Any]:
    """Print a user's feed with the reason for each item."""
    answer = client.get(f"/v1/users/{user_id}/feed", params={"n": 5})
    answer.raise_for_status()
    feed: dict[str, Any] = answer.json()
    print(f"{user_id}: rung {feed['rung']}, model {feed['model'] or 'none'}")
    for place, item in enumerate(feed["items"], 1):
        about = f" {item['reason']['item_id']}" if item["reason"]["item_id"] else ""
        print(f"  {place}. {item['item_id']:<16} {item['score']:7.3f}  {item['reason']['kind']}{about}")
    return feed


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gateway", default="http://127.0.0.1:8080")
    args = parser.parse_args()
    with httpx.Client(base_url=args.gateway, timeout=10) as client:
        client.put("/v1/items", json=ITEMS).raise_for_status()
        for user in ("ana", "ben", "cleo"):
            views = [
                event("click", user_id=user, item_id=item["item_id"], action="view") for item in ITEMS[:3]
            ]
            send(client, views)
        send(
            client,
            [
                event("click", user_id="ana", item_id="tuner", action="purchase", value=14.9),
                event("review", user_id="ana", item_id="tuner", rating=5, text="Tunes in seconds."),
            ],
        )
        time.sleep(1)  # a feed changes in milliseconds; the pause only makes the output clear
        feed = show(client, "ana")
        if feed["items"]:
            chosen = feed["items"][0]["item_id"]
            print(f"ana clicks on {chosen}")
            send(
                client,
                [event("click", user_id="ana", item_id=chosen, slate_id=feed["slate_id"], position=0)],
            )
            time.sleep(1)
            show(client, "ana")


if __name__ == "__main__":
    main()
