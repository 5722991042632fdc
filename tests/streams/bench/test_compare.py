from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.bench.cases import Case, medians
from streams.bench.compare import Change, changes, differs, left_out, sentence
from streams.bench.machine import this_machine


def case(name: str, **cpu_us: float) -> Case:
    return Case(name=name, figures={"p50 ms": cpu_us.get("worker", 0.0) / 100}, cpu_us=cpu_us)


def named(found: list[Change]) -> list[tuple[str, str]]:
    return [(change.case, change.part) for change in found if change.regressed]


def test_each_part_that_got_dearer_by_more_than_a_fifth_is_named() -> None:
    before = [case("100/s", worker=1_000, gateway=300, generator=100), case("300/s", worker=800, gateway=300)]
    now = [case("100/s", worker=1_190, gateway=370, generator=900), case("300/s", worker=960, gateway=300)]
    assert named(changes(before, now)) == [("100/s", "gateway")]  # the generator is not of the system


def test_many_small_parts_are_judged_by_their_sum_too() -> None:
    before = [case("a", one=20, two=20, three=20)]
    now = [case("a", one=24.9, two=24.9, three=24.9)]
    assert named(changes(before, now)) == [("a", "all")]


def test_a_share_of_nearly_nothing_is_noise() -> None:
    assert not named(changes([case("a", worker=1.0)], [case("a", worker=4.0)]))


@given(st.floats(10, 1e6), st.floats(0.1, 10))
def test_the_limit_is_a_share(before_us: float, times: float) -> None:
    change = Change("a", "worker", before_us, before_us * times)
    assert change.regressed == (change.now_us - before_us > 5.0 and change.now_us / before_us - 1 > 0.2)
    assert not Change("a", "worker", before_us, before_us).regressed


def test_what_only_one_of_the_two_has_is_named() -> None:
    before = [case("100/s", worker=1.0), case("300/s", worker=1.0)]
    now = [case("100/s", worker=1.0, gateway=1.0), case("1000/s", worker=1.0)]
    words = list(left_out(before, now))
    assert words == [
        "1000/s was not measured before",
        "300/s was measured before, and not now",
        "100/s: only one of the two has the part gateway",
    ]


def test_a_change_reads_as_a_sentence() -> None:
    assert sentence(Change("300/s", "worker", 2_000.0, 1_000.0)) == (
        "300/s: worker 2,000 us before, 1,000 us now (-50%)"
    )


def test_machines_that_differ_are_named() -> None:
    here = this_machine()
    assert not list(differs(here, here))
    from msgspec.structs import replace

    other = replace(here, cores=here.cores + 6, versions={**here.versions, "redis": "0.1"})
    words = list(differs(other, here))
    assert len(words) == 2
    assert words[0].startswith("other machines: ")
    assert words[1].startswith("redis 0.1 before, ")


def test_medians_over_runs() -> None:
    runs = [[case("a", worker=value), case("b", worker=1)] for value in (1.0, 9.0, 2.0)]
    runs[1] = runs[1][:1]
    first, second = medians(runs)
    assert (first.name, first.cpu_us, first.figures) == ("a", {"worker": 2.0}, {"p50 ms": 0.02})
    assert second.cpu_us == {"worker": 1.0}
    assert medians([]) == []
