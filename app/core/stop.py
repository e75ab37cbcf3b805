"""The wish to stop, which a signal handler may express at any moment."""

import time
from typing import Final, Protocol

SLICE_S: Final = 0.1


class Stop(Protocol):
    """What a wait looks at; `threading.Event` is one, too."""

    def is_set(self) -> bool:
        """Whether to stop."""

    def wait(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds, less when the wish comes; whether it came."""


class StopFlag:
    """Set without a lock: a handler that interrupts a wait on a `threading.Event` may deadlock when it sets it."""

    def __init__(self) -> None:
        self._set = False

    def set(self) -> None:
        """Ask to stop; safe from any thread and from signal handlers."""
        self._set = True

    def is_set(self) -> bool:
        """Whether to stop."""
        return self._set

    def wait(self, timeout: float) -> bool:
        """Sleep in short slices until the wish or the timeout comes."""
        end_s = time.monotonic() + timeout
        while not self._set and (left_s := end_s - time.monotonic()) > 0:
            time.sleep(min(left_s, SLICE_S))  # noqa: TID251  this is where waiting goes through
        return self._set
