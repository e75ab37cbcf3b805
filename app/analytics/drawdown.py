"""How far an account fell below its own peak, for how long, and whether it came back."""

from dataclasses import dataclass

import numpy as np

from app.analytics.arrays import F64, NAN


@dataclass(frozen=True, slots=True)
class Drawdown:
    """A fall from a peak. Positions count from 0, the account before the first candle.

    Attributes:
        depth: Loss at the trough as a fraction of the peak, from -1 to 0; NaN where equity is unknown.
        peak: Position of the peak.
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


def drawdowns(path: F64) -> F64:
    """out[i] = path[i] / max(path[:i+1]) - 1, from -1 to 0. path: (n+1,) not negative, first value positive.

    Magdon-Ismail and Atiya, Maximum Drawdown, Risk 17 (10), 2004.
    """
    out: F64 = np.maximum.accumulate(path)
    np.divide(path, out, out=out)
    out -= 1.0
    return out


def deepest(path: F64, below: F64) -> Drawdown:
    """The maximum drawdown, the first one if several are equal. below: `drawdowns(path)`."""
    if np.isnan(below[-1]):
        return Drawdown(NAN, 0, 0, None, path.size - 1)
    trough = int(np.argmin(below))
    peak = trough - int(np.argmax(below[trough::-1] == 0))
    back = np.flatnonzero(path[trough:] >= path[peak])
    recovery = trough + int(back[0]) if back.size else None
    return Drawdown(float(below[trough]), peak, trough, recovery, path.size - 1 if recovery is None else recovery)


def longest(below: F64) -> tuple[int, int]:
    """Peak and end of the longest time below a peak, as positions. below: `drawdowns(path)`.

    The end is the recovery, or the last position while there is none. (0, 0) where the account never fell.
    """
    last = below.size - 1
    peaks = np.append(np.flatnonzero(below == 0), last)
    lengths = np.diff(peaks)
    # Two neighbouring peaks have no fall between them; the last peak and the end may.
    lengths[:-1][lengths[:-1] == 1] = 0
    at = int(np.argmax(lengths))
    return (int(peaks[at]), int(peaks[at + 1])) if lengths[at] else (0, 0)
