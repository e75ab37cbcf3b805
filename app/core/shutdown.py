"""Ctrl+C and SIGTERM ask the bot to finish its cycle; Ctrl+C once more, a second later, ends it at once."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

PATIENCE_S: Final = 1.0  # a supervisor and a process group easily send the same signal twice


@contextmanager
def stop_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` on SIGINT or SIGTERM; the handlers that were there before return afterwards.

    The handler only sets a flag: it may interrupt any line, so it neither logs nor takes a lock. Does nothing outside
    of the main thread, where Python handles no signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    first_s: float | None = None

    def handle(number: int, _frame: FrameType | None) -> None:
        nonlocal first_s
        stop()
        if first_s is None:
            first_s = time.monotonic()
        elif number == signal.SIGINT and time.monotonic() - first_s > PATIENCE_S:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
