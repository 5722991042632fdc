"""The figures of a simulation as rows of tables."""

from __future__ import annotations

from streams.experiments.simulated.promises import Promise
from streams.experiments.simulated.proof import KindFigures, Proof


def said(proof: Proof) -> str:
    """What was played."""
    options = proof.options
    return (
        f"{options.runs:,} runs without a difference and {options.planted:,} with one, for each kind of"
        f" metric: {options.users:,} users enter each run one by one, a fifth of them heavy. A look follows"
        f" every {options.every:,}. A user's window lasts while {options.window:,} others enter. alpha"
        f" {options.alpha:g}, seed {options.seed}. For normal estimates {proof.foreseen_alarms:.1%} of the"
        " sequences would alarm by the last look."
    )


def alarms(proof: Proof) -> list[list[str]]:
    """How often something is found where nothing is."""
    names = list(proof.kinds[0].alarms) if proof.kinds else []
    head = ["found by any look, no difference", *(each.kind for each in proof.kinds)]
    rows = [
        [name, *(_share(each.alarms[name].share, each.alarms[name].error) for each in proof.kinds)]
        for name in names
    ]
    return [head, *rows]


def power(proof: Proof) -> list[list[str]]:
    """How often and how soon the planted effect is found."""
    names = list(proof.kinds[0].power) if proof.kinds else []
    head = ["found, median users to decide", *(f"{each.kind} {each.effect:+.1%}" for each in proof.kinds)]
    return [head, *([name, *(_found(each, name) for each in proof.kinds)] for name in names)]


def coverage(proof: Proof) -> list[list[str]]:
    """How often intervals have the planted effect in them."""
    rows = {
        "sequence, CUPED, at all looks": [each.covered_ever for each in proof.kinds],
        "usual interval at the end, CUPED": [each.covered_end for each in proof.kinds],
        "the same by the delta method": [each.covered_delta for each in proof.kinds],
        "variance that CUPED takes away": [each.noise_cut for each in proof.kinds],
    }
    head = ["the lift is covered", *(each.kind for each in proof.kinds)]
    return [head, *([name, *(f"{figure:.1%}" for figure in figures)] for name, figures in rows.items())]


def mismatches(proof: Proof) -> list[list[str]]:
    """How often and how soon a mismatch is found."""
    head = ["split of the users", "runs", "looked at until", "found", "median users"]
    return [
        head,
        *(
            [
                found.what,
                f"{found.runs:,}",
                f"{found.users[-1]:,}",
                f"{found.share:.1%}",
                "–" if found.median_users is None else f"{found.median_users:,.0f}",
            ]
            for found in proof.mismatches
        ),
    ]


def adaptive(proof: Proof) -> list[list[str]]:
    """What weights that move bring and cost; nothing where they were not played."""
    seen = proof.adaptive
    if seen is None:
        return []
    return [
        ["four arms", "weights that move", "equal weights"],
        ["any lift called, no difference", f"{seen.alarms:.1%}", "–"],
        ["a best arm named, no difference", f"{seen.misnamed:.1%}", "–"],
        ["any lift called by plain sums, no difference", f"{seen.plain_alarms:.1%}", "–"],
        ["all lifts covered at all looks", f"{seen.covered:.1%}", "–"],
        [f"best arm named, {seen.effect:+.1%}", f"{seen.named:.0%}", f"{seen.equal_named:.0%}"],
        ["median users until then", f"{seen.users:,.0f}", f"{seen.equal_users:,.0f}"],
        ["clicks lost against the best arm for all", f"{seen.regret:.1%}", f"{seen.equal_regret:.1%}"],
    ]


def kept(promises: list[Promise]) -> list[list[str]]:
    """Each promise with its figure."""
    return [
        ["promise", "promised", "simulated", ""],
        *(
            [
                each.what,
                f"{each.low:.0%} to {each.high:.0%}",
                f"{each.figure:.1%}",
                "kept" if each.kept else "BROKEN",
            ]
            for each in promises
        ),
    ]


def _share(share: float, error: float) -> str:
    return f"{share:.1%} ±{error:.1%}"


def _found(each: KindFigures, name: str) -> str:
    seen = each.power[name]
    return f"{seen.share:.0%}, {seen.median_users:,.0f}"
