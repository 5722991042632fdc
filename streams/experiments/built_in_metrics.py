"""The metrics that are there without being declared."""

from __future__ import annotations

from fractions import Fraction

from model.actions import code_of
from streams.experiments import quantities as q
from streams.experiments.declared.experiment import PREFERENCE
from streams.experiments.metric import UNITS_MOST, Metric, Part
from streams.experiments.metric_expression import PER_USER
from streams.state.action_meaning import Meanings

DAYS = (1, 2, 3, 7, 14, 28, 30)
"""`return_N_days` is known for these."""


def built_in(meanings: Meanings) -> list[Metric]:
    """All of them; which actions buy, take time or say "negative" is what the settings say."""
    one, hundredth = Fraction(1), Fraction(1, q.PER_ONE)
    with_value: dict[str, list[int]] = {"seconds": [], "money": []}
    for name, each in meanings.settings.items():
        if each.value in with_value:
            with_value[each.value].append(meanings.codes[name])
    buying = dict.fromkeys([code_of("purchase"), *with_value["money"]], one)
    negative = dict.fromkeys([meanings.codes[name] for name in meanings.saying("negative")], one)
    stars = q.VALUE + code_of("review")
    user, places = Part(PER_USER, most=1), Part({q.PLACES: one})
    return [
        Metric("click_through", "clicks per place shown", Part({code_of("click"): one}), places),
        Metric("conversion", "users who bought something", Part(buying, most=1), user),
        Metric(
            "rating",
            "stars per rating",
            Part({stars: hundredth}, Fraction(1, 10)),
            Part({q.RATINGS: one}, most=UNITS_MOST // 50),
        ),
        Metric(
            "dwell",
            "seconds spent, per user",
            Part({q.VALUE + code: hundredth for code in with_value["seconds"]}),
            user,
        ),
        Metric(
            "revenue",
            "money spent, per user",
            Part({q.VALUE + code: hundredth for code in with_value["money"]}, hundredth),
            user,
        ),
        Metric("sessions", "sessions per user", Part({q.SESSIONS: one}), user),
        Metric(
            "session_length",
            "minutes per session",
            Part({q.SESSION_TENTHS: Fraction(1, 10)}, Fraction(1, 10)),
            Part({q.SESSIONS: one}),
        ),
        *(
            Metric(
                f"return_{n}_days",
                f"users who came back within {n} days",
                Part({q.RETURNED + n: one}, most=1),
                user,
            )
            for n in DAYS
        ),
        Metric("dislikes", "actions that say 'negative', per place shown", Part(negative), places),
        Metric(
            "diversity", "different categories in a slate, per place shown", Part({q.DIFFERENT: one}), places
        ),
        Metric("novelty", "bits of surprise, per place shown", Part({q.BITS: hundredth}), places),
        Metric("coverage", "items that nobody had been shown, per place shown", Part({q.FIRST: one}), places),
        Metric(
            "latency",
            "milliseconds from an action to its slate",
            Part({q.DELAY_MS: one}, Fraction(10)),
            Part({q.DELAYS: one}),
        ),
        Metric(
            PREFERENCE,
            "which order of interleaved slates a user clicked more of: 1, 0 or -1",
            Part({q.VOTES[0]: -one, q.VOTES[1]: one}, most=1),
            user,
        ),
    ]
