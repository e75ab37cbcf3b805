"""Judges the candles that a data handler returned: which are closed, what is missing, how late the newest is.

Pure: frame and time in, verdict out. The bot decides on nothing else.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.config.models import BotConfig
from app.domain.errors import DataError
from app.domain.timeframe import Timeframe
from app.risk.settings import candles_before_entry
from app.strategies.base import BaseStrategy
from app.strategies.guarded import warmup_of

COLUMNS: Final = ("open", "high", "low", "close", "volume")
_NAMES: Final = pd.Index(COLUMNS, dtype=object)  # pandas finds objects faster than its strings, and this index but once
WINDOW_MARGIN: Final = 20  # candles beyond the slow window
DEFAULT_SLOW_WINDOW: Final = 50


@dataclass(frozen=True, slots=True)
class Window:
    """What can be decided upon.

    Attributes:
        candles: Closed candles as floats, sorted, each once, indexed by open time in UTC.
        notices: What was wrong, in words for the log.
        missing: Candles that are not there between the first and the last.
        first_gap: Open time of the first missing candle, `2021-05-19 13:00` (UTC); None when none is missing.
        late: How many candles the newest is behind the newest that should be closed by now.
    """

    candles: pd.DataFrame
    notices: tuple[str, ...]
    missing: int
    first_gap: str | None
    late: int


def inspect_window(frame: pd.DataFrame, timeframe: Timeframe, now_ms: int) -> Window:
    """Put candles in order and say what is wrong with them.

    Args:
        frame: Columns open, high, low, close, volume (others are dropped); a DatetimeIndex of open times, naive means
            UTC. May be out of order, hold duplicates (the last one counts), the open candle (dropped silently) and
            candles that cannot be: NaN, a price of zero, high below low, off the newest candle's grid. Those are
            dropped, so that they count as missing. The frame is not changed.
        timeframe: The candles' length.
        now_ms: The exchange's time; a candle is closed when its open time plus its length is not after it.

    Raises:
        DataError: no DatetimeIndex, a column is missing or there twice, or a value is no number.
    """
    times, values = _arrays(frame)
    notices: list[str] = []
    closed = times <= now_ms - timeframe.ms
    if not closed.all():
        times, values = times[closed], values[closed]
    times, values = _in_order(times, values, notices)
    times, values = _without_impossible(times, values, timeframe, notices)
    missing, first_gap = _holes(times, timeframe)
    late = max(0, (timeframe.last_closed_open(now_ms) - int(times[-1])) // timeframe.ms) if len(times) else 0
    if missing:
        notices.append(f"{missing} {_noun(missing)} missing since {first_gap}")
    if late:
        notices.append(f"the newest candle is {late} {_noun(late)} late")
    return Window(candle_frame(times, values), tuple(notices), missing, first_gap, late)


def candle_frame(times: NDArray[np.int64], values: NDArray[np.float64], *, copy: bool = True) -> pd.DataFrame:
    """The form in which candles are handed around; its columns are contiguous.

    Args:
        times: Open times in ms UTC, shape (n,).
        values: Open, high, low, close, volume, shape (n, 5).
        copy: False for values that nobody else will change: contiguous columns are then not copied.
    """
    index = pd.DatetimeIndex(times.view("M8[ms]"), name="time").tz_localize("UTC")
    if not copy:
        values = np.asfortranarray(values)
    return pd.DataFrame(values, columns=_NAMES, index=index, copy=copy)


def possible(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rows (n, 5) can be candles: finite, prices above zero, the low lowest and the high highest, volume >= 0."""
    opened, high, low, close, volume = values.T
    with np.errstate(invalid="ignore"):
        good: NDArray[np.bool_] = (low > 0) & (low <= np.minimum(opened, close))
        good &= (high >= np.maximum(opened, close)) & (high < np.inf)
        good &= (volume >= 0) & (volume < np.inf)
    return good


def candles_needed(config: BotConfig, strategy: BaseStrategy) -> int:
    """How many candles a cycle needs: the slow window and a margin, or more when strategy or risk look back farther."""
    slow = config.strategy.params.get("slow_window", DEFAULT_SLOW_WINDOW)
    return max(int(slow) + WINDOW_MARGIN, warmup_of(strategy), candles_before_entry(config.risk))


def average_true_range(candles: pd.DataFrame, window: int) -> float:
    """The plain mean of the newest `window` true ranges, quote per base; 0 when there are too few candles.

    Depends on the newest `window` + 1 candles alone, to the last bit, so that a backtest finds the same value.
    """
    if not window or len(candles) <= window:
        return 0.0
    from app.indicators.averages import sma  # noqa: PLC0415  numba takes a second to import
    from app.indicators.volatility import true_range  # noqa: PLC0415

    newest = candles.iloc[-window - 1 :]
    return float(sma(true_range(newest["high"], newest["low"], newest["close"]), window)[-1])


def utc_minute(at_ms: int) -> str:
    """`2021-05-19 13:00`, with seconds where there are some."""
    moment = pd.Timestamp(int(at_ms), unit="ms")
    return moment.strftime("%Y-%m-%d %H:%M" if moment.second == 0 else "%Y-%m-%d %H:%M:%S")


def _arrays(frame: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Open times in ms and the five columns, in the frame's order; raises DataError for anything but candles."""
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"candles came as {type(frame).__name__}: a data handler returns a DataFrame")
    index = frame.index
    if not isinstance(index, pd.DatetimeIndex):
        raise DataError(f"candles are indexed by {type(index).__name__}: index them by open time (DatetimeIndex)")
    if index.hasnans:
        raise DataError("candles hold an open time that is NaT: give every candle its open time")
    names = list(frame.columns)
    wrong = [name for name in COLUMNS if names.count(name) != 1]
    if wrong:
        raise DataError(f"candles need one column {', '.join(wrong)} each: they have {', '.join(map(str, names))}")
    try:
        columns = [frame[name].to_numpy(dtype=np.float64) for name in COLUMNS]
    except (TypeError, ValueError) as error:
        raise DataError(f"candles hold a value that is no number ({error}): give floats") from None
    return index.as_unit("ms").asi8, np.column_stack(columns)


def _in_order(
    times: NDArray[np.int64], values: NDArray[np.float64], notices: list[str]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    steps = np.diff(times)
    if (steps > 0).all():
        return times, values
    if (steps < 0).any():
        notices.append("candles out of order")
        order = np.argsort(times, kind="stable")
        times, values = times[order], values[order]
    last_of_each = np.append(np.diff(times) > 0, np.ones(1, dtype=bool))
    doubled = times[~last_of_each]
    if len(doubled):
        notices.append(f"{len(doubled)} duplicated {_noun(len(doubled))} (first {utc_minute(doubled[0])})")
    return times[last_of_each], values[last_of_each]


def _without_impossible(
    times: NDArray[np.int64], values: NDArray[np.float64], timeframe: Timeframe, notices: list[str]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    if not len(times):
        return times, values
    # The newest candle sets the grid: exchanges disagree on where multi-day candles begin.
    good = possible(values) & ((times[-1] - times) % timeframe.ms == 0)
    bad = times[~good]
    if len(bad):
        notices.append(f"{len(bad)} impossible {_noun(len(bad))} (first {utc_minute(bad[0])})")
        times, values = times[good], values[good]
    return times, values


def _holes(times: NDArray[np.int64], timeframe: Timeframe) -> tuple[int, str | None]:
    """How many candles are missing between the first and the last, and the open time of the first such."""
    if len(times) < 2:
        return 0, None
    missing = int(times[-1] - times[0]) // timeframe.ms + 1 - len(times)
    if not missing:
        return 0, None
    before = int(np.argmax(np.diff(times) > timeframe.ms))
    return missing, utc_minute(int(times[before]) + timeframe.ms)


def _noun(count: int) -> str:
    return "candle" if count == 1 else "candles"
