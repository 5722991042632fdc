"""The page of an interleaved experiment shows what its reading says."""

from __future__ import annotations

from streams.experiments.interleaving.reading import interval_of
from streams.experiments.interleaving.votes import Votes
from streams.offline.reports.votes import votes_page
from tests.streams.experiments.declarations import experiment
from tests.streams.offline.reports.test_experiment import drawn

DECLARED = experiment("e", {"plain": {}, "new": {}}, design="interleaved", primary="preference")


def test_page_has_verdict_shares_and_promise() -> None:
    points = [(1_764_400_000_000 + 60_000 * n, Votes(5 * n, 3 * n, n)) for n in range(12)]
    html = votes_page("new <order>", DECLARED, points)
    for said in (
        "Experiment: new &lt;order&gt;",
        "users prefer new to plain",
        "Votes over time",
        "says which arm users prefer",
    ):
        assert said in html, said
    low, high, share = drawn(html)
    assert share["y"] == [0.75] * 11  # nothing where nobody has voted
    ends = [interval_of(3 * n, n, 0.05) for n in range(1, 12)]
    assert (low["y"], high["y"]) == ([each[0] for each in ends], [each[1] for each in ends])
    assert "NaN" not in html[html.index("<body>") :]


def test_before_anybody_has_voted_there_is_a_page_all_the_same() -> None:
    assert "nobody has voted" in votes_page("e", DECLARED, [(1_764_400_000_000, Votes(3, 0, 0))])
