"""The steps before the system is live: bars on a terminal, one line a step elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class Steps:
    """Shows one step at a time, and how long each took.

    `say(stage, done, total)` is for the reports of a training; `step(text)` for steps of unknown length.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[detail]}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
            refresh_per_second=8,
        )
        self._name = ""
        self._task: TaskID | None = None
        self._started_s = 0.0

    def step(self, text: str) -> None:
        """End the last step, and begin this one."""
        self._begin(text, None)

    def say(self, stage: str, done: int, total: int) -> None:
        """Show how far a stage is."""
        if stage != self._name:
            self._begin(stage, total)
        if self._task is not None:
            self._bars.update(
                self._task, completed=done, total=total, detail=f"{done:,} of {total:,}" if total > 1 else ""
            )

    def done(self) -> None:
        """End the last step."""
        if not self._name:
            return
        if self._task is not None:
            total = self._bars.tasks[self._task].total or 1
            self._bars.update(self._task, total=total, completed=total)
            self._bars.stop_task(self._task)
        if not self._console.is_terminal:
            taken_s = time.monotonic() - self._started_s
            self._console.print(f"{self._name} · {taken_s:.1f} s", highlight=False, soft_wrap=True)
        self._name, self._task = "", None

    def _begin(self, name: str, total: int | None) -> None:
        self.done()
        self._name, self._started_s = name, time.monotonic()
        if self._console.is_terminal:
            self._task = self._bars.add_task(name, total=total, detail="")

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.done()
        self._bars.stop()
