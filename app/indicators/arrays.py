"""The types that kernels share, and the doors through which columns and windows come in."""

from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

F64: TypeAlias = NDArray[np.float64]
I8: TypeAlias = NDArray[np.int8]


class Bands(NamedTuple):
    """Three lines around a price, each (n,) in its unit."""

    lower: F64
    middle: F64
    upper: F64


def column(df: pd.DataFrame, name: str) -> F64:
    """A column as a contiguous float64 array, without a copy where that is possible. Do not write into it."""
    return floats(df[name])


def floats(values: ArrayLike) -> F64:
    """A list, array or column as a contiguous float64 array, without a copy where that is possible.

    Raises:
        ValueError: it has rows and columns.
    """
    array = np.ascontiguousarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"an indicator got values of shape {array.shape}: give one column, such as df['close']")
    return array


def floats_together(**columns: ArrayLike) -> tuple[F64, ...]:
    """Several columns of the same candles as arrays, in the order given.

    Raises:
        ValueError: they are not of one length.
    """
    arrays = tuple(floats(values) for values in columns.values())
    if len({array.size for array in arrays}) > 1:
        lengths = ", ".join(f"{name} {array.size}" for name, array in zip(columns, arrays, strict=True))
        raise ValueError(f"columns of different lengths ({lengths}): give columns of the same candles")
    return arrays


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


def change(values: F64, distance: int) -> F64:
    """values[i] - values[i-distance]; NaN for i < distance."""
    return values - delayed(values, distance)


def delayed(values: F64, distance: int) -> F64:
    """values[i-distance]: what was known that many candles ago; NaN for i < distance."""
    out = np.full(values.size, np.nan)
    out[distance:] = values[:-distance]
    return out


def ratio(part: F64, whole: F64, *, otherwise: float = np.nan) -> F64:
    """Part / whole, and `otherwise` where whole is 0."""
    out = np.full(part.size, otherwise)
    np.divide(part, whole, out=out, where=whole != 0)
    return out
