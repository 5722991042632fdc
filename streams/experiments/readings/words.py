"""A reading in words that need no statistics."""

from __future__ import annotations

from streams.experiments.readings.plan import Plan
from streams.experiments.readings.reading import ArmReading, Estimate, Mismatch, Reading
from streams.experiments.readings.tracks import FEWEST_USERS

WHERE_TO_LOOK = (
    "whether an arm fails or is slow, so that its users leave before their first impression",
    "whether shares were changed while it ran, and the plan does not say so",
    "whether impressions of one arm are lost, or sent twice, on their way",
    "whether robots or testers were sent to one arm by hand",
    "whether another experiment, or the app itself, sends users away depending on the arm",
)


def verdict(plan: Plan, reading: Reading) -> str:
    """What to do with the experiment, in one or two sentences."""
    if reading.blocked:
        return mismatch_said(plan, reading.mismatch)
    stopped = [each for each in reading.guardrails if each.crossed]
    if stopped:
        return " ".join(each.text for each in stopped)
    said = " ".join(arm_said(plan, each) for each in reading.primary)
    if reading.best:
        return f"{reading.best} is the best arm. {said}"
    return said


def mismatch_said(plan: Plan, mismatch: Mismatch) -> str:
    """Why nothing can be read, and where to look."""
    gap = min(mismatch.users, key=lambda arm: mismatch.users[arm] / max(1.0, mismatch.expected[arm]))
    users, expected = mismatch.users[gap], mismatch.expected[gap]
    looks = "; ".join(WHERE_TO_LOOK)
    return (
        f"Nothing can be read: the arms do not have the users of their shares. {gap} has {users:,} users,"
        f" expected about {expected:,.0f} (p {p_said(mismatch.p)}). What takes or adds users may"
        f" also change how they behave. Find the reason, then start the experiment anew. Look at: {looks}."
    )


def arm_said(plan: Plan, arm: ArmReading) -> str:
    """What is known of one arm's primary metric."""
    seen, users = arm.adjusted, arm.users + arm.control_users
    against = f"{arm.arm} against {plan.control}"
    if arm.decided_at is not None:
        better = "better" if arm.state == "better" else "worse"
        return (
            f"{arm.arm} is {better} than {plan.control}: {plan.primary} {_range(seen)}. Decided at"
            f" {arm.decided_at:,} users. You may stop now."
        )
    if arm.state == "early":
        if plan.reading == "group" and users < _share(plan, arm, 1.0 / plan.looks):
            first = _share(plan, arm, 1.0 / plan.looks)
            return f"{against}: no look is due yet. The first is at {first:,} users."
        if min(arm.users, arm.control_users) < FEWEST_USERS:
            lacking = " and ".join(
                f"{FEWEST_USERS - have:,} of {name}"
                for name, have in ((arm.arm, arm.users), (plan.control, arm.control_users))
                if have < FEWEST_USERS
            )
            return (
                f"{against}: too early to say. Each arm is read from {FEWEST_USERS} users on; missing are"
                f" {lacking}."
            )
        return f"{against}: too early to say. {users:,} users are too few to know {plan.control} itself well."
    if arm.state == "ended":
        return (
            f"{against}: no difference was found with the planned {plan.users_of(arm.arm):,.0f} users."
            f" {plan.primary} {_range(seen)}: what lies outside is ruled out.{_more(plan, arm)}"
        )
    return (
        f"{against}: not decided yet. {plan.primary} {_range(seen)}, which has 0 in it."
        f" {users:,} of {plan.users_of(arm.arm):,.0f} planned users.{_more(plan, arm)}"
    )


def covered(plan: Plan) -> str:
    """What the promise of the intervals is, and what it stands on."""
    promise = (
        "You may look as often as you like, and stop when it is decided"
        if plan.reading == "sequential"
        else f"It is decided at {plan.looks} looks, evenly spread over the planned users, never between them"
    )
    if plan.window_days is None:
        return (
            f"{promise}: a wrong claim has a chance of at most {plan.alpha:.0%}. Users are counted from their"
            " first impression on without an end, so a user's sum goes on changing. The theory does not cover"
            " that; simulation shows no more wrong claims by it (docs/experiments.md). With window_days it is"
            " covered."
        )
    return (
        f"{promise}: a wrong claim has a chance of at most {plan.alpha:.0%}. Each user is counted for"
        f" {plan.window_days:g} days from their first impression on. The theory covers users whose"
        f" {plan.window_days:g} days are over."
    )


def percent(value: float | None, digits: int = 1) -> str:
    """A relative change, or a dash."""
    return "–" if value is None else f"{value:+.{digits}%}"


def interval(seen: Estimate) -> str:
    """Its ends, or a dash."""
    return "–" if seen.low is None or seen.high is None else f"{seen.low:+.1%} to {seen.high:+.1%}"


def _range(seen: Estimate) -> str:
    return f"{percent(seen.lift)} (between {interval(seen).replace(' to ', ' and ')})"


def _share(plan: Plan, arm: ArmReading, share: float) -> int:
    return round(plan.users_of(arm.arm) * share)


def _more(plan: Plan, arm: ArmReading) -> str:
    if arm.needed is None:
        return ""
    return f" To find {plan.minimum_effect:.1%} in 4 of 5 cases takes about {arm.needed:,} users."


def p_said(p: float) -> str:
    """A p-value as people read it."""
    return f"{p:.3f}" if p >= 0.001 else "below .001"
