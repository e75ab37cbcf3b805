"""The types that kernels share, and the door from a frame's column to an array they take."""

from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

F64: TypeAlias = NDArray[np.float64]
I8: TypeAlias = NDArray[np.int8]


def column(df: pd.DataFrame, name: str) -> F64:
    """A column as a contiguous float64 array, without a copy where that is possible. Do not write into it."""
    return np.ascontiguousarray(df[name].to_numpy(), dtype=np.float64)
