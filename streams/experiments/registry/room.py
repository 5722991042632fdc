"""Whether an experiment has room beside those that have not ended: in its layer, in the settings that it
touches, and in the text that slates carry.
"""

from __future__ import annotations

import msgspec

from model.errors import ExperimentError
from streams.experiments.assignment.arm_text import TEXT_MAX, Served
from streams.experiments.assignment.slots import SLOTS, Slices, first_of, free, size, slots_of
from streams.experiments.declared.experiment import ExperimentSettings
from streams.experiments.declared.refusal import DeclarationError, Path
from streams.experiments.registry.overrides import Setting, clash, touched, touched_by
from streams.experiments.registry.state import Experiment, Registry

BYTES_MAX = 65_536
"""Of one declaration, as JSON."""
PHASES_MAX = 99
EXPLORATION: Setting = ("exploration",)


def check_room(registry: Registry, name: str, settings: ExperimentSettings, path: Path) -> None:
    """Raises `DeclarationError`."""
    if (took := len(msgspec.json.encode(settings))) > BYTES_MAX:
        raise DeclarationError(
            path, f"at most {BYTES_MAX} bytes as JSON", f"{took}", "name fewer testers or values"
        )
    _check_layer(registry, name, settings, path)
    for other, each in sorted(registry.experiments.items()):
        layer = each.declared.layer_of(other)
        if other != name and not each.ended and layer != settings.layer_of(name):
            taken = touched(each.declared)
            if each.declared.interleaved:  # its coins stand for whatever else draws
                taken.add(EXPLORATION)
            _check_apart(settings, path, f"{other} (layer {layer})", taken)
            if settings.interleaved and each.declared.interleaved:
                raise DeclarationError(
                    (*path, "layer"), f"{layer!r}, as the interleaved experiment {other} has it",
                    repr(settings.layer_of(name)),
                    "a slate is of two orders, not of four: put both into one layer",
                )  # fmt: skip
            if settings.interleaved and any(setting[:1] == EXPLORATION for setting in taken):
                raise DeclarationError(
                    (*path, "layer"), f"{layer!r}, as {other} has it, which explores",
                    repr(settings.layer_of(name)),
                    "an interleaved slate is drawn by its coins alone: put both into one layer",
                )  # fmt: skip
    _check_text(registry, name, settings, path)


def _check_apart(settings: ExperimentSettings, path: Path, other: str, taken: set[Setting]) -> None:
    for arm, each in settings.arms.items():
        if setting := clash(touched_by(each), taken):
            said = ".".join(setting)
            inner = setting if setting == ("model",) else ("stages", *setting)
            raise DeclarationError(
                (*path, "arms", arm, *inner),
                f"a setting that no experiment of another layer touches, as {other} does",
                said,
                f"put both into one layer, or take {said} out of one",
            )


def _check_layer(registry: Registry, name: str, settings: ExperimentSettings, path: Path) -> None:
    for other, each in registry.layer(settings.layer_of(name), but=name):
        for key in ("holdout", "unit"):
            there, here = getattr(each.declared, key), getattr(settings, key)
            if there != here:
                raise DeclarationError(
                    (*path, key),
                    f"{there!r}, as {other} of the same layer has it",
                    repr(here),
                    f"say {key} = {there!r}",
                )


def _check_text(registry: Registry, name: str, settings: ExperimentSettings, path: Path) -> None:
    """The longest text that a slate may carry has one experiment of each layer."""
    longest: dict[str, int] = {}
    others = {other: each.declared for other, each in registry.experiments.items() if not each.ended}
    for other, each in {**others, name: settings}.items():
        names = {*each.arms, *each.weights}
        most = max(len(Served(f"{other}~{PHASES_MAX}", arm, counts=False).text) for arm in names)
        layer = each.layer_of(other)
        longest[layer] = max(longest.get(layer, 0), most)
    took = sum(longest.values()) + len(longest) - 1
    if took > TEXT_MAX:
        raise DeclarationError(
            path,
            f"names that take {TEXT_MAX} letters together, of one experiment and arm in each layer",
            f"{took}",
            "give it and its arms shorter names, or stop what is over",
        )


def given_slots(registry: Registry, name: str, settings: ExperimentSettings, had: Slices = ()) -> Slices:
    """The slots for the experiment's share of its layer, with those it `had`; raises `ExperimentError`."""
    others: list[tuple[str, Experiment]] = registry.layer(settings.layer_of(name), but=name)
    taken = [part for _, each in others for part in each.slices] + [*had]
    held_out = round(settings.holdout * SLOTS)
    left = free(taken, held_out)
    wanted = min(slots_of(settings.share), SLOTS - held_out) - size(had)
    if wanted > size(left):
        there = ", ".join(f"{other} {size(each.slices) / SLOTS:g}" for other, each in others if each.slices)
        raise ExperimentError(
            "no_room",
            f"experiment {name!r} asks for {settings.share:g} of layer {settings.layer_of(name)!r}, and"
            f" {(size(left) + size(had)) / SLOTS:g} is free (holdout {settings.holdout:g},"
            f" {there or 'nothing runs'}): stop another one, lower the share, or name another layer",
        )
    return tuple(sorted((*had, *first_of(left, wanted))))
