"""What the documents name is there: files, commands, settings, metrics, fields of events."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from benchmarks import picture
from streams.commands.main import COMMANDS
from streams.events.schema import AnyEvent, Click, Control, Event, Impression, Item, Review, User
from streams.gateway.live.metrics import LiveMetrics
from streams.gateway.metrics import GatewayMetrics
from streams.gateway.ranking.metrics import RankerMetrics
from streams.gateway.searching.metrics import SearchMetrics
from streams.ranking import pipeline
from streams.recommender import Recommender
from streams.settings.tree import Settings
from streams.tracing.metrics import TracingMetrics
from streams.worker.metrics import WorkerMetrics

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    page
    for place in ("*", "docs/*", "benchmarks/*", "benchmarks/peers/*")
    for page in ROOT.glob(f"{place}.md")
)
WATCHING = (ROOT / "docs/watching.md").read_text()
BENCHMARKS = (ROOT / "docs/benchmarks.md").read_text().replace("*", "")
EVENTS = (ROOT / "docs/events.md").read_text()
SUFFIX = {"counter": "_total"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_anchors_exist(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text()):
        other = page.parent / target if target else page
        assert anchor in anchors(other), f"{page.name} links to {target}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_exist(page: Path) -> None:
    for path in re.findall(
        r"`((?:streams|model|export|tests|benchmarks|docs|ops|dev|scripts)/[\w./]*)`", page.read_text()
    ):
        assert (ROOT / path).exists(), f"{page.name} names {path}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_exist(page: Path) -> None:
    for name in re.findall(r"(?:`|^|bin/)headrace ([a-z][a-z-]*)", page.read_text(), re.MULTILINE):
        assert name in COMMANDS, f"{page.name} names headrace {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for words in re.findall(r"(?:`|^|=1 )make ([a-z]+(?: [a-z]+)*)", page.read_text(), re.MULTILINE):
        assert set(words.split()) <= targets, f"{page.name} names make {words}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_settings_exist(page: Path) -> None:
    named = re.findall(r"`([a-z]+)\.([a-z_]+)`", page.read_text())
    variables = re.findall(r"`HEADRACE_([A-Z_]+)__([A-Z_]+)", page.read_text())
    sections = {field.name for field in msgspec.structs.fields(Settings)}
    for section, name in [*named, *((section.lower(), name.lower()) for section, name in variables)]:
        if section in sections and name != "py":
            assert hasattr(getattr(Settings(), section), name), f"{page.name} names {section}.{name}"


def test_defaults_are_those_of_the_settings() -> None:
    rows = [
        row
        for page in PAGES
        if page.parent.name == "docs" and page != ROOT / "docs/benchmarks.md"
        for row in re.findall(r"^\| `(\w+)\.(\w+)` \| ([^`,|]+?) \|", page.read_text(), re.MULTILINE)
        if hasattr(Settings(), row[0])
    ]
    assert len(rows) > 20
    for section, name, default in rows:
        value = getattr(getattr(Settings(), section), name)
        assert (str(value).lower() or "none") == default.lower(), f"{section}.{name}"


def test_readme_leads_to_every_page() -> None:
    named = set(re.findall(r"\]\((docs/\w+\.md)\)", (ROOT / "README.md").read_text()))
    assert named == {f"docs/{page.name}" for page in PAGES if page.parent.name == "docs"}


def test_the_stages_are_those_of_the_pipeline_in_its_order() -> None:
    stages = Recommender(Settings()).pipeline
    names = [type(stage).__name__.lower() for stage in (*stages.gathering, *stages.ordering)]
    assert pipeline.__doc__ is not None
    assert re.findall(r"[a-z]+", pipeline.__doc__.split("\n\n")[1]) == names
    picture_of = re.search(r'stages\["(.+?)"\]', (ROOT / "ARCHITECTURE.md").read_text())
    assert picture_of is not None
    assert picture_of[1].split(" · ") == names


def live_registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    LiveMetrics(registry)
    return registry


def test_every_metric_is_documented_and_no_other() -> None:
    families = [
        family
        for registry in (
            GatewayMetrics(CollectorRegistry()).registry,
            live_registry(),
            WorkerMetrics(CollectorRegistry()).registry,
            RankerMetrics(CollectorRegistry()).registry,
            SearchMetrics(CollectorRegistry(), lambda: None).registry,
            TracingMetrics(CollectorRegistry()).registry,
        )
        for family in registry.collect()
        if family.name.startswith("headrace_")
    ]
    exported = {family.name + SUFFIX.get(family.type, "") for family in families}
    assert set(re.findall(r"`(headrace_\w+)", WATCHING)) == exported


def sections() -> dict[str, set[str]]:
    """Of each section of docs/events.md the fields in its table."""
    heads = [*re.finditer(r"^## (.+)$", EVENTS, re.MULTILINE), re.search(r"\Z", EVENTS)]
    found = {}
    for head, following in pairwise(heads):
        assert head is not None
        assert following is not None
        rows = re.findall(r"^\| (`[^|]+`) \|", EVENTS[head.end() : following.start()], re.MULTILINE)
        found[head[1]] = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    return found


@pytest.mark.parametrize(
    "kind", [Click, Review, Impression, Item, User, Control], ids=lambda kind: kind.__name__
)
def test_every_field_of_an_event_is_documented_and_no_other(kind: type[AnyEvent]) -> None:
    common = {field.name for field in msgspec.structs.fields(Event)}
    own = {field.name for field in msgspec.structs.fields(kind)} - common
    assert sections()[kind.__name__] == own
    assert sections()["What every event has"] == common | {"type"}


def result(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "benchmarks/results" / name).read_text())
    return found


def test_the_picture_is_drawn_from_the_results() -> None:
    assert picture.PICTURE.read_text() == picture.draw(result("freshness.json"))


@pytest.mark.parametrize("data", ["ml-100k", "musical-instruments"])
@pytest.mark.parametrize(("end", "how"), [("-renewed", "trained on the way"), ("", "frozen")])
def test_ranking_figures_are_those_of_the_results(data: str, end: str, how: str) -> None:
    found = result(f"replay-{data}{end}.json")
    values = [
        found["ranking"]["headrace"]["hr@10"]["value"],
        found["ranking"]["headrace"]["ndcg@10"]["value"],
        found["candidate_recall"][str(found["protocol"]["pool"])]["value"],
    ]
    cells = " | ".join(f"{value:.3f}".removeprefix("0") for value in values)
    assert f"| headrace, int8, {how} | {cells} |" in BENCHMARKS


def test_freshness_figures_are_those_of_the_results() -> None:
    for step in result("freshness.json")["steps"]:
        latency = step["stages"]["accepted_to_seen"]
        row = f"| {step['rate']:,.0f}/s | {latency['p50']:.0f} / {latency['p99']:.0f} ms |"
        assert row in BENCHMARKS


def results_of(readme: str) -> list[list[str]]:
    """The numbers in each row of the table of results."""
    text = (ROOT / readme).read_text()
    rows = re.findall(r"^\| .+ \|$", text, re.MULTILINE)
    return [re.findall(r"[\d.,]*\d", row.replace("，", " ")) for row in rows if re.search(r"\*\*.*\d", row)]


def test_the_chinese_readme_has_the_same_results() -> None:
    assert len(results_of("README.md")) > 10
    assert results_of("README.zh.md") == results_of("README.md")


def test_readme_repeats_figures_of_the_benchmarks() -> None:
    """Every figure in README's table stands in docs/benchmarks.md, too."""
    table = re.search(r"## Results\n(.+?)\n\nEvery event", (ROOT / "README.md").read_text(), re.DOTALL)
    assert table is not None
    figures = re.findall(r"\.\d{3}|[\d]+ / [\d]+ ms|\d+%", table[1])
    assert figures
    for figure in figures:
        assert figure in BENCHMARKS, figure
