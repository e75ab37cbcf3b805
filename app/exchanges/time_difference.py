"""How far the exchange's clock is from this machine's, measured again and again."""

from collections.abc import Callable
from typing import Final

from app.core.clock import Clock

AGE_MS: Final = 600_000
FRESH_MS: Final = 120_000  # for how long after the last answer a time may be computed instead of asked
SAMPLES: Final = 3
APART_MS: Final = 1_000  # two answers that differ more, without a step of our clock: the other one runs as it likes
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
    """The difference of the two clocks, at most ten minutes old, and what the exchange's clock shows by it.

    Of several samples the one with the shortest round trip counts; half of its trip is taken for the way back, so that
    the error is at most half of the shortest trip. An exchange whose clock does not run as ours (a simulated one at
    another speed) is found out by its answers, and is asked each time.

    Args:
        ask_ms: Asks the exchange for its time, ms UTC.
        clock: This machine's.
    """

    def __init__(self, ask_ms: Callable[[], int], clock: Clock) -> None:
        self._ask_ms = ask_ms
        self._clock = clock
        self._measured_at_ms: int | None = None
        self._answered_at_ms: int | None = None
        self._difference_ms = 0
        self._runs_apart = False

    def ms(self) -> int:
        """This machine's clock minus the exchange's; measured if the last time is long ago."""
        if self._is_older(self._measured_at_ms, AGE_MS):
            self._measure()
        return self._difference_ms

    def asked_ms(self) -> int:
        """The exchange's time, ms UTC, as it says; the difference is compared with it."""
        trip_ms, difference_ms, exchange_ms = self._sample()
        if self._measured_at_ms is not None and abs(difference_ms - self._difference_ms) > APART_MS + trip_ms:
            self._runs_apart, self._difference_ms = True, difference_ms
        return exchange_ms

    def computed_ms(self) -> int | None:
        """The exchange's time, ms UTC, by the difference; None when it must be asked."""
        is_unknown = self._measured_at_ms is None or self._is_older(self._answered_at_ms, FRESH_MS)
        return None if is_unknown or self._runs_apart else self._clock.now_ms() - self._difference_ms

    def renew(self) -> None:
        """Ask, where that would have to be done soon."""
        if self._is_older(self._measured_at_ms, AGE_MS // 2):
            self._measure()
        elif self._is_older(self._answered_at_ms, FRESH_MS // 2):
            self.asked_ms()

    def forget(self) -> None:
        """Measure before the next use: the exchange refused our time, or our clock was set."""
        self._measured_at_ms = None

    def _measure(self) -> None:
        self._difference_ms = min(self._sample() for _ in range(SAMPLES))[1]
        self._measured_at_ms = self._clock.monotonic_ms()

    def _is_older(self, at_ms: int | None, age_ms: int) -> bool:
        return at_ms is None or self._clock.monotonic_ms() - at_ms >= age_ms

    def _sample(self) -> tuple[int, int, int]:
        """Round trip, difference and the exchange's time, ms."""
        asked_ms, began_ms = self._clock.now_ms(), self._clock.monotonic_ms()
        exchange_ms = self._ask_ms()
        trip_ms = self._clock.monotonic_ms() - began_ms
        self._answered_at_ms = began_ms + trip_ms
        return trip_ms, asked_ms + trip_ms // 2 - exchange_ms, exchange_ms
