"""Ports that can be bound, and questions that never hang."""

from __future__ import annotations

import socket

import pytest

from streams.local import ports
from streams.local.ports import LOOPBACK, ask, free_ports


def test_they_differ_and_can_be_bound() -> None:
    found = free_ports(20)
    assert len(set(found)) == 20
    for port in found:
        socket.create_server((LOOPBACK, port)).close()


def test_a_taken_port_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = free_ports(2)
    draws = iter([first, second])
    monkeypatch.setattr("secrets.randbelow", lambda _: next(draws) - ports.FIRST)
    with socket.create_server((LOOPBACK, first)):
        assert free_ports(1) == [second]


def test_silence_and_refusal_are_empty_answers() -> None:
    with socket.create_server((LOOPBACK, 0)) as silent:
        port: int = silent.getsockname()[1]
        assert ask(port, b"hello", 5, timeout_s=0.1) == b""
    assert ask(port, b"hello", 5, timeout_s=0.1) == b""
