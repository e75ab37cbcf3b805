"""The virtual clock: real time, N times faster, or stepped by hand. The only reader of the machine's clock here."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Self


class VirtualClock:
    """Time of the simulated exchange, in integer microseconds since the Unix epoch (UTC).

    `speed` is virtual seconds per real second: 1 is real time, 60 a minute per second, 0 stands still until
    `advance_by`. While the market works off an event of the past, `at` shows that event's instant instead, so that
    what the engine stamps carries the time at which it was due.

    Args:
        start_us: first instant.
        speed: virtual seconds per real second, not negative.
        monotonic_ns: the machine's monotonic clock; tests hand in their own.
    """

    def __init__(
        self, start_us: int, speed: float = 1.0, *, monotonic_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        if start_us < 0:
            raise ValueError(f"start_us is {start_us}: give microseconds since 1970, not negative")
        self._monotonic_ns = monotonic_ns
        self._anchor_us = start_us
        self._anchor_ns = monotonic_ns()
        self._held_us: int | None = None
        self._speed = _checked_speed(speed)

    @classmethod
    def from_now(cls, speed: float = 1.0) -> Self:
        """A clock that starts at the machine's present time; at speed 1 it agrees with a client's own clock."""
        return cls(time.time_ns() // 1000, speed)

    @property
    def speed(self) -> float:
        """Virtual seconds per real second; 0 means stepped by hand."""
        return self._speed

    def now_us(self) -> int:
        """Present virtual time in microseconds; never runs backwards outside `at`."""
        return self._running_us() if self._held_us is None else self._held_us

    def advance_by(self, step_us: int) -> int:
        """Jump ahead by `step_us` microseconds, at any speed, and return the new time.

        Raises:
            ValueError: the step is negative.
        """
        if step_us < 0:
            raise ValueError(f"the step is {step_us} us: a virtual clock moves only forward")
        self._anchor_us += step_us
        return self.now_us()

    def set_speed(self, speed: float) -> None:
        """Go on from the present instant at another speed."""
        speed = _checked_speed(speed)
        self._anchor_us, self._anchor_ns = self._running_us(), self._monotonic_ns()
        self._speed = speed

    @contextmanager
    def at(self, instant_us: int) -> Iterator[None]:
        """Show `instant_us` as the present time inside the `with` block."""
        outer, self._held_us = self._held_us, instant_us
        try:
            yield
        finally:
            self._held_us = outer

    def state(self) -> dict[str, float]:
        """What `restore` needs: the present instant and the speed."""
        return {"now_us": self._running_us(), "speed": self._speed}

    @classmethod
    def restore(cls, state: Mapping[str, float], *, monotonic_ns: Callable[[], int] = time.monotonic_ns) -> Self:
        """The clock of a saved state; the time while it was saved does not count."""
        return cls(int(state["now_us"]), float(state["speed"]), monotonic_ns=monotonic_ns)

    def _running_us(self) -> int:
        if self._speed == 0:
            return self._anchor_us
        return self._anchor_us + int((self._monotonic_ns() - self._anchor_ns) * self._speed) // 1000


def _checked_speed(speed: float) -> float:
    if not 0 <= speed < float("inf"):
        raise ValueError(f"the speed is {speed}: give virtual seconds per real second, 0 for a clock stepped by hand")
    return float(speed)
