from __future__ import annotations

import sys

import pytest
from prometheus_client import CollectorRegistry

from model.errors import SettingsError
from streams.settings.reading import load
from streams.settings.tracing import TracingSettings
from streams.settings.tree import Settings
from streams.tracing.event_trace import event_trace
from streams.tracing.trace_context import TraceContext
from streams.tracing.tracing import open_tracing
from tests.streams.tracing.spans_in_memory import TracingInMemory

CALLER = TraceContext(7, 9, sampled=True)


def test_it_is_off_by_default_and_costs_no_import() -> None:
    assert open_tracing(Settings(), "headrace-worker", CollectorRegistry()) is None


def test_without_a_caller_s_trace_the_ratio_decides() -> None:
    none, each = (TracingInMemory(TracingSettings(ratio=ratio)).tracing for ratio in (0.0, 1.0))
    assert none.chosen("e", None) is None
    assert each.chosen("e", None) == event_trace("e")


def test_a_caller_s_trace_decides_whatever_the_ratio() -> None:
    none, each = (TracingInMemory(TracingSettings(ratio=ratio)).tracing for ratio in (0.0, 1.0))
    assert none.chosen("e", CALLER) == (7, event_trace("e").span_id, True)
    assert each.chosen("e", CALLER._replace(sampled=False)) is None


def test_a_caller_who_has_everything_traced_is_held_to_the_bound() -> None:
    world = TracingInMemory(TracingSettings(events_per_s=3))
    now_s = 5.0
    world.tracing._now_s = lambda: now_s
    assert [world.tracing.chosen(f"e{at}", CALLER) is not None for at in range(5)] == [True] * 3 + [False] * 2
    assert world.counted("events_total", result="over") == 2
    now_s = 6.0
    assert world.tracing.chosen("later", CALLER) is not None
    assert world.counted("events_total", result="traced") == 4


def test_an_installation_without_opentelemetry_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "streams.tracing.otlp", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.context", None)
    with pytest.raises(SettingsError, match=r"install headrace\[tracing\]"):
        open_tracing(Settings(tracing=TracingSettings(enabled=True)), "w", CollectorRegistry())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RATIO", "1.5"),
        ("RATIO", "-0.1"),
        ("ENDPOINT", "collector:4318"),
        ("QUEUE_SPANS", "0"),
        ("EVENTS_PER_S", "0"),
    ],
)
def test_settings_that_can_be_none_are_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name.lower()):
        load(None, {f"HEADRACE_TRACING__{name}": value})
