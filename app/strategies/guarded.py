"""The one way to run a strategy: whatever the user's code does, a checked frame or one clear sentence comes out."""

import numpy as np
import pandas as pd

from app.domain.errors import StrategyError
from app.indicators.arrays import I8
from app.strategies.base import BaseStrategy
from app.strategies.blame import in_words, place_of
from app.strategies.frame import CandleFrame


def signal_frame(strategy: BaseStrategy, candles: pd.DataFrame) -> pd.DataFrame:
    """The candles with the strategy's indicator columns and its signals.

    The strategy works on a shallow copy, which pandas copies on write, so the caller's frame stays as it is; the means
    and sums of its moving windows are the project's (`app.strategies.frame`).

    Args:
        strategy: The strategy to run: a `BaseStrategy`, or whatever has its two methods.
        candles: Closed candles as `BaseStrategy.calculate_indicators` wants them.

    Returns:
        A frame with the rows and index of `candles` and an int8 column `signal`; times without a zone that the
        strategy returned are taken for UTC. NaN signals within the first
        `warmup_of(strategy)` rows count as 0; a later NaN is refused, for nobody knows what it was to mean.

    Raises:
        StrategyError: the strategy raised, or what it returned is no signal frame; the sentence names file and line.
    """
    kind = type(strategy)
    try:
        frame = strategy.generate_signals(_returned(strategy.calculate_indicators(CandleFrame(candles)), kind))
        warmup = warmup_of(strategy)
    except StrategyError:
        raise
    except (Exception, SystemExit) as error:
        raise StrategyError(f"strategy {kind.__name__}: {in_words(error, place_of(kind))}") from error
    if isinstance(frame, CandleFrame):
        frame = pd.DataFrame(frame)
    if _is_naive(getattr(frame, "index", None)) and not _is_naive(candles.index):
        frame = frame.set_axis(pd.DatetimeIndex(frame.index).tz_localize("UTC"))
    if fault := _fault_of_shape(frame, candles):
        raise StrategyError(f"strategy {kind.__name__} ({place_of(kind)}) {fault}")
    signals = frame["signal"].to_numpy()
    if signals.dtype == np.int8 and _are_signals(signals):
        return frame
    if fault := _fault_of_values(frame["signal"], warmup):
        raise StrategyError(f"strategy {kind.__name__} ({place_of(kind)}) {fault}")
    return frame.assign(signal=np.nan_to_num(signals).astype(np.int8))


def _returned(indicators: pd.DataFrame | None, kind: type) -> pd.DataFrame:
    if indicators is None:
        raise StrategyError(
            f"strategy {kind.__name__} ({place_of(kind)}): calculate_indicators returned None: return the frame"
        )
    return indicators


def warmup_of(strategy: object) -> int:
    """The strategy's declared warm-up in candles; 0 when it declares none, or something that is no whole number."""
    declared = getattr(strategy, "warmup", 0)
    return max(int(declared), 0) if isinstance(declared, int | np.integer) else 0


def _are_signals(signals: I8) -> bool:
    return signals.size == 0 or bool(signals.min() >= -1 and signals.max() <= 1)


def _is_naive(index: object) -> bool:
    return isinstance(index, pd.DatetimeIndex) and index.tz is None


def _fault_of_shape(frame: object, candles: pd.DataFrame) -> str | None:
    if not isinstance(frame, pd.DataFrame):
        return f"returned {type(frame).__name__}, not a DataFrame: return the frame with a column 'signal'"
    if len(frame) != len(candles):
        return f"returned {len(frame)} rows for {len(candles)} candles: keep every row, use 0 where there is no signal"
    if not frame.index.equals(candles.index):
        return "returned a frame with another index: keep the candles' index"
    count = list(frame.columns).count("signal")
    if count != 1:
        return f"returned a frame with {count} columns 'signal': add one, with 1 to buy, -1 to sell and 0 elsewhere"
    if "close" in candles.columns and not _holds(frame, candles["close"]):
        return "changed or dropped the column 'close', at which orders are priced: put results in columns of their own"
    return None


def _holds(frame: pd.DataFrame, column: pd.Series) -> bool:
    """Whether the frame has this very column; at no cost where they share memory, as they do after `assign`."""
    if column.name not in frame.columns:
        return False
    left, right = frame[str(column.name)].to_numpy(), column.to_numpy()
    if left.ctypes.data == right.ctypes.data and left.strides == right.strides and left.dtype == right.dtype:
        return True
    return np.array_equal(left, right, equal_nan=left.dtype.kind == right.dtype.kind == "f")


def _fault_of_values(signal: pd.Series, warmup: int) -> str | None:
    values = signal.to_numpy()
    if values.dtype.kind not in "iuf":
        return f"returned signals of type {values.dtype}: use the numbers 1, -1 and 0"
    missing = np.isnan(values)
    late = np.flatnonzero(missing[warmup:])
    if late.size:
        row = warmup + int(late[0])
        return (
            f"returned signal NaN at row {row} ({signal.index[row]}), after its warm-up of {warmup} candles: "
            "use 0 there, or declare a longer `warmup`"
        )
    strange = np.flatnonzero(~missing & (values != 0) & (values != 1) & (values != -1))
    if strange.size:
        row = int(strange[0])
        return f"returned signal {values[row]} at row {row} ({signal.index[row]}): use 1, -1 and 0"
    return None
