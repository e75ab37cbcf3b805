"""One symbol's candles, as the pass wants them: contiguous columns, and where candles are missing."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.backtesting.checks import impossible, irregular
from app.core.window import COLUMNS, possible, utc_minute
from app.domain.errors import DataError
from app.domain.timeframe import Timeframe
from app.indicators.arrays import F64, I8

_UNITS_PER_MS: Final = {"s": 0, "ms": 1, "us": 1_000, "ns": 1_000_000}


@dataclass(slots=True)
class Lane:
    """Candles of one symbol and what was made of them.

    Attributes:
        symbol: The market.
        frame: Columns open, high, low, close, volume, as the strategy gets them; shares memory with the caller's.
        step: Length of a candle, in the unit of `times`.
        times: Open times, in the unit of the frame's index.
        columns: The five columns, contiguous.
        holes: Rows before which candles are missing.
        signals: The strategy's signals, int8.
        signal_frame: What the strategy returned.
    """

    symbol: str
    frame: pd.DataFrame
    step: int
    times: NDArray[np.int64]
    columns: tuple[F64, F64, F64, F64, F64]
    holes: NDArray[np.int64]
    signals: I8 = field(default_factory=lambda: np.empty(0, dtype=np.int8))
    signal_frame: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def opens_ms(self) -> NDArray[np.int64]:
        """Open times in ms UTC."""
        return self.index.as_unit("ms").asi8

    @property
    def step_ms(self) -> int:
        """Length of a candle in ms."""
        per_ms = _UNITS_PER_MS[self.index.unit]
        return self.step // per_ms if per_ms else self.step * 1_000

    @property
    def index(self) -> pd.DatetimeIndex:
        """Open times in UTC."""
        index = self.frame.index
        assert isinstance(index, pd.DatetimeIndex)  # noqa: S101  lane_of made it one
        return index

    def __len__(self) -> int:
        return len(self.times)


def lane_of(symbol: str, candles: pd.DataFrame, timeframe: Timeframe | None) -> Lane:
    """Check candles and take their columns; nothing is copied that need not be.

    Args:
        symbol: The market, named in complaints.
        candles: Columns open, high, low, close, volume (others are dropped); indexed by open time, naive means UTC.
        timeframe: The candles' length; None for the smallest distance of two of them.

    Raises:
        DataError: what came are no candles in order; the sentence names the first that is wrong.
    """
    frame = _frame_of(symbol, candles)
    index = frame.index
    assert isinstance(index, pd.DatetimeIndex)  # noqa: S101  _frame_of made it one
    times = np.ascontiguousarray(index.asi8)
    step = _step_of(times, timeframe, index.unit)
    holes = np.zeros(0, dtype=np.int64)
    if irregular(times, step):
        holes = _holes(symbol, times, step, index)
    opens, high, low, close, volume = (frozen(frame[name].to_numpy()) for name in COLUMNS)
    if impossible(opens, high, low, close, volume):
        raise _no_candle(symbol, frame)
    return Lane(symbol, frame, step, times, (opens, high, low, close, volume), holes)


def frozen(values: NDArray[Any]) -> NDArray[Any]:
    """A contiguous read-only view, or copy: compiled code knows one kind of array only."""
    view = np.ascontiguousarray(values).view()
    view.flags.writeable = False
    return view


def _frame_of(symbol: str, candles: pd.DataFrame) -> pd.DataFrame:
    if not isinstance(candles, pd.DataFrame):
        raise DataError(f"candles of {symbol} came as {type(candles).__name__}: give a DataFrame")
    index = candles.index
    if not isinstance(index, pd.DatetimeIndex):
        raise DataError(
            f"candles of {symbol} are indexed by {type(index).__name__}: index them by open time (DatetimeIndex)"
        )
    if not len(candles):
        raise DataError(f"there are no candles of {symbol}: widen the range, or give another file")
    names = list(candles.columns)
    wrong = [name for name in COLUMNS if names.count(name) != 1]
    if wrong:
        raise DataError(
            f"candles of {symbol} need one column {', '.join(wrong)} each: they have {', '.join(map(str, names))}"
        )
    frame = candles if names == list(COLUMNS) else candles[list(COLUMNS)]
    if any(kind != np.float64 for kind in frame.dtypes):
        try:
            frame = frame.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(f"candles of {symbol} hold a value that is no number ({error}): give floats") from None
    if index.tz is None:
        frame = frame.set_axis(index.tz_localize("UTC"))
    elif str(index.tz) != "UTC":
        frame = frame.set_axis(index.tz_convert("UTC"))
    return frame


def _step_of(times: NDArray[np.int64], timeframe: Timeframe | None, unit: str) -> int:
    """A candle's length in the index's unit."""
    if timeframe is not None:
        return timeframe.ms * _UNITS_PER_MS[unit] or timeframe.ms // 1_000
    steps = np.diff(times)
    return max(int(steps.min()), 1) if len(steps) else 1


def _holes(symbol: str, times: NDArray[np.int64], step: int, index: pd.DatetimeIndex) -> NDArray[np.int64]:
    """Rows before which candles are missing; called where not every candle follows the one before by a step."""
    if index.hasnans:
        raise DataError(f"candles of {symbol} hold an open time that is NaT: give every candle its open time")
    steps = np.diff(times)
    if (steps <= 0).any():
        row = int(np.argmax(steps <= 0)) + 1
        fault, remedy = ("twice", "drop one") if steps[row - 1] == 0 else ("after a later one", "sort them")
        raise DataError(f"candles of {symbol} are not in order: {index[row]} comes {fault} (row {row}): {remedy}")
    if (steps != step).all():
        smallest = pd.Timedelta(steps.min(), unit=index.unit).total_seconds()
        wanted = pd.Timedelta(step, unit=index.unit).total_seconds()
        raise DataError(
            f"candles of {symbol} come every {smallest:g} s, and strategy.timeframe says {wanted:g} s: "
            "set it to the length of the candles"
        )
    if (steps % step != 0).any():
        row = int(np.argmax(steps % step != 0)) + 1
        raise DataError(f"candles of {symbol} leave their grid at {index[row]} (row {row}): give candles of one length")
    return np.flatnonzero(steps > step).astype(np.int64) + 1


def _no_candle(symbol: str, frame: pd.DataFrame) -> DataError:
    row = int(np.argmin(possible(frame.to_numpy())))
    values = ", ".join(f"{name} {value:g}" for name, value in frame.iloc[row].items())
    at = utc_minute(frame.index[row].value // 1_000_000)
    return DataError(f"the candle of {symbol} at {at} (row {row}) cannot be one ({values}): mend or drop it")
