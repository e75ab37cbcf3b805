"""How far an account fell below its own peak, for how long, and whether it came back."""

from dataclasses import dataclass

import numpy as np

from app.analytics.arrays import F64, NAN

# Values that stay in the processor's nearest caches while they are looked at several times.
_BLOCK = 8_192


@dataclass(frozen=True, slots=True)
class Drawdown:
    """A fall from a peak. Positions count from 0, the account before the first candle.

    Attributes:
        depth: Loss at the trough as a fraction of the peak, from -1 to 0; NaN where equity is unknown.
        peak: Position of the peak, the last time it stood there.
        trough: Position of the lowest point.
        recovery: Position at which the peak was reached again; None while it was not.
        end: `recovery`, or the last position.
    """

    depth: float
    peak: int
    trough: int
    recovery: int | None
    end: int

    @property
    def candles(self) -> int:
        """How long it lasted, from the peak to the recovery or the end of the run."""
        return self.end - self.peak


@dataclass(frozen=True, slots=True)
class Falls:
    """The falls of an account that matter.

    Attributes:
        deepest: The maximum drawdown, the first one if several are equal.
        longest: Peak and end of the longest time below a peak, as positions; (0, 0) where the account never fell.
    """

    deepest: Drawdown
    longest: tuple[int, int]


def drawdowns(path: F64) -> F64:
    """out[i] = path[i] / max(path[:i+1]) - 1, from -1 to 0. path: (n+1,) not negative, first value positive.

    Magdon-Ismail and Atiya, Maximum Drawdown, Risk 17 (10), 2004.
    """
    out: F64 = np.maximum.accumulate(path)
    np.divide(path, out, out=out)
    out -= 1.0
    return out


def falls(path: F64, *, block: int = _BLOCK) -> Falls:
    """The deepest and the longest of `drawdowns`, without an array of them.

    path: (n+1,) not negative, first value positive. A block of values below the peak needs no running maximum, only its
    lowest value; on a usual path these are most.
    """
    last = path.size - 1
    if np.isnan(path.max()):
        return Falls(Drawdown(NAN, 0, 0, None, last), (0, 0))
    walk = _Walk(peak_value=float(path[0]))
    for first in range(0, path.size, block):
        walk.take(first, path[first : first + block])
    if last - walk.peak > walk.longest[1] - walk.longest[0]:
        walk.longest = (walk.peak, last)
    recovery = walk.recovery if walk.depth < 0 else 0
    end = last if recovery is None else recovery
    return Falls(Drawdown(walk.depth, walk.deepest_peak, walk.trough, recovery, end), walk.longest)


@dataclass(slots=True)
class _Walk:
    """What is known of a path after some of its blocks; `peak` is the last position at the highest value so far."""

    peak_value: float
    peak: int = 0
    depth: float = 0.0
    deepest_peak: int = 0
    trough: int = 0
    recovery: int | None = None
    longest: tuple[int, int] = (0, 0)

    def take(self, first: int, values: F64) -> None:
        """Go on with the values from position `first`."""
        if values.max() < self.peak_value:
            depth = float(values.min()) / self.peak_value - 1.0
            if depth < self.depth:
                self._deepen(depth, self.peak, first + int(np.argmin(values)))
            return
        highest = np.maximum.accumulate(values)
        np.maximum(highest, self.peak_value, out=highest)
        tops = np.flatnonzero(values == highest)
        below = values / highest
        lowest = int(np.argmin(below))
        depth = float(below[lowest]) - 1.0
        if self.depth < 0 and self.recovery is None:
            self.recovery = first + int(tops[0])
        if depth < self.depth:
            before = int(np.searchsorted(tops, lowest))
            self._deepen(depth, first + int(tops[before - 1]) if before else self.peak, first + lowest)
            self.recovery = first + int(tops[before]) if before < tops.size else None
        self._lengthen(np.concatenate([[self.peak], first + tops]))
        self.peak, self.peak_value = first + int(tops[-1]), float(highest[-1])

    def _deepen(self, depth: float, peak: int, trough: int) -> None:
        self.depth, self.deepest_peak, self.trough, self.recovery = depth, peak, trough, None

    def _lengthen(self, tops: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
        """Between neighbours there is no fall."""
        lengths = np.diff(tops)
        at = int(np.argmax(lengths))
        if lengths[at] > max(1, self.longest[1] - self.longest[0]):
            self.longest = (int(tops[at]), int(tops[at + 1]))
