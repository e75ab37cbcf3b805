"""The types that kernels share, and the doors through which columns and windows come in."""

from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

F64: TypeAlias = NDArray[np.float64]
I8: TypeAlias = NDArray[np.int8]


def column(df: pd.DataFrame, name: str) -> F64:
    """A column as a contiguous float64 array, without a copy where that is possible. Do not write into it."""
    return floats(df[name])


def floats(values: ArrayLike) -> F64:
    """A list, array or column as a contiguous float64 array, without a copy where that is possible."""
    return np.ascontiguousarray(values, dtype=np.float64)


def checked(window: object) -> int:
    """The window, when it is one.

    Raises:
        ValueError: it is no whole number, or below 1.
    """
    if not isinstance(window, int | np.integer) or isinstance(window, bool) or window < 1:
        raise ValueError(f"window is {window!r}: give a whole number of candles, 1 or more")
    return int(window)


def blank(size: int) -> F64:
    """An array for a kernel to fill. NumPy's memory comes in huge pages, numba's does not and costs thrice as much."""
    return np.empty(size, dtype=np.float64)
