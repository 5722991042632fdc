"""A server that speaks Gorse's API as documented: it refuses what the documentation does not allow."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime

import msgspec

from tests.benchmarks.peers.serving import Asked, Said


class GorseItem(msgspec.Struct, rename="pascal", forbid_unknown_fields=True):
    item_id: str
    is_hidden: bool
    categories: list[str]
    timestamp: datetime
    labels: dict[str, list[str] | str]
    comment: str


class GorseUser(msgspec.Struct, rename="pascal", forbid_unknown_fields=True):
    user_id: str
    labels: dict[str, str]
    comment: str


class GorseFeedback(msgspec.Struct, rename="pascal", forbid_unknown_fields=True):
    feedback_type: str
    user_id: str
    item_id: str
    value: float
    timestamp: datetime
    comment: str


class GorseServer:
    """What v0.5.11 does with these requests, without a model: it recommends what most have met."""

    def __init__(self, api_key: str = "") -> None:
        self.api_key, self.lock = api_key, threading.Lock()
        self.items: dict[str, GorseItem] = {}
        self.users: dict[str, GorseUser] = {}
        self.feedback: dict[tuple[str, str, str], GorseFeedback] = {}
        self.asked: Counter[str] = Counter()

    def __call__(self, asked: Asked) -> Said:
        with self.lock:
            if self.api_key and asked.headers.get("X-API-Key") != self.api_key:
                return 401, b"unauthorized"
            try:
                return self._answer(asked)
            except msgspec.DecodeError as error:
                return 400, str(error).encode()

    def _answer(self, asked: Asked) -> Said:
        match asked.method, asked.path:
            case "GET", ["api", "health", "ready"]:
                return 200, {"Ready": True, "DataStoreConnected": True, "CacheStoreConnected": True}
            case "POST", ["api", "items"]:
                items = msgspec.json.decode(asked.body, type=list[GorseItem])
                self.items |= {item.item_id: item for item in items}
                return 200, {"RowAffected": len(items)}
            case "POST", ["api", "users"]:
                users = msgspec.json.decode(asked.body, type=list[GorseUser])
                self.users |= {user.user_id: user for user in users}
                return 200, {"RowAffected": len(users)}
            case ("POST" | "PUT") as method, ["api", "feedback"]:
                given = msgspec.json.decode(asked.body, type=list[GorseFeedback])
                for each in given:
                    key = (each.feedback_type, each.user_id, each.item_id)
                    if method == "POST" and key in self.feedback:
                        each.value += self.feedback[key].value
                    self.feedback[key] = each
                return 200, {"RowAffected": len(given)}
            case "GET", ["api", "recommend", user]:
                self.asked[user] += 1
                n = int(asked.query.get("n", ["10"])[0])
                met = {item for _, who, item in self.feedback if who == user}
                return 200, [item for item in self.items if item not in met][:n]
        return 404, b"404: Page Not Found"
