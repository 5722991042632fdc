"""The series that dashboards and alerts ask for, and that a system in good health does not have: why not.

They begin when something happens that need not. On a dashboard "no data" is right for them.
"""

from __future__ import annotations

QUIET = {
    'headrace_gateway_events_total{result!="accepted"}': "no event was refused",
    'headrace_gateway_impressions_total{result="dropped"}': "no impression was dropped",
    'headrace_gateway_requests_total{status=~"5.."}': "no request failed",
    "headrace_ranker_refused_total": "the ranker took all that was asked",
    "headrace_worker_dead_letters_total": "all that came could be read",
    "headrace_worker_example_failures_total": "all examples were logged",
    "headrace_worker_gaps_total": "Kafka has every offset that was expected",
    'headrace_worker_gaps_total{result="accept"}': "Kafka deleted nothing that was not read",
    "headrace_worker_index_recall": "with few items every search is exact, so there is nothing to sample",
    'headrace_worker_learner_adapts{level=~"arm:.*"}': "the settings declare no arm beside the default one",
    "headrace_worker_model_fallbacks_total": "every model that is asked for is in service",
    'headrace_worker_model_switches_total{result="failed"}': "every model could be loaded",
    "headrace_worker_provider_fallbacks_total": "models run where the settings say first",
    'headrace_worker_slates_total{rung!="full"}': "workers keep up",
}

BUSY = {
    'headrace_gateway_impressions_total{result="dropped"}',
    'headrace_gateway_requests_total{status=~"5.."}',
    "headrace_ranker_refused_total",
    "headrace_worker_example_failures_total",
    'headrace_worker_slates_total{rung!="full"}',
}
"""Of these, what a system has that is well but whose machine stands still for a moment, as a test's may."""
