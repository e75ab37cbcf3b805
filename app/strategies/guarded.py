"""The one way to run a strategy: its result is checked, its failure told in one sentence."""

import traceback

import numpy as np
import pandas as pd

from app.domain.errors import StrategyError
from app.strategies.base import BaseStrategy


def signal_frame(strategy: BaseStrategy, candles: pd.DataFrame) -> pd.DataFrame:
    """Indicators and signals for the candles.

    Args:
        strategy: Whose two methods are called.
        candles: Closed candles; the strategy gets a copy, so that it cannot change them.

    Returns:
        The candles with indicator columns and an integer column `signal` of -1, 0 and 1, same rows.

    Raises:
        StrategyError: the result is no signal. Exceptions of the strategy come out as they are, with a note that names
            file and line.
    """
    try:
        frame = strategy.generate_signals(strategy.calculate_indicators(candles.copy(deep=False)))
    except StrategyError:
        raise
    except Exception as error:
        error.add_note(explain(strategy, error))
        raise
    return _checked(strategy, candles, frame)


def explain(strategy: BaseStrategy, error: BaseException) -> str:
    """`strategy MyStrategy failed in my_strategy.py line 12: ZeroDivisionError: division by zero`."""
    frames = traceback.extract_tb(error.__traceback__)
    where = frames[-1]
    for place in frames:
        if _is_strategys(strategy, place.filename):
            where = place
    return f"strategy {type(strategy).__name__} failed in {where.filename} line {where.lineno}: {type(error).__name__}: {error}"


def _is_strategys(strategy: BaseStrategy, filename: str) -> bool:
    code = getattr(type(strategy).calculate_indicators, "__code__", None)
    return code is not None and code.co_filename == filename


def _checked(strategy: BaseStrategy, candles: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    if not isinstance(frame, pd.DataFrame):
        raise _broken(strategy, f"returned {type(frame).__name__}, not a DataFrame: return the frame it was given")
    if "signal" not in frame.columns:
        raise _broken(strategy, "gave no column 'signal': add it with values -1, 0 or 1")
    if len(frame) != len(candles) or not frame.index.equals(candles.index):
        raise _broken(strategy, f"returned {len(frame)} rows for {len(candles)} candles: keep every row in its place")
    signal = frame["signal"].to_numpy()
    if not np.isin(signal, (-1, 0, 1)).all():
        position = int(np.argmin(np.isin(signal, (-1, 0, 1))))
        value, when = signal[position], frame.index[position]
        raise _broken(strategy, f"gave signal {value!s} at {when}: a signal is -1, 0 or 1, also while it warms up")
    return frame


def _broken(strategy: BaseStrategy, what: str) -> StrategyError:
    method = type(strategy).generate_signals
    code = getattr(method, "__code__", None)
    place = f" ({code.co_filename} line {code.co_firstlineno})" if code is not None else ""
    return StrategyError(f"strategy {type(strategy).__name__}{place} {what}")
