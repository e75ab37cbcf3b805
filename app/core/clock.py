"""Time comes in through the door: the bot never reads the wall clock by itself.

Every clock counts milliseconds since the Unix epoch, UTC. A wait ends at once when the stop event is set.
"""

import time
from abc import ABC, abstractmethod

from app.core.stop import Stop


class Clock(ABC):
    """The time by which candles close: the exchange's, or a replay's."""

    @abstractmethod
    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""

    @abstractmethod
    def wait_until(self, at_ms: int, stop: Stop) -> None:
        """Return when `now_ms() >= at_ms`, or as soon as `stop` is set."""

    def monotonic_ms(self) -> int:
        """Milliseconds from an unknown start that neither jump nor go back; for how long, never for when."""
        return self.now_ms()

    @property
    def jumps(self) -> bool:
        """Whether a wait ends at once: time then stands still while a cycle is repeated."""
        return False

    def ended(self) -> bool:
        """Whether time is over (a replay at its end); a real clock never ends."""
        return False


class SystemClock(Clock):
    """This machine's clock, plus the measured offset to the exchange's clock."""

    def __init__(self, offset_ms: int = 0) -> None:
        self.offset_ms = offset_ms

    def now_ms(self) -> int:
        """The machine's time corrected by the offset."""
        return time.time_ns() // 1_000_000 + self.offset_ms

    def monotonic_ms(self) -> int:
        """Stands still while the machine sleeps (Linux)."""
        return time.monotonic_ns() // 1_000_000

    def wait_until(self, at_ms: int, stop: Stop) -> None:
        """Sleep in slices of at most a second, so that a suspended laptop or a stepped clock is noticed."""
        while not stop.is_set():
            left_ms = at_ms - self.now_ms()
            if left_ms <= 0:
                return
            stop.wait(min(left_ms / 1_000, 1.0))


class ManualClock(Clock):
    """A clock that a test or a replay moves; waiting jumps to the end of the wait."""

    def __init__(self, now_ms: int = 0, *, end_ms: int | None = None) -> None:
        self._now_ms = now_ms
        self._end_ms = end_ms

    @property
    def jumps(self) -> bool:
        """Yes."""
        return True

    def now_ms(self) -> int:
        """The time it was last moved to."""
        return self._now_ms

    def wait_until(self, at_ms: int, stop: Stop) -> None:
        """Jump to `at_ms`, never backwards and never beyond the end."""
        if stop.is_set():
            return
        target = at_ms if self._end_ms is None else min(at_ms, self._end_ms)
        self._now_ms = max(self._now_ms, target)

    def ended(self) -> bool:
        """Whether the end was reached."""
        return self._end_ms is not None and self._now_ms >= self._end_ms


class ScaledClock(Clock):
    """A clock that starts at a given instant and runs `speed` times as fast as real time, up to an end."""

    def __init__(self, start_ms: int, speed: float, *, end_ms: int | None = None) -> None:
        self._start_ms = start_ms
        self._speed = speed
        self._end_ms = end_ms
        self._origin_s = time.monotonic()

    def now_ms(self) -> int:
        """The start plus the scaled time since then."""
        now = self._start_ms + int((time.monotonic() - self._origin_s) * 1_000 * self._speed)
        return now if self._end_ms is None else min(now, self._end_ms)

    def wait_until(self, at_ms: int, stop: Stop) -> None:
        """Sleep the scaled-down time."""
        while not stop.is_set() and not self.ended():
            left_ms = at_ms - self.now_ms()
            if left_ms <= 0:
                return
            stop.wait(max(left_ms / 1_000 / self._speed, 0.001))

    def ended(self) -> bool:
        """Whether the end was reached."""
        return self._end_ms is not None and self.now_ms() >= self._end_ms
