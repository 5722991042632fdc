"""What an experiment has come to, in the reader's language: what `readings.words` says, with less detail."""

from __future__ import annotations

from typing import Literal, NamedTuple

from streams.experiments.interleaving.votes import VotesReading
from streams.experiments.readings.reading import ArmReading, Reading
from streams.experiments.readings.words import percent
from streams.gateway.experiment_bodies import ExperimentView, ReadingView
from streams.gateway.web.language import Texts

Kind = Literal["good", "bad", "warn", "plain"]
OF_STATE: dict[str, Kind] = {
    "better": "good",
    "worse": "bad",
    "ended": "warn",
    "open": "plain",
    "early": "plain",
}


class VerdictText(NamedTuple):
    """A sentence, and how it looks."""

    kind: Kind
    text: str


def verdicts(t: Texts, view: ExperimentView, seen: ReadingView) -> list[VerdictText]:
    """A sentence for each arm; or why nothing can be read, or which arm did harm."""
    if seen.votes is not None:
        return [_of_votes(t, seen.votes)]
    reading = seen.reading
    if reading is None:
        return []
    if reading.blocked:
        return [_blocked(t, reading)]
    harm = [
        VerdictText(
            "bad",
            t(
                "console.experiment.verdict.crossed",
                arm=each.arm,
                metric=each.metric,
                worst=percent(each.worst),
            ),
        )
        for each in reading.guardrails
        if each.crossed
    ]
    best = (
        [VerdictText("good", t("console.experiment.verdict.best", arm=reading.best))] if reading.best else []
    )
    return [*harm, *best, *(_of_arm(t, view, each) for each in reading.primary)]


def _of_arm(t: Texts, view: ExperimentView, arm: ArmReading) -> VerdictText:
    text = t(
        f"console.experiment.verdict.{arm.state}",
        arm=arm.arm,
        control=view.declared.control,
        metric=arm.metric,
        lift=percent(arm.adjusted.lift),
        low=percent(arm.adjusted.low),
        high=percent(arm.adjusted.high),
        users=f"{arm.users + arm.control_users:,}",
        decided=f"{arm.decided_at or 0:,}",
        planned=f"{view.declared.users:,}",
    )
    return VerdictText(OF_STATE[arm.state], text)


def _blocked(t: Texts, reading: Reading) -> VerdictText:
    users, expected = reading.mismatch.users, reading.mismatch.expected
    gap = min(users, key=lambda arm: users[arm] / max(1.0, expected[arm]))
    return VerdictText(
        "bad",
        t(
            "console.experiment.verdict.blocked",
            arm=gap,
            users=f"{users[gap]:,}",
            expected=f"{expected[gap]:,.0f}",
        ),
    )


def _of_votes(t: Texts, votes: VotesReading) -> VerdictText:
    if votes.share is None:
        return VerdictText(
            "plain", t("console.experiment.verdict.no_votes", arm=votes.arm, control=votes.control)
        )
    text = t(
        f"console.experiment.verdict.votes_{votes.state}",
        arm=votes.arm,
        control=votes.control,
        share=f"{votes.share:.1%}",
        low=f"{votes.low:.1%}",
        high=f"{votes.high:.1%}",
        users=f"{votes.users:,}",
    )
    return VerdictText(OF_STATE[votes.state], text)
