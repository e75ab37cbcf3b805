"""The door from pandas: columns of frames and indices of series as arrays."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from app.analytics.arrays import F64, I64


def numbers(frame: pd.DataFrame, name: str) -> F64:
    """A column as float64; Decimals and integers are converted, an absent value is NaN."""
    return np.ascontiguousarray(_column(frame, name), dtype=np.float64)


def texts(frame: pd.DataFrame, name: str) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """A column as texts; an absent value is an empty text."""
    return _column(frame, name).astype(object).fillna("").to_numpy(dtype=object)


def moments(frame: pd.DataFrame, name: str) -> I64:
    """A column of times as ms UTC."""
    return index_ms(pd.DatetimeIndex(pd.to_datetime(_column(frame, name), utc=True)))


def index_ms(index: pd.Index | Sequence[object]) -> I64:
    """A time index as ms UTC: (n,).

    Raises:
        TypeError: it holds no times.
    """
    if not isinstance(index, pd.DatetimeIndex):
        raise TypeError(f"the index is {type(index).__name__}: give a DatetimeIndex of candle open times in UTC")
    return index.as_unit("ms").asi8


def _column(frame: pd.DataFrame, name: str) -> pd.Series:
    if name in frame.columns:
        return frame[name]
    if frame.empty:
        return pd.Series(dtype=object)
    raise ValueError(f"trades have no column {name!r}: they have {', '.join(map(str, frame.columns))}")
