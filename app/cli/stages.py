"""A bar that says what a long command is at; a command that takes less than a second shows none."""

import math
import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from rich.console import Console

PATIENCE_S: Final = 1.0
LARGEST_PART: Final = 0.999  # a stage ends when the next one begins


class Stages:
    """Shown on a terminal's stderr from the second second on.

    Args:
        count: How many stages there will be.
        console: A rich console to show it on instead.
        patience_s: How long nothing is shown, seconds.
    """

    def __init__(self, count: int, *, console: "Console | None" = None, patience_s: float = PATIENCE_S) -> None:
        self._count = count
        self._console = console
        self._done = -1.0
        self._name = ""
        self._lock = threading.Lock()
        self._bar: object | None = None
        self._timer = threading.Timer(patience_s, self._show)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        if self._console is not None or sys.stderr.isatty():
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            if self._bar is not None:
                self._bar.stop()  # type: ignore[attr-defined]
            self._bar = self

    def begin(self, name: str) -> None:
        """The stage before is done; this one begins."""
        with self._lock:
            self._done = math.floor(self._done) + 1.0
            self._name = name
            self._update()

    def part(self, done: float, name: str) -> None:
        """So much of the stage is done, from 0 to 1, and this is being done now."""
        with self._lock:
            self._done = math.floor(self._done) + min(max(done, 0.0), LARGEST_PART)
            self._name = name
            self._update()

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        with self._lock:
            if self._bar is None:
                columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
                bar = Progress(*columns, console=self._console or Console(stderr=True), transient=True)
                self._task = bar.add_task(self._name, total=self._count)
                bar.start()
                self._bar = bar
                self._update()

    def _update(self) -> None:
        if self._bar is not None and self._bar is not self:
            self._bar.update(self._task, description=self._name, completed=self._done, refresh=True)  # type: ignore[attr-defined]
