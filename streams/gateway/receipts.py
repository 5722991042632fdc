"""The answer to a request with events: it says of each event whether the gateway accepted it."""

from __future__ import annotations

from typing import Literal

import msgspec

from streams.gateway.answers import Answer, json_answer
from streams.gateway.errors import Problem, problem, problem_answer, retry_after


class Result(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The result of one event, in the order of the request.

    accepted: the event is in Kafka, and all replicas acknowledged it. rejected: the gateway will never accept
    the event as it is; `reason` is a code, `message` says what is wrong, `index` is its place in the array,
    from 0. unconfirmed: Kafka did not acknowledge it in time; send it again with the same `event_id`, it will
    count once.
    """

    status: Literal["accepted", "rejected", "unconfirmed"]
    event_id: str = ""
    reason: str = ""
    message: str = ""
    index: int | None = None


class Receipt(msgspec.Struct, kw_only=True):
    """The answer where the gateway accepted at least one event, or the request held none (202)."""

    accepted: int
    rejected: int
    results: list[Result]


class RefusedReceipt(Problem, kw_only=True):
    """The answer where Kafka did not confirm an event (503), or the gateway accepted none (422)."""

    accepted: int
    rejected: int
    unconfirmed: int
    results: list[Result]


def receipt(results: list[Result], trouble: str, retry_after_s: int) -> Answer:
    """The answer for these results; `trouble` says why Kafka did not confirm the unconfirmed ones."""
    counts = {"accepted": 0, "rejected": 0, "unconfirmed": 0}
    for result in results:
        counts[result.status] += 1
    if unconfirmed := counts["unconfirmed"]:
        why = problem(
            503,
            "kafka_unavailable",
            expected="an acknowledgement from Kafka within the timeout",
            came=f"none for {unconfirmed} of {len(results)} events: {trouble}",
            remedy=f"in {retry_after_s} s send the unconfirmed ones again, with the same event_id",
        )
        return _refuse(why, counts, results, retry_after(retry_after_s))
    if results and not counts["accepted"]:
        why = problem(
            422,
            "none_accepted",
            expected="at least one event that can be applied",
            came=f"{len(results)} of {len(results)} rejected; the first: {results[0].message}",
            remedy="correct each event as its message says; sent as it is, it will be rejected again",
        )
        return _refuse(why, counts, results, {})
    return json_answer(
        202, Receipt(accepted=counts["accepted"], rejected=counts["rejected"], results=results)
    )


def _refuse(why: Problem, counts: dict[str, int], results: list[Result], headers: dict[str, str]) -> Answer:
    body = RefusedReceipt(
        **msgspec.structs.asdict(why),
        accepted=counts["accepted"],
        rejected=counts["rejected"],
        unconfirmed=counts["unconfirmed"],
        results=results,
    )
    return problem_answer(body, headers)
