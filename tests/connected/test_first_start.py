"""`headrace up` in an empty folder: a catalogue without a model or a training is searched by meaning, too."""

from __future__ import annotations

import re
import time
from pathlib import Path

import httpx
import pytest

from export.registry import Registry
from model.universal import UNIVERSAL
from tests.connected.test_demo import command, wait_for

pytestmark = pytest.mark.connected

GOODS = {
    "shoe": "Lightweight running shoes for men",
    "pan": "Non-stick frying pan with a glass lid",
    "strings": "Acoustic guitar strings, light gauge",
    "kettle": "Electric kettle made of stainless steel",
    "tea": "Organic green tea, loose leaves",
    "chair": "Garden chair made of oak",
}
ABROAD = {"跑步鞋": "shoe", "cuerdas de guitarra": "strings", "Bratpfanne": "pan", "緑茶": "tea"}
"""Queries without a word of any title, and what they ask for."""


def found(app: httpx.Client, query: str, within_s: float = 60) -> list[str]:
    """Of a search, as soon as it finds anything."""
    end_s = time.monotonic() + within_s
    while time.monotonic() < end_s:
        items = app.get("/v1/search", params={"q": query, "n": 3}).raise_for_status().json()["items"]
        if items:
            return [item["item_id"] for item in items]
        time.sleep(0.2)
    return []


def test_the_first_start_makes_the_encoder_and_the_next_one_keeps_it(tmp_path: Path) -> None:
    """The store is kept as well: its vectors and the encoder belong together."""
    for start in ("first", "second"):
        output = tmp_path / f"{start}.txt"
        with command("up", "--folder", str(tmp_path / "kept"), output=output) as process:
            text = wait_for(process, output, lambda text: "running until Ctrl-C" in text)
            assert ("making the text encoder" in text) == (start == "first")
            assert Registry(tmp_path / "var" / "models").text.names() == [UNIVERSAL]
            url = re.search(r"gateway +(http\S+)", text)
            assert url is not None
            with httpx.Client(base_url=url[1], timeout=60) as app:
                if start == "first":
                    items = [{"item_id": each, "title": title} for each, title in GOODS.items()]
                    app.put("/v1/items", json=items).raise_for_status()
                    assert found(app, "Garden chair")[0] == "chair"
                    time.sleep(1)  # all are committed with the first, or within a few tenths of a second
                for query, wanted in ABROAD.items():
                    assert found(app, query)[0] == wanted, query
            process.terminate()
            process.wait(120)
        assert process.returncode == 0, output.read_text()
