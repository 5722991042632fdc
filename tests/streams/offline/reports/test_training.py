"""The report of a training: its figures are those of the held-out examples, and each section is there."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from model.attribution import VIEWS
from model.errors import DataError
from model.exposure import exposure
from model.ranking import ranking
from streams.offline.reports.training import write_training_report
from streams.offline.reports.training_findings import Findings, look
from tests.streams.conftest import Small

SECTIONS = (
    "Losses",
    "Ranking by epoch",
    "Calibration: click",
    "Calibration: like",
    "Calibration: rating",
    "By the user&#x27;s history",
    "By the item&#x27;s age",
    "Gaps between user groups",
    "Exposure of items",
    "Settings and versions",
)
FACTS = {"network": {"fusion": "attention", "hidden": [96, 48]}, "versions": {"torch": "2"}, "loss": 0.25}


@pytest.fixture(scope="module")
def findings(followed: Small) -> Findings:
    core = followed.run.recommender
    popularity = core.counters.popularity.events[: len(core.catalog)]
    titles = {"i1": "The <First>"}
    return look(followed.trained, core.catalog.rows, popularity, followed.dataset.users, titles, seed=7)


def test_figures_are_those_of_the_held_out_examples(followed: Small, findings: Findings) -> None:
    checkpoint, collected, progress = followed.trained
    hits, gains = ranking(checkpoint.net, collected.held_out, checkpoint.vocabulary)
    last = [each for each in progress if not np.isnan(each.ndcg.value)][-1]
    assert (last.hit_rate, last.ndcg) == (hits, gains)
    assert findings.events == sum(len(each) for each in collected.held_out)
    for parts in (findings.users, findings.items):
        assert sum(each.events for each in parts) == findings.events
        total = sum(each.events * each.ndcg.value for each in parts if each.events)
        assert total / findings.events == pytest.approx(gains.value)


def test_ten_places_of_each_example_are_shown_and_no_missed_item_is_among_them(
    followed: Small, findings: Findings
) -> None:
    collected, catalogue = followed.trained.collected, len(followed.run.recommender.catalog)
    assert sum(each.items for each in findings.exposure.tiers) == catalogue
    assert sum(each.shown for each in findings.exposure.tiers) == pytest.approx(1.0)
    met = [shard.items[shard.candidates[:, 0]].tolist() for shard in collected.held_out]
    rows = [followed.run.recommender.catalog.rows[item] for part in met for item in part]
    popularity = followed.run.recommender.counters.popularity.events[:catalogue]
    alone = exposure([0], rows, popularity)
    assert [each.consumed for each in findings.exposure.tiers] == [each.consumed for each in alone.tiers]
    assert findings.exposure.gini_consumed == alone.gini_consumed


def test_each_task_has_its_calibration(findings: Findings) -> None:
    assert set(findings.reliability) == {"click", "rating", "like"}
    assert sum(each.events for each in findings.reliability["click"].bins) == 10 * findings.events
    rated = sum(each.events for each in findings.reliability["rating"].bins)
    assert 0 < rated < findings.events  # half of the events have a rating
    assert rated == sum(each.events for each in findings.reliability["like"].bins)
    assert all(1 <= each.predicted <= 5 for each in findings.reliability["rating"].bins)


def test_a_sample_says_all_that_its_score_is_made_of(findings: Findings) -> None:
    assert len(findings.samples) == 3
    for sample in findings.samples:
        assert sum(sample.parts.values()) + sample.gap == pytest.approx(sample.score - sample.base, abs=1e-4)
        assert abs(sample.gap) < 0.05 * max(abs(sample.score - sample.base), 1.0)
        assert sample.attention.shape == (2, len(sample.history))
        assert sample.attention.sum(1) == pytest.approx([1.0, 1.0], abs=1e-4)
        assert {f"met: {title}" for title in sample.history} <= set(sample.parts)
        assert {f"view: {name}" for name in VIEWS} <= set(sample.parts)


def test_the_page_holds_each_section_and_nothing_from_elsewhere(findings: Findings, tmp_path: Path) -> None:
    path = tmp_path / "t.html"
    write_training_report(path, "<data>.csv", findings, FACTS)
    page = path.read_text()
    body = page[page.index("<body>") :]
    for title in SECTIONS:
        assert f"<h2>{title}</h2>" in body, title
    assert len(re.findall("<h2>Why ", body)) == 3
    assert "<h1>Training: &lt;data&gt;.csv</h1>" in body
    assert "<The" not in body
    assert "<td>network.hidden</td><td>96, 48</td>" in body
    assert not re.findall(r'(?:src|href)="(?!data:)', page[: page.index("<script>")] + body)
    assert "prefers-color-scheme: dark" in page
    assert 'name="viewport"' in page
    assert "The text encoder does not know" not in body


@pytest.mark.parametrize(("share", "said"), [(0.2, False), (0.43, True)])
def test_the_page_says_where_the_encoder_does_not_know_the_language(
    findings: Findings, tmp_path: Path, share: float, said: bool
) -> None:
    path = tmp_path / "t.html"
    write_training_report(path, "d", findings, {**FACTS, "unknown_tokens": share})
    assert ("The text encoder does not know 43% of the texts' tokens" in path.read_text()) == said


def test_gaps_are_those_of_the_profiles(followed: Small, findings: Findings) -> None:
    """Every example's group is that of its user, found again from the hashed profile."""
    assert list(findings.gaps) == ["side"]  # a nickname makes no group
    even, odd = findings.gaps["side"]
    assert (even.group, odd.group, findings.compared) == ("even", "odd", 2)
    assert even.events + odd.events == findings.events
    assert even.difference == pytest.approx(-odd.difference)
    assert even.low < even.difference < even.high


def test_the_page_says_how_many_differences_it_compares(findings: Findings, tmp_path: Path) -> None:
    write_training_report(tmp_path / "t.html", "d", findings, FACTS)
    assert "The page compares 2 differences" in (tmp_path / "t.html").read_text()
    write_training_report(
        tmp_path / "t.html", "d", findings._replace(gaps={}, samples=[], progress=[]), FACTS
    )
    assert "nothing to compare" in (tmp_path / "t.html").read_text()


def test_a_page_that_can_not_be_written_is_an_error(findings: Findings, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="name a file that can be written"):
        write_training_report(tmp_path, "d", findings, FACTS)
