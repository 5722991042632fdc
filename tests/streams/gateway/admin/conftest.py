"""The app with a ranker, as the tests of slates on request have it."""

from __future__ import annotations

from tests.streams.gateway.ranking.conftest import ranked_settings, site

__all__ = ["ranked_settings", "site"]
