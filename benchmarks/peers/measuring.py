"""A peer under load: the world goes in first, then each step in turn becomes a case."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import psutil

from benchmarks.peers.peer import Address, Peer, Sent, Step
from benchmarks.peers.world import World
from model.errors import DataError, SettingsError
from streams.bench.asking import Answered, Pace, ask
from streams.bench.cases import Case
from streams.bench.cpu import CpuMeter
from streams.bench.http import Answer, ConnectionPool

LOADED_WITHIN_S = 600.0  # each request: a peer may train a model before it answers
ALIVE_WITHIN_S = 10.0
EXCERPT = 200


async def check_alive(peer: Peer, address: Address) -> None:
    """Raise `DataError` if nothing answers, or something else than this peer."""
    request, fault = peer.alive()
    await _right(peer, address, Sent("health", 1, request, fault), ALIVE_WITHIN_S)


async def load(peer: Peer, address: Address, world: World, say: Callable[[str], None]) -> Counter[str]:
    """Send what comes before the measurement; returns how much of what. `DataError` for a wrong answer."""
    sent_of: Counter[str] = Counter()
    begun_s = time.monotonic()
    for sent in peer.loading(world):
        if sent.what not in sent_of:
            say(f"{peer.name}: {sent.what}")
        await _right(peer, address, sent, LOADED_WITHIN_S)
        sent_of[sent.what] += sent.count
    told = ", ".join(f"{count:,} {what}" for what, count in sent_of.items())
    say(f"{peer.name} took {told} in {time.monotonic() - begun_s:,.1f} s")
    return sent_of


async def measure(
    name: str,
    address: Address,
    steps: Sequence[Step],
    paces: Sequence[Pace],
    warm_s: float,
    pids: Sequence[int],
) -> list[Case]:
    """Each step at each pace, after `warm_s` seconds of load that does not count. `pids`: the peer's
    processes on this machine, whose CPU is measured.
    """
    cases = []
    for step in steps:
        await _under(step, address, replace(paces[-1], seconds=warm_s))
        for pace in paces:
            meter = meter_of(name, pids)
            answered = await _under(step, address, pace)
            meter.look()
            cases.append(case_of(step.name, pace, answered, meter.spent_s()))
    return cases


async def _under(step: Step, address: Address, pace: Pace) -> Answered:
    pool = ConnectionPool(address.host, address.port, pace.clients)
    try:
        return await ask(pool, step.requests, pace, step.fault)
    finally:
        pool.close()


def meter_of(name: str, pids: Sequence[int]) -> CpuMeter:
    """A meter of these processes; raises `SettingsError` if one is not there."""
    try:
        return CpuMeter({name: list(pids)} if pids else {})
    except (psutil.NoSuchProcess, psutil.AccessDenied) as error:
        raise SettingsError(f"--pid: {error}; give the peer's processes on this machine") from None


def case_of(name: str, pace: Pace, answered: Answered, spent_s: dict[str, float]) -> Case:
    """What became of the requests; latency of right answers alone."""
    count = len(answered.latency_ms)
    name += f", {pace.clients} client" + ("s" if pace.clients != 1 else "")
    name += f", {pace.rate:g}/s offered" if pace.rate else ""
    figures = {"requests/s": round(count / answered.seconds, 1)}
    if count:
        p50, p95, p99 = np.quantile(answered.latency_ms, (0.5, 0.95, 0.99)).round(3).tolist()
        figures |= {"p50 ms": p50, "p95 ms": p95, "p99 ms": p99}
    figures["failed requests"] = answered.failed
    figures |= {f"{wrong}, requests": times for wrong, times in sorted(answered.failures.items())}
    cpu_us = {part: round(1e6 * spent / max(1, count), 1) for part, spent in spent_s.items()}
    return Case(name=name, figures=figures, cpu_us=cpu_us)


def faults_of(case: Case) -> list[str]:
    """What makes a case worthless."""
    failed = case.figures["failed requests"]
    found = [f"{case.name}: {failed:,.0f} requests did not get the right answer"] if failed else []
    return found if "p50 ms" in case.figures else [*found, f"{case.name}: no request got the right answer"]


async def _right(peer: Peer, address: Address, sent: Sent, within_s: float) -> None:
    """Send one request and wait for its right answer."""
    guide = f"start {peer.name} as benchmarks/peers/README.md says, or give its address with --url"
    pool = ConnectionPool(address.host, address.port, 1)
    try:
        async with asyncio.timeout(within_s):
            answer = await pool.ask(sent.request)
    except TimeoutError:
        raise DataError(
            f"{address.url} did not answer within {within_s:g} s ({sent.what}); {guide}"
        ) from None
    except OSError as error:
        raise DataError(f"{address.url} does not answer ({sent.what}): {error}; {guide}") from None
    finally:
        pool.close()
    if wrong := sent.fault(answer):
        raise DataError(
            f"{address.url}: {wrong}; expected the answer of {peer.api} to {_line(sent)}, got {_said(answer)}"
        )


def _line(sent: Sent) -> str:
    method, path, *_ = sent.request.split(b" ", 2)
    return f"{method.decode()} {path.decode()} ({sent.what})"


def _said(answer: Answer) -> str:
    text = answer.body[:EXCERPT].decode(errors="replace").strip()
    return f"status {answer.status} and " + (repr(text) if text else "no body")
