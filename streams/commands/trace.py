"""Which trace an event has, by its id: to look it up where traces are kept.

  headrace trace 5f0c2b7e

The number follows from the id alone, so nothing is asked. An event that came with a `traceparent` is in its
caller's trace instead: look for the attribute headrace.event_id there.
"""

from __future__ import annotations

import argparse

from streams.commands.options import add_settings, settings_from
from streams.tracing.event_trace import EventSampler, event_trace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("event_id", help="the event's event_id")
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    tracing = settings_from(args).tracing
    print(f"trace {event_trace(args.event_id).trace_id:032x}")
    if not tracing.enabled:
        print("tracing is off (tracing.enabled)")
    elif EventSampler(tracing.ratio).takes(args.event_id):
        print(f"at tracing.ratio {tracing.ratio:g} it is traced, if no caller and no bound said otherwise")
    else:
        print(f"at tracing.ratio {tracing.ratio:g} it is not traced, unless its caller said so")
    return 0
