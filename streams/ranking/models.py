"""The models in service: the active one, and those that arms name beside it."""

from __future__ import annotations

from collections import Counter

from streams.ranking.model_in_service import ModelInService


class Models:
    """`active`: what scores where no model is named; None for none. `missing`: how often a model was named
    that is not here, by its name; the active one scored instead.
    """

    def __init__(self) -> None:
        self.active: ModelInService | None = None
        self.named: dict[str, ModelInService] = {}
        self.missing: Counter[str] = Counter()

    def of(self, name: str) -> ModelInService | None:
        """The model of this name, "" for the active one; the active one too where it is not here."""
        if not name or (self.active is not None and self.active.name == name):
            return self.active
        if name not in self.named:
            self.missing[name] += 1
            return self.active
        return self.named[name]

    def missed(self) -> Counter[str]:
        """What is `missing` since this was last asked."""
        if not self.missing:
            return Counter()
        missed, self.missing = self.missing, Counter()
        return missed

    def add(self, model: ModelInService) -> None:
        """Have it beside the others, under its name."""
        self.named[model.name] = model

    def remove(self, name: str) -> None:
        """Have it beside the others no more."""
        self.named.pop(name, None)

    def all(self) -> list[ModelInService]:
        """Every model, each once, the active one first. May be asked in any thread."""
        active, named = self.active, list(self.named.values())
        return ([] if active is None else [active]) + [model for model in named if model is not active]
