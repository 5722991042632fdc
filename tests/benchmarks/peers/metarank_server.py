"""A server that speaks Metarank's API as documented: it refuses what the documentation does not allow."""

from __future__ import annotations

import threading
from typing import Literal

import msgspec

from tests.benchmarks.peers.serving import Asked, Said


class MetarankField(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    value: bool | float | str | list[str]


class MetarankItem(msgspec.Struct, forbid_unknown_fields=True):
    id: str


class MetarankEvent(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    id: str
    event: Literal["item", "user", "ranking", "interaction"]
    timestamp: str
    user: str | None = None
    item: str | None = None
    session: str | None = None
    type: str | None = None
    ranking: str | None = None
    items: list[MetarankItem] = []
    fields: list[MetarankField] = []


class MetarankServer:
    """What 0.7.11 does with these requests, for one model; its score is how often an item was liked."""

    def __init__(self, model: str = "demo") -> None:
        self.model, self.lock = model, threading.Lock()
        self.events: list[MetarankEvent] = []
        self.trained: list[int] = []
        self.ranked: list[MetarankEvent] = []

    def __call__(self, asked: Asked) -> Said:
        with self.lock:
            try:
                return self._answer(asked)
            except msgspec.DecodeError:
                return 500, b""

    def _answer(self, asked: Asked) -> Said:
        match asked.method, asked.path:
            case "GET", ["health"]:
                return 200, b""
            case "POST", ["feedback"]:
                events = msgspec.json.decode(asked.body, type=list[MetarankEvent])
                self.events += events
                return 200, {"accepted": len(events), "status": "ok", "tookMillis": 3, "updated": 0}
            case "POST", ["train", model]:
                if model != self.model:
                    return 404, f"Model {model} is not defined in config".encode()
                self.trained.append(len(self.events))
                return 200, {"features": [{"name": "likes", "weight": 629.0}]}
            case "POST", ["rank", model]:
                request = msgspec.json.decode(asked.body, type=MetarankEvent)
                if model != self.model or not self.trained or not request.items:
                    return 500, b""
                self.ranked.append(request)
                items = [{"item": item.id, "score": -float(k)} for k, item in enumerate(request.items)]
                return 200, {"took": 5, "items": items}
        return 404, b"Not found"
