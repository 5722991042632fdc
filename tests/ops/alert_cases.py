"""For each alert, series on which it fires and series on which it does not, in promtool's notation.

A sample a minute: `1+2x3` is 1, 3, 5, 7; `_x5` is five minutes without a sample. An alert is looked at after
`minutes`, by when its `for` is over.
"""

from __future__ import annotations

from typing import NamedTuple

Series = dict[str, str]


class Case(NamedTuple):
    """`alerts`: how many of that name fire on `fires`; none may on any of `quiet`."""

    fires: Series
    quiet: tuple[Series, ...]
    minutes: int = 20
    alerts: int = 1


PUSHED = "headrace_worker_accepted_to_pushed_seconds_bucket"
W1, W2 = 'job="worker",instance="w1"', 'job="worker",instance="w2"'


def pushed(fast: int, all_of_them: int) -> Series:
    """Events a minute that were pushed within a second, and within ten; of two workers."""
    return {
        f'{PUSHED}{{{worker},le="{bound}"}}': f"0+{count}x60"
        for worker in (W1, W2)
        for bound, count in (("1.0", fast), ("10.0", all_of_them), ("+Inf", all_of_them))
    }


def hears(instance: str, samples: str, **connections: str) -> Series:
    """Whether a gateway hears of new feeds, and its connections by their kind."""
    return {f'headrace_gateway_live_hears{{instance="{instance}"}}': samples} | {
        f'headrace_gateway_live_connections{{instance="{instance}",kind="{kind}"}}': count
        for kind, count in connections.items()
    }


def newborn(series: str, at: int = 10, value: int = 3) -> Series:
    """A counter that has no sample before it first counts."""
    return {series: f"_x{at} {value}+0x60"}


CASES = {
    "NoWorkerReady": Case(
        {f"headrace_worker_ready{{{W1}}}": "0x60", f"headrace_worker_ready{{{W2}}}": "0x60"},
        ({f"headrace_worker_ready{{{W1}}}": "0x60", f"headrace_worker_ready{{{W2}}}": "1x60"},),
    ),
    "TargetDown": Case(
        {f"up{{{W1}}}": "0x60", f"up{{{W2}}}": "1x60"},
        ({f"up{{{W1}}}": "1x60"}, {'up{job="node",instance="n"}': "0x60"}, {f"up{{{W1}}}": "1x18 0x1 1x40"}),
    ),
    "GatewayPartDown": Case(
        {'headrace_gateway_part_up{part="kafka"}': "0x60", 'headrace_gateway_part_up{part="store"}': "1x60"},
        ({'headrace_gateway_part_up{part="kafka"}': "1x60"},),
    ),
    "GatewayErrors": Case(
        {
            'headrace_gateway_requests_total{route="/a",status="200"}': "0+90x60",
            'headrace_gateway_requests_total{route="/a",status="503"}': "0+10x60",
        },
        (
            {
                'headrace_gateway_requests_total{route="/a",status="200"}': "0+99x60",
                'headrace_gateway_requests_total{route="/a",status="500"}': "0+1x60",
            },
            {'headrace_gateway_requests_total{route="/a",status="422"}': "0+10x60"},
        ),
    ),
    "LiveFeedsHearNothing": Case(
        hears("g1", "0x60", sse="0x60", websocket="3x60") | hears("g2", "1x60", sse="5x60"),
        (
            hears("g1", "0x60", sse="0x60", websocket="0x60") | hears("g2", "1x60", sse="5x60"),
            hears("g1", "1x60", sse="5x60"),
            hears("g1", "1x18 0x1 1x40", sse="5x60"),  # the link was lost, and is there again
            {'headrace_gateway_live_hears{instance="g1"}': "0x60"},
        ),
    ),
    "FeedsNotFresh": Case(pushed(90, 100), (pushed(100, 100), pushed(999, 1000), pushed(0, 0))),
    "IndexRecallLow": Case(
        {'headrace_worker_index_recall{instance="w1",index="nearest"}': "0.9x60"},
        (
            {'headrace_worker_index_recall{instance="w1",index="nearest"}': "0.97x60"},
            {'headrace_worker_index_recall{instance="w1",index="nearest"}': "0.97x15 0.9x2 0.97x60"},
        ),
        minutes=30,
    ),
    "LagGrows": Case(
        {'headrace_worker_lag_events{topic="clicks"}': "20000+100x60"},
        (
            {'headrace_worker_lag_events{topic="clicks"}': "20000-100x60"},
            {'headrace_worker_lag_events{topic="clicks"}': "0+100x60"},
        ),
    ),
    "PartitionStalled": Case(
        {
            f"headrace_worker_stalled_partitions{{{W1}}}": "0x10 2x60",
            f"headrace_worker_stalled_partitions{{{W2}}}": "0x60",
        },
        ({f"headrace_worker_stalled_partitions{{{W1}}}": "0x60"},),
    ),
    "TransactionOpen": Case(
        {'headrace_worker_held_back_events{topic="clicks"}': "5x60"},
        (
            {'headrace_worker_held_back_events{topic="clicks"}': "5x10 0x1 5x60"},
            {'headrace_worker_held_back_events{topic="clicks"}': "0x60"},
        ),
    ),
    "EventsGone": Case(
        newborn('headrace_worker_gaps_total{result="accept"}'),
        (
            newborn('headrace_worker_gaps_total{result="reread"}'),
            {'headrace_worker_gaps_total{result="accept"}': "3x60"},
        ),
    ),
    "SlatesDegraded": Case(
        {
            'headrace_worker_slates_total{rung="full",ranked_by="model"}': "0+40x60",
            'headrace_worker_slates_total{rung="counters",ranked_by="counters"}': "0+60x60",
        },
        (
            {
                'headrace_worker_slates_total{rung="full",ranked_by="model"}': "0+20x60",
                'headrace_worker_slates_total{rung="full",ranked_by="counters"}': "0+40x60",
                'headrace_worker_slates_total{rung="counters",ranked_by="counters"}': "0+40x60",
            },
            {'headrace_worker_slates_total{rung="popular"}': "7x60"},
        ),
    ),
    "RankingFails": Case(
        {"headrace_worker_ranking_failures_total": "0+1x60"},
        ({"headrace_worker_ranking_failures_total": "4x60"},),
    ),
    "RankerRefuses": Case(
        {'headrace_ranker_refused_total{reason="busy"}': "0+60x60"},
        (
            {'headrace_ranker_refused_total{reason="busy"}': "60x60"},
            {'headrace_ranker_refused_total{reason="late"}': "0+1x60"},
        ),
    ),
    "SearchStale": Case(
        {'headrace_search_failing{instance="g1"}': "1x60"},
        ({'headrace_search_failing{instance="g1"}': "0x60"},),
    ),
    "DeadLetters": Case(
        newborn('headrace_worker_dead_letters_total{reason="invalid"}')
        | {'headrace_worker_dead_letters_total{reason="bad_model"}': "2x12 5x60"},
        (
            {'headrace_worker_dead_letters_total{reason="invalid"}': "3x60"},
            # A worker was restarted: its count begins at nothing, as those that know no reason yet do.
            {'headrace_worker_dead_letters_total{reason="invalid"}': "3x10 _x5 0x60"},
        ),
        alerts=2,
    ),
    "ProviderFellBack": Case(
        {'headrace_worker_provider_fallbacks_total{asked="cuda",got="cpu"}': "1x60"},
        ({'headrace_worker_provider_fallbacks_total{asked="cuda",got="cpu"}': "0x60"},),
    ),
    "ModelSwitchFailed": Case(
        newborn('headrace_worker_model_switches_total{result="failed"}', value=1),
        (newborn('headrace_worker_model_switches_total{result="served"}', value=1),),
    ),
    "ArmWithoutItsModel": Case(
        newborn('headrace_worker_model_fallbacks_total{model="second"}'),
        ({'headrace_worker_model_fallbacks_total{model="second"}': "3x60"},),
    ),
    "StoreWouldForget": Case(
        {'headrace_worker_store_concern{kind="eviction"}': "1x60"},
        (
            {'headrace_worker_store_concern{kind="eviction"}': "0x60"},
            {'headrace_worker_store_concern{kind="role"}': "1x60"},
        ),
    ),
    "StoreTakesNoWrites": Case(
        {'headrace_worker_store_concern{kind="loading"}': "1x60"},
        (
            {'headrace_worker_store_concern{kind="persistence"}': "1x60"},
            {'headrace_worker_store_concern{kind="loading"}': "0x18 1x1 0x60"},
        ),
    ),
    "StoreFails": Case(
        {"headrace_worker_store_errors_total": "0+5x60"}, ({"headrace_worker_store_errors_total": "5x60"},)
    ),
    "ExamplesNotLogged": Case(
        newborn('headrace_worker_example_failures_total{reason="full"}', at=70),
        ({'headrace_worker_example_failures_total{reason="full"}': "2x140"},),
        minutes=100,
    ),
    "LearnerSteppedBack": Case(
        {'headrace_worker_learner_adapts{level="global"}': "1x60 0x140"},
        (
            {'headrace_worker_learner_adapts{level="global"}': "0x200"},
            {'headrace_worker_learner_adapts{level="global"}': "1x200"},
        ),
        minutes=150,
    ),
    "ImpressionsDropped": Case(
        newborn('headrace_gateway_impressions_total{result="dropped"}'),
        (newborn('headrace_gateway_impressions_total{result="logged"}'),),
    ),
    "TracesLost": Case(
        {'headrace_tracing_spans_total{instance="g1",result="dropped"}': "0+9x60"},
        (
            {'headrace_tracing_spans_total{instance="g1",result="exported"}': "0+9x60"},
            {'headrace_tracing_spans_total{instance="g1",result="failed"}': "9x60"},
        ),
    ),
}
