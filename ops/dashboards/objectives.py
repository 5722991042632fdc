"""What operators hold the system to: lines on the dashboards, and the bounds of `ops/alerts.yml`."""

from __future__ import annotations

from streams.settings.tree import Settings

FRESHNESS_P99_S = 1.0
"""Of a hundred events, ninety-nine are in their user's feed within so many seconds."""
RECALL_LEAST = 0.95
"""Of what an exact search finds, an index finds this share at least."""
LAG_EVENTS = 10_000
"""So many events may wait in Kafka while their number grows."""
BELOW_FULL_MOST = 0.5
"""The share of slates that may be below the full rung."""
WAIT_S = Settings().ladder.counters_at_ms / 1_000
"""A batch that would make events wait for longer is made on a lower rung."""
