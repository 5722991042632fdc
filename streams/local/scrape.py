"""A process's `/metrics` page as numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families


class Sample(NamedTuple):
    """One line of the page."""

    name: str
    labels: dict[str, str]
    value: float


class Samples:
    """The pages of one or more processes, taken together.

    >>> page = Samples.of(['a_total{kind="x"} 1.0', 'a_total{kind="x"} 2.0\\na_total{kind="y"} 4.0'])
    >>> page.total("a_total"), page.total("a_total", kind="x")
    (7.0, 3.0)
    >>> page.by_label("a_total", "kind")
    {'x': 3.0, 'y': 4.0}
    """

    def __init__(self, samples: list[Sample]) -> None:
        self._samples = samples

    @classmethod
    def of(cls, pages: Iterable[str]) -> Samples:
        """Read pages in Prometheus' text format."""
        return cls(
            [
                Sample(sample.name, sample.labels, sample.value)
                for page in pages
                for family in text_string_to_metric_families(page)
                for sample in family.samples
            ]
        )

    def total(self, name: str, **labels: str) -> float:
        """The sum over all samples of that name that have these labels."""
        return sum(
            sample.value
            for sample in self._samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def by_label(self, name: str, label: str) -> dict[str, float]:
        """The sum for each value of a label."""
        sums: dict[str, float] = {}
        for sample in self._samples:
            if sample.name == name:
                value = sample.labels.get(label, "")
                sums[value] = sums.get(value, 0.0) + sample.value
        return sums
