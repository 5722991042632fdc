"""The live part: play, look, show; until the time is up, or Ctrl-C, or the end of a process."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.live import Live

from streams.clock import Clock, SystemClock
from streams.demo import experiment
from streams.demo.display import Status, page
from streams.demo.gateway_client import GatewayClient, RefusedError
from streams.demo.player import LANES, Player
from streams.demo.popularity import PopularityBaseline
from streams.demo.prepare import Prepared
from streams.demo.tally import MODEL, POPULAR, Tally
from streams.demo.watch import Watch
from streams.experiments.readings.reading import Reading
from streams.local.processes import ChildProcess
from streams.local.scrape import Samples
from streams.local.services import Services, check_running
from streams.local.stopping import stop_event

REFRESH_S = 0.25
LOOK_EVERY_S = 1.0
SAY_EVERY_S = 10.0  # without a terminal
APPLIED_WITHIN_S = 20.0


class LiveDemo:
    """One run; `tally`, `applied`, `dead_letters` and `reading` (of the experiment) hold its result.

    `others`: how many events the gateway accepted that the demo did not play, such as those of the demo
    application.
    """

    def __init__(
        self,
        ready: Prepared,
        services: Services,
        processes: Sequence[ChildProcess],
        rate: float,
        console: Console,
        clock: Clock = SystemClock(),
    ) -> None:
        self.ready, self.services, self.processes, self.rate = ready, services, processes, rate
        self.console = console
        self.clock = clock
        self.titles: Mapping[str, str] = {
            item_id: item.title or item_id for item_id, item in ready.dataset.items.items()
        }
        self.tally = Tally()
        self.watch = Watch()
        self.applied = self.dead_letters = self.others = 0
        self.reading: Reading | None = None
        self.elapsed_s = 0.0
        self._note = ""

    @property
    def experiment(self) -> str:
        """What the experiment says, in a line; "" before it was asked."""
        return "" if self.reading is None else experiment.line(self.reading)

    async def run(self, seconds: float | None) -> None:
        """Play and show. Raises `LocalStackError` if a process ends by itself."""
        asked = stop_event()
        stream, until = self.ready.dataset.interactions, self.ready.until
        baseline = PopularityBaseline(stream, until, self.ready.settings.seed)
        profiles = self.ready.dataset.users
        async with GatewayClient(self.services.gateway_url, LANES + 4) as client:
            self.tally = Tally()
            player = Player(
                client,
                stream,
                until,
                self.rate,
                baseline,
                self.tally,
                self.watch,
                experiment.drawn_by(self.ready.run.recommender.arms.assignment.arms, profiles),
                {user: profile for user, profile in profiles.items() if user not in self.ready.run.states},
                self.clock,
                f"demo-{self.clock.now_ms()}",
            )
            playing = asyncio.create_task(player.play())
            try:
                await self._show_until(asked, seconds, player, playing, client)
            finally:
                playing.cancel()
                await asyncio.wait([playing])
            if not playing.cancelled() and (error := playing.exception()) is not None:
                check_running(self.processes)  # the end of a process explains the error better
                raise error
            self.elapsed_s = time.monotonic() - self.tally.started_s
            await self._settle(client)

    async def _show_until(
        self,
        asked: asyncio.Event,
        seconds: float | None,
        player: Player,
        playing: asyncio.Task[None],
        client: GatewayClient,
    ) -> None:
        with Live(
            console=self.console, screen=self.console.is_terminal, auto_refresh=False, transient=True
        ) as screen:
            looked_s, printed_s = 0.0, time.monotonic()
            while not asked.is_set():
                now_s = time.monotonic()
                self.elapsed_s = now_s - self.tally.started_s
                if seconds is not None and self.elapsed_s >= seconds:
                    return
                if playing.done() and (playing.exception() is not None or seconds is not None):
                    return
                if now_s - looked_s >= LOOK_EVERY_S:
                    looked_s = now_s
                    check_running(self.processes)
                    await self._look(client)
                if self.console.is_terminal:
                    self._note = self._say_note(seconds, playing)
                    screen.update(
                        page(self.tally, self.watch, self.titles, self._status(player)), refresh=True
                    )
                elif now_s - printed_s >= SAY_EVERY_S:
                    printed_s = now_s
                    for line in self._lines():
                        self.console.print(line, highlight=False, soft_wrap=True)
                try:
                    await asyncio.wait_for(asked.wait(), REFRESH_S)
                except TimeoutError:
                    continue

    async def _look(self, client: GatewayClient) -> None:
        """Read the workers' own counts, and the experiment."""
        with contextlib.suppress(RefusedError):  # a slow gateway is asked again
            self.reading = (await client.reading(experiment.NAME)).reading
        try:
            pages = [await client.page(f"{url}/metrics") for url in self.services.worker_urls]
            gateway = Samples.of([await client.page(f"{self.services.gateway_url}/metrics")])
        except RefusedError:
            return  # `check_running` reports a worker that has ended; a slow one gets another request
        samples = Samples.of(pages)
        accepted = sum(
            gateway.total("headrace_gateway_events_total", type=kind, result="accepted")
            for kind in ("click", "review")
        )
        self.others = max(0, int(accepted) - self.tally.accepted)
        self.applied = int(
            sum(
                samples.total("headrace_worker_events_total", topic=topic, result="applied")
                for topic in ("clicks", "reviews")
            )
        )
        self.dead_letters = int(samples.total("headrace_worker_dead_letters_total"))

    async def _settle(self, client: GatewayClient) -> None:
        """Wait until the workers have applied all accepted events; the summary names the others."""
        end_s = time.monotonic() + APPLIED_WITHIN_S
        while True:
            check_running(self.processes)
            await self._look(client)
            if self.applied >= self.tally.accepted + self.others or time.monotonic() > end_s:
                return
            await asyncio.sleep(0.2)

    def _status(self, player: Player) -> Status:
        return Status(
            gateway=self.services.gateway_url,
            model=self.ready.model,
            elapsed_s=self.elapsed_s,
            left=player.left,
            applied=self.applied,
            dead_letters=self.dead_letters,
            experiment=self.experiment,
            note=self._note,
        )

    def _say_note(self, seconds: float | None, playing: asyncio.Task[None]) -> str:
        user = self.watch.user or "655"
        ask = f"{self.services.gateway_url}/demo?user={user}"
        if playing.done():
            return f"the stream is over; still serving: {ask} · Ctrl-C stops"
        return f"look: {ask} · {'Ctrl-C stops' if seconds is None else f'stops after {seconds:g} s'}"

    def _lines(self) -> Iterator[str]:
        middle, high = self.tally.freshness.quantiles()["accepted to pushed"]
        freshness = "" if math.isnan(middle) else f"  accepted to pushed p50 {middle:.1f} p99 {high:.1f} ms"
        yield (
            f"{self.elapsed_s:4.0f} s  {self.tally.accepted:,} accepted, {self.applied:,} applied"
            f"  {self.tally.rate():.1f}/s{freshness}  HR@10 of arm {MODEL} {self.tally.hit_rate(MODEL):.3f},"
            f" of arm {POPULAR} {self.tally.hit_rate(POPULAR):.3f}"
        )
        if self.experiment:
            yield f"        {self.experiment}"
