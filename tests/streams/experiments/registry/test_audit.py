"""Whatever is done to a log, it is noticed, and the first entry that is not as it was is named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.experiments.registry import changes
from streams.experiments.registry.audit import RegistryChange, encode_entry, recorded, verify
from streams.experiments.registry.state import NONE, Registry
from tests.streams.experiments.declarations import experiment


def filled() -> tuple[list[bytes], Registry]:
    """A log of six changes, and the registry after them."""
    registry, log = NONE, []
    steps: list[Callable[[Registry], RegistryChange]] = [
        lambda r: changes.declared(r, "one", experiment("one", 3), 1),
        lambda r: changes.started(r, "one", 2),
        lambda r: changes.declared(r, "two", experiment("two", layer="y"), 3),
        lambda r: changes.arm_stopped(r, "one", "arm1", 4, "worse"),
        lambda r: changes.shipped(r, "one", "arm2", 5),
        lambda r: changes.started(r, "two", 6),
    ]
    for ms, step in enumerate(steps, 1):
        registry, entry = recorded(step(registry), "ann", ms)
        log.append(encode_entry(entry))
    return log, registry


LOG, REGISTRY = filled()


def test_a_log_that_nobody_touched() -> None:
    verdict = verify(LOG, REGISTRY)
    assert (verdict.whole, verdict.entries, verdict.head) == (True, 6, REGISTRY.head)
    assert verify([], NONE).whole


def test_each_entry_rests_on_the_one_before_by_sha256() -> None:
    """Worked out by hand, from what is stored."""
    head = ""
    for raw in LOG:
        entry = json.loads(raw)
        digest = entry.pop("digest")
        assert entry["before"] == head
        canonical = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        head = hashlib.sha256((head + canonical).encode()).hexdigest()
        assert digest == head


def without(at: int) -> list[bytes]:
    return LOG[:at] + LOG[at + 1 :]


BREAKS: dict[str, tuple[Callable[[], list[bytes]], int]] = {
    "the first is gone": (lambda: without(0), 1),
    "one is gone": (lambda: without(2), 3),
    "the last is gone": (lambda: without(5), 6),
    "all are gone": (list, 1),
    "two change places": (lambda: [LOG[0], LOG[2], LOG[1], *LOG[3:]], 2),
    "one comes twice": (lambda: [*LOG[:3], LOG[2], *LOG[3:]], 4),
    "one is added": (lambda: [*LOG, LOG[-1]], 7),
    "one is no JSON": (lambda: [*LOG[:3], b"{", *LOG[4:]], 4),
}


@pytest.mark.parametrize("case", BREAKS)
def test_a_log_that_was_edited(case: str) -> None:
    edited, broken = BREAKS[case]
    verdict = verify(edited(), REGISTRY)
    assert (verdict.whole, verdict.broken) == (False, broken)


@given(st.integers(0, 5), st.sampled_from(["ts", "actor", "action", "experiment", "said", "state", "number"]))
def test_an_entry_with_another_value(at: int, field: str) -> None:
    entry = json.loads(LOG[at])
    value = entry[field]
    entry[field] = value + 1 if isinstance(value, int) else {"why": "x"} if field == "said" else value + "x"
    verdict = verify([*LOG[:at], json.dumps(entry).encode(), *LOG[at + 1 :]], REGISTRY)
    assert (verdict.whole, verdict.broken) == (False, at + 1)


@given(st.integers(0, 5), st.data())
def test_any_byte_that_changes_what_is_said(at: int, data: st.DataObject) -> None:
    raw = bytearray(LOG[at])
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 127))
    try:
        same = json.loads(bytes(raw)) == json.loads(LOG[at])
    except ValueError:
        same = False
    verdict = verify([*LOG[:at], bytes(raw), *LOG[at + 1 :]], REGISTRY)
    assert verdict.whole == same
    assert same or verdict.broken == at + 1


def test_a_registry_that_was_written_past_the_log() -> None:
    one = msgspec.structs.replace(REGISTRY.experiments["one"], winner="arm0")
    edited = msgspec.structs.replace(REGISTRY, experiments={**REGISTRY.experiments, "one": one})
    verdict = verify(LOG, edited)
    assert (verdict.whole, verdict.broken) == (False, 0)
    assert "written past it" in verdict.why
