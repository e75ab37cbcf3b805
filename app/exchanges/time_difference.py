"""How far the exchange's clock is from this machine's, measured again and again."""

from collections.abc import Callable
from typing import Final

from app.core.clock import Clock

AGE_MS: Final = 600_000
SAMPLES: Final = 3
STEP_MS: Final = 1_000  # a wall clock that moved this much against the monotonic one was set, or the machine slept


class StepWatch:
    """Notices that this machine slept, or that its clock was set: wall time and monotonic time part.

    Args:
        clock: This machine's.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._apart_ms = self._apart()

    def stepped(self) -> bool:
        """Whether it happened since the last call."""
        before, self._apart_ms = self._apart_ms, self._apart()
        return abs(self._apart_ms - before) >= STEP_MS

    def _apart(self) -> int:
        return self._clock.now_ms() - self._clock.monotonic_ms()


class TimeDifference:
    """The difference of the two clocks, at most ten minutes old.

    Of several samples the one with the shortest round trip counts; half of its trip is taken for the way back, so that
    the error is at most half of the shortest trip.

    Args:
        ask_ms: Asks the exchange for its time, ms UTC.
        clock: This machine's.
    """

    def __init__(self, ask_ms: Callable[[], int], clock: Clock) -> None:
        self._ask_ms = ask_ms
        self._clock = clock
        self._measured_at_ms: int | None = None
        self._difference_ms = 0

    def ms(self) -> int:
        """This machine's clock minus the exchange's; measured if the last time is long ago."""
        now_ms = self._clock.monotonic_ms()
        if self._measured_at_ms is None or now_ms - self._measured_at_ms >= AGE_MS:
            self._difference_ms = min(self._sample() for _ in range(SAMPLES))[1]
            self._measured_at_ms = now_ms
        return self._difference_ms

    def forget(self) -> None:
        """Measure before the next use: the exchange refused our time, or our clock was set."""
        self._measured_at_ms = None

    def _sample(self) -> tuple[int, int]:
        """Round trip and difference, ms."""
        asked_ms, began_ms = self._clock.now_ms(), self._clock.monotonic_ms()
        exchange_ms = self._ask_ms()
        trip_ms = self._clock.monotonic_ms() - began_ms
        return trip_ms, asked_ms + trip_ms // 2 - exchange_ms
