"""Indicators that take one candle at a time, in constant time whatever the history; each has a vectorised twin.

They give what the twin gives: NaN until there are enough values, and NaN where the twin's window holds one. `Sma`,
`Highest`, `Lowest`, `Ema`, `Rma`, `Rsi` and `Atr` are equal to the last bit, when both begin at the same candle where
they remember; `Std` is equal to within 1e-7 of the spread of the last two windows.
"""

import math
from collections import deque
from typing import Final

from app.indicators.arrays import checked

NAN: Final = math.nan


class Sma:
    """Simple moving average; twin: `app.indicators.averages.sma`.

    The same tree of additions as there: sums of 2, 4, 8 ... neighbours, then those that make up the window. A line of
    NaN stands where values are still to come, so that the sums are NaN until the window is full.
    """

    __slots__ = ("_levels", "_window")

    def __init__(self, window: int) -> None:
        self._window = checked(window)
        # Of each power of two below the largest: the sums of as many neighbours, as far back as that many candles, and
        # where it is a piece of the window, as far back as the later pieces reach.
        self._levels: list[tuple[deque[float], deque[float] | None]] = []
        size, offset = 1, 0
        while 2 * size <= window:
            piece = None
            if window & size:
                late = window - offset - size
                piece = deque([NAN] * late, maxlen=late)
                offset += size
            self._levels.append((deque([NAN] * size, maxlen=size), piece))
            size *= 2

    def __call__(self, value: float) -> float:
        """The mean of the last `window` values, this one included."""
        total = 0.0
        for line, piece in self._levels:
            if piece is not None:
                total += piece[0]
                piece.append(value)
            before = line[0]
            line.append(value)
            value = before + value
        return (total + value) / self._window


class Highest:
    """Highest of the last `window` values; twin: `app.indicators.extremes.rolling_max`."""

    __slots__ = ("_line", "_nan_until", "_now", "_sign", "_window")

    def __init__(self, window: int, *, _sign: float = 1.0) -> None:
        self._window = checked(window)
        self._sign = _sign
        self._line: deque[tuple[int, float]] = deque()  # falling values: those that can still become the highest
        self._now = -1
        self._nan_until = window - 1

    def __call__(self, value: float) -> float:
        """The highest of the last `window` values, this one included."""
        self._now += 1
        now, line, signed = self._now, self._line, value * self._sign
        if signed != signed:  # noqa: PLR0124  only NaN differs from itself
            self._nan_until = max(self._nan_until, now + self._window)
            line.clear()
        else:
            while line and line[-1][1] <= signed:
                line.pop()
            line.append((now, signed))
        if now < self._nan_until:
            if line and line[0][0] <= now - self._window:
                line.popleft()
            return NAN
        if line[0][0] <= now - self._window:
            line.popleft()
        return line[0][1] * self._sign


class Lowest(Highest):
    """Lowest of the last `window` values; twin: `app.indicators.extremes.rolling_min`."""

    __slots__ = ()

    def __init__(self, window: int) -> None:
        super().__init__(window, _sign=-1.0)


class Rma:
    """Wilder's smoothing; twin: `app.indicators.averages.rma`."""

    __slots__ = ("_factor", "_level", "_seen", "_total", "_window")

    def __init__(self, window: int) -> None:
        self._window = checked(window)
        self._factor = 1.0 / window
        self._seen, self._total, self._level = 0, 0.0, NAN

    def __call__(self, value: float) -> float:
        """The smoothed value; after a NaN it begins anew."""
        if self._seen >= self._window and value == value:  # noqa: PLR0124  only NaN differs from itself
            self._level += self._factor * (value - self._level)
            return self._level
        if value != value:  # noqa: PLR0124
            self._seen, self._total, self._level = 0, 0.0, NAN
            return NAN
        self._seen += 1
        self._total += value
        if self._seen == self._window:
            self._level = self._total / self._window
        return self._level


class Ema(Rma):
    """Exponential moving average; twin: `app.indicators.averages.ema`."""

    __slots__ = ()

    def __init__(self, window: int) -> None:
        super().__init__(window)
        self._factor = 2.0 / (window + 1)


class Rsi:
    """Relative strength index, 0 to 100; twin: `app.indicators.momentum.rsi`."""

    __slots__ = ("_before", "_falls", "_rises")

    def __init__(self, window: int = 14) -> None:
        self._rises, self._falls, self._before = Rma(window), Rma(window), NAN

    def __call__(self, close: float) -> float:
        """The index at this close."""
        move = close - self._before
        self._before = close
        if move != move:  # noqa: PLR0124  only NaN differs from itself
            self._rises(NAN)
            return self._falls(NAN)
        rise, fall = self._rises(max(move, 0.0)), self._falls(max(-move, 0.0))
        both = rise + fall
        return 100.0 * (rise / both if both != 0.0 else 0.5)


class Atr:
    """Average true range; twin: `app.indicators.volatility.atr`."""

    __slots__ = ("_before", "_mean")

    def __init__(self, window: int = 14) -> None:
        self._mean, self._before = Rma(window), NAN

    def __call__(self, high: float, low: float, close: float) -> float:
        """The range at this candle."""
        before, self._before = self._before, close
        if before != before or high != high or low != low:  # noqa: PLR0124  only NaN differs from itself
            return self._mean(NAN)
        return self._mean(max(high, before) - min(low, before))


class Std:
    """Standard deviation of the last `window` values; twin: `app.indicators.volatility.rolling_std`.

    Sums of distances from a value of the window, added up anew once per window, so that rounding does not pile up.
    """

    __slots__ = ("_anchor", "_ddof", "_left", "_line", "_squares", "_sum", "_window")

    def __init__(self, window: int, *, ddof: int = 0) -> None:
        self._window, self._ddof = checked(window), ddof
        self._line: deque[float] = deque([NAN] * window, maxlen=window)
        self._left, self._sum, self._squares, self._anchor = 0, NAN, NAN, NAN

    def __call__(self, value: float) -> float:
        """The deviation of the last `window` values, this one included."""
        oldest = self._line[0] - self._anchor
        self._line.append(value)
        newest = value - self._anchor
        self._sum += newest - oldest
        self._squares += newest * newest - oldest * oldest
        self._left -= 1
        if self._left <= 0 or self._sum != self._sum:
            self._begin(value)
        if self._window <= self._ddof:
            return NAN
        variance = (self._squares - self._sum * self._sum / self._window) / (self._window - self._ddof)
        return 0.0 if variance <= 0.0 else math.sqrt(variance)

    def _begin(self, anchor: float) -> None:
        """Add everything up again, as distances from this value."""
        distances = [value - anchor for value in self._line]
        self._anchor, self._left = anchor, self._window
        self._sum, self._squares = sum(distances), sum(distance * distance for distance in distances)
