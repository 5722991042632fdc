from __future__ import annotations

import pytest

from streams.commands.main import main
from streams.tracing.event_trace import EventSampler, event_trace


@pytest.fixture
def events() -> tuple[str, str]:
    """One that is traced at half of all, and one that is not."""
    names, sampler = [f"e-{number}" for number in range(50)], EventSampler(0.5)
    return next(filter(sampler.takes, names)), next(name for name in names if not sampler.takes(name))


def test_the_trace_of_an_event_is_told(capsys: pytest.CaptureFixture[str], events: tuple[str, str]) -> None:
    assert main(["trace", events[0]]) == 0
    trace, said = capsys.readouterr().out.splitlines()
    assert trace == f"trace {event_trace(events[0]).trace_id:032x}"
    assert "off" in said


def test_whether_it_is_traced_is_told(
    capsys: pytest.CaptureFixture[str], events: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_TRACING__ENABLED", "true")
    monkeypatch.setenv("HEADRACE_TRACING__RATIO", "0.5")
    for event, is_traced in zip(events, ("it is traced", "it is not traced"), strict=True):
        assert main(["trace", event]) == 0
        assert is_traced in capsys.readouterr().out
