"""What may change while an experiment runs, and what that does to its users.

- Weights, and new arms: a new phase begins. Users are drawn by the same hashes, so a new arm takes users from
  the others and moves none between them; a raised weight takes users to that arm alone. Each phase is read by
  itself: it has a key of its own in slates and sums (`ranking~2`), and whoever is shown a slate of it counts
  from then on, also who was shown one before.
- `share` may grow: more users take part, and nobody moves.
- `ends`, `testers`, `hypothesis`: nobody else notices.

An adaptive experiment moves its weights by itself, and its phases are read together: its arms are fixed.

All else would change what the reading means: it is refused.
"""

from __future__ import annotations

from typing import Any

import msgspec

from streams.experiments.declared.experiment import ExperimentSettings
from streams.experiments.declared.refusal import DeclarationError, Path
from streams.experiments.registry.room import PHASES_MAX, given_slots
from streams.experiments.registry.state import Experiment, Phase, Registry

FREE = {"arms", "share", "ends", "testers", "hypothesis"}


def amended(
    registry: Registry, name: str, before: Experiment, settings: ExperimentSettings, now_ms: int, path: Path
) -> tuple[Experiment, dict[str, Any]]:
    """The experiment under the new declaration, and what changed; raises `DeclarationError`."""
    was = before.declared
    changed = [key for key in settings.__struct_fields__ if getattr(settings, key) != getattr(was, key)]
    for key in changed:
        if key not in FREE:
            raise _fixed((*path, key), repr(getattr(was, key)), repr(getattr(settings, key)))
    for arm, each in was.arms.items():
        if arm not in settings.arms:
            raise DeclarationError(
                (*path, "arms"), f"arm {arm} still, since the experiment runs", "none",
                f"stop the arm instead: headrace experiments stop {name} --arm {arm}",
            )  # fmt: skip
        new = settings.arms[arm]
        if (new.model, new.stages) != (each.model, each.stages):
            raise _fixed((*path, "arms", arm), "the model and stages that it started with", "others")
    if settings.share < was.share:
        raise DeclarationError(
            (*path, "share"), f"{was.share:g} or more while it runs", f"{settings.share:g}",
            "leave it, or stop the experiment",
        )  # fmt: skip
    if was.adapts and settings.weights != was.weights:
        raise _fixed((*path, "arms"), "the arms that it started with, whose weights it moves", "others")
    after = msgspec.structs.replace(before, declared=settings)
    if settings.share > was.share:
        after = msgspec.structs.replace(after, slices=given_slots(registry, name, settings, before.slices))
    if settings.weights != was.weights:
        number = before.phase + 1
        if number > PHASES_MAX:
            raise DeclarationError(
                (*path, "arms"), f"at most {PHASES_MAX} phases", "one more", "stop the experiment"
            )
        after = msgspec.structs.replace(
            after, phases=(*before.phases, Phase(number, now_ms, settings.weights))
        )
    said = {key: {"was": getattr(was, key), "is": getattr(settings, key)} for key in changed}
    return after, {"changed": msgspec.to_builtins(said), "phase": after.phase}


def _fixed(path: Path, was: str, came: str) -> DeclarationError:
    return DeclarationError(
        path, f"{was[:200]}, which is fixed since the experiment runs", came[:200],
        "leave it, or stop the experiment and declare another one",
    )  # fmt: skip
