"""Experiments: which users get which of several ways to make slates. docs/experiments.md has all of it.

  headrace experiments list
  headrace experiments declare [FILE.toml]          as [experiments.NAME] of the settings file, or that one's
  headrace experiments start NAME
  headrace experiments show NAME [--page FILE.html]
  headrace experiments stop NAME [--arm ARM] [--because TEXT]
  headrace experiments ship NAME --arm ARM
  headrace experiments remove NAME                  one that was stopped; its log is kept
  headrace experiments whatif --arm FILE.toml       what an arm that never ran would have been worth
  headrace experiments audit

The commands read and write the store of a running deployment. Workers follow within a second. What the
settings file declares need not be declared again. Each change has an entry in a log, which `audit` verifies.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from model.errors import ExperimentError
from streams.commands import experiments_whatif
from streams.commands.options import add_settings, settings_from
from streams.commands.outputs import check_files, check_plots
from streams.settings.tree import Settings

if TYPE_CHECKING:
    from streams.experiments.registry.state import Registry
    from streams.serving.experiment_readings import Course, VotesCourse
    from streams.serving.experiment_registry import Step
    from streams.stores.base import Store

BROKEN = 1

Asked = Callable[[Settings, "Store", argparse.Namespace], Awaitable[int]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(
        dest="action", metavar="list|declare|start|show|stop|ship|remove|audit|whatif", required=True
    )
    listing = actions.add_parser("list", help="all experiments and their states")
    declaring = actions.add_parser("declare", help="declare the experiments of a TOML file, or change them")
    declaring.add_argument(
        "file",
        type=Path,
        nargs="?",
        help="with [experiments.NAME] alone; without it, those of the settings file",
    )
    starting = actions.add_parser("start", help="draw users to it from now on")
    showing = actions.add_parser("show", help="what it is, and what it has come to")
    showing.add_argument("--page", type=Path, help="write its intervals over time into this HTML file")
    stopping = actions.add_parser("stop", help="everybody gets the default again; or stop one arm")
    stopping.add_argument("--arm", default="", help="only this arm: its users get what control makes")
    shipping = actions.add_parser("ship", help="everybody gets what an arm makes")
    shipping.add_argument("--arm", required=True, help="the arm that has won")
    removing = actions.add_parser("remove", help="drop one that was stopped, and its sums; its log is kept")
    auditing = actions.add_parser("audit", help="verify the log of all changes, and print it")
    asking = actions.add_parser(
        "whatif",
        help="what an arm that never ran would have been worth",
        description=experiments_whatif.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    experiments_whatif.add_arguments(asking)
    for each in (starting, showing, stopping, shipping, removing):
        each.add_argument("name", help="of the experiment")
    for each in (declaring, starting, stopping, shipping, removing):
        each.add_argument("--by", default="", help="who asks for it, for the log (the user of this machine)")
    for each in (stopping, shipping, removing):
        each.add_argument("--because", default="", metavar="TEXT", help="why, for the log")
    for each in (listing, declaring, starting, showing, stopping, shipping, removing, auditing):
        each.add_argument("--json", action="store_true", help="JSON in place of a table")
        add_settings(each)


def run(args: argparse.Namespace) -> int:
    if args.action == "whatif":
        return experiments_whatif.run(args)
    if args.action == "show":
        check_files({"--page": args.page}, [args.settings])
        check_plots({"--page": args.page})
    settings = settings_from(args)
    return asyncio.run(_run(settings, args))


async def _run(settings: Settings, args: argparse.Namespace) -> int:
    from streams.stores.redis.store import RedisStore

    store = RedisStore(settings.redis, settings.state, settings.learning)
    try:
        return await _ASKED[args.action](settings, store, args)
    finally:
        await store.close()


async def _list(settings: Settings, store: Store, args: argparse.Namespace) -> int:
    from streams.commands.experiments_output import listed
    from streams.serving.experiment_registry import read_registry

    listed(await read_registry(store, settings.experiments), _now_ms(), args.json)
    return 0


async def _show(settings: Settings, store: Store, args: argparse.Namespace) -> int:
    from streams.commands.experiments_output import shown
    from streams.experiments.registry.state import find
    from streams.serving.experiment_readings import course
    from streams.serving.experiment_registry import read_registry

    experiment = find(await read_registry(store, settings.experiments), args.name)
    seen, now_ms = None, _now_ms()
    if experiment.phases:
        seen = await course(store, args.name, experiment, settings.known_metrics, now_ms)
    if args.page is not None:
        _write_page(args, experiment.declared.hypothesis, seen)
    shown(args.name, experiment, now_ms, seen, args.json)
    return 0


def _write_page(args: argparse.Namespace, hypothesis: str, seen: Course | VotesCourse | None) -> None:
    from streams.offline.reports.experiment import write_experiment
    from streams.offline.reports.votes import write_votes
    from streams.serving.experiment_readings import VotesCourse

    if seen is None:
        raise ExperimentError(
            "not_started",
            f"experiment {args.name!r} has not started; a page needs what was measured: start it",
        )
    if isinstance(seen, VotesCourse):
        write_votes(args.page, args.name, seen.declared, seen.points)
    else:
        write_experiment(args.page, args.name, hypothesis, seen.plan, seen.points)


async def _declare(settings: Settings, store: Store, args: argparse.Namespace) -> int:
    from streams.experiments.declared.refusal import DeclarationError
    from streams.experiments.registry.changes import declared
    from streams.serving.declaring import check_declaration
    from streams.serving.experiment_registry import read_registry
    from streams.settings.experiments import located, read_experiments
    from streams.settings.reading import toml_file

    text, now_ms, experiments = "", _now_ms(), settings.experiments
    if args.file is not None:
        tree, text = toml_file(args.file, f"file {args.file}")
        if set(tree) != {"experiments"}:
            said = ", ".join(tree) or "nothing"
            raise DeclarationError((args.file.name,), "[experiments.NAME] alone", said, "take the rest out")
        experiments = read_experiments(tree["experiments"], text)
    try:
        registry = await read_registry(store)
        known = {name: each.declared for name, each in registry.experiments.items()}
        new = {name: each for name, each in experiments.items() if known.get(name) != each}
        for name, experiment in new.items():  # all or none
            check_declaration(settings, name, experiment)
            registry = declared(registry, name, experiment, now_ms).registry
        for name, experiment in new.items():
            step = partial(declared, name=name, settings=experiment, now_ms=now_ms)
            await _changed(settings, store, args, step)
    except DeclarationError as error:
        raise located(error, text) from None
    if not new and not args.json:
        print("nothing is new")
    return 0


async def _start(settings: Settings, store: Store, args: argparse.Namespace) -> int:
    from streams.experiments.registry.changes import started
    from streams.experiments.registry.state import find
    from streams.serving.declaring import check_declaration
    from streams.serving.experiment_registry import read_registry

    known = find(await read_registry(store, settings.experiments), args.name)
    check_declaration(settings, args.name, known.declared)
    now_ms = _now_ms()
    await _changed(settings, store, args, lambda registry: started(registry, args.name, now_ms))
    return 0


async def _stop(settings: Settings, store: Store, args: argparse.Namespace) -> int:
    from streams.experiments.registry.changes import arm_stopped, stopped

    now_ms, name, why = _now_ms(), args.name, args.because
    if args.arm:
        step: Step = partial(arm_stopped, name=name, arm=args.arm, now_ms=now_ms, why=why)
    else:
        step = partial(stopped, name=name, now_ms=now_ms, why=why)
    await _changed(settings, store, args, step)
    return 0


async def _ship(settings: Settings, store: Store, args: argparse.Namespace) -> int:
    from streams.commands.experiments_output import to_paste
    from streams.experiments.registry.changes import shipped

    now_ms, why = _now_ms(), args.because
    after = await _changed(
        settings, store, args, lambda registry: shipped(registry, args.name, args.arm, now_ms, why)
    )
    if not args.json:
        to_paste(args.name, after.experiments[args.name])
    return 0


async def _remove(settings: Settings, store: Store, args: argparse.Namespace) -> int:
    from streams.commands.experiments_output import done
    from streams.serving.experiment_registry import remove

    experiments = settings.experiments
    after = await remove(store, experiments, _actor(args), _now_ms(), args.name, args.because)
    done(after.entry, args.json)
    return 0


async def _audit(_settings: Settings, store: Store, args: argparse.Namespace) -> int:
    from streams.commands.experiments_output import audited
    from streams.serving.experiment_registry import audit

    found = await audit(store)
    audited(found, args.json)
    return 0 if found.verdict.whole else BROKEN


async def _changed(settings: Settings, store: Store, args: argparse.Namespace, step: Step) -> Registry:
    """Take the step, and print it; the registry after it."""
    from streams.commands.experiments_output import done
    from streams.serving.experiment_registry import change

    after = await change(store, settings.experiments, _actor(args), _now_ms(), step)
    done(after.entry, args.json)
    return after.registry


def _actor(args: argparse.Namespace) -> str:
    if args.by:
        return str(args.by)[:128]
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may have no name for its user
        return "unknown"


def _now_ms() -> int:
    from streams.clock import SystemClock

    return SystemClock().now_ms()


_ASKED: dict[str, Asked] = {
    "list": _list,
    "declare": _declare,
    "start": _start,
    "show": _show,
    "stop": _stop,
    "ship": _ship,
    "remove": _remove,
    "audit": _audit,
}
