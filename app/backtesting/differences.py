"""What two runs of a strategy say of the same candles, and whether a difference is more than rounding."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.backtesting.cuts import Rows

ROUNDING: Final = 1e-9  # of a value's size: sums over other windows differ by 1e-16, after millions of candles by 1e-11
NOT_INDICATORS: Final = frozenset({"open", "high", "low", "close", "volume", "signal"})


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two frames at the same candles.

    Attributes:
        signals: At which of them the signals differ, (n,).
        columns: Indicator columns that differ by more than rounding somewhere, and where, each (n,).
        rounded: Whether any indicator has other bits, by no more than rounding, (n,).
    """

    signals: NDArray[np.bool_]
    columns: dict[str, NDArray[np.bool_]]
    rounded: NDArray[np.bool_]

    @property
    def differs(self) -> bool:
        """Whether there is any difference that is more than rounding."""
        return bool(self.signals.any()) or bool(self.columns)


def compare(history: pd.DataFrame, rows: Rows, other: pd.DataFrame, at: Rows) -> Comparison:
    """The signal and indicator columns of `history` at `rows` beside those of `other` at `at`.

    Signals are compared exactly. Numbers that differ by at most `ROUNDING` of the larger one, or of the column's usual
    size, differ by rounding; two NaN are equal; everything else must be equal. A column that one lacks differs.
    """
    signals = history["signal"].to_numpy()[rows] != other["signal"].to_numpy()[at]
    columns: dict[str, NDArray[np.bool_]] = {}
    rounded = np.zeros(len(rows), dtype=bool)
    for name in indicators(history):
        if name not in other.columns:
            columns[str(name)] = np.ones(len(rows), dtype=bool)
            continue
        unequal, beyond = _unequal(history[name].to_numpy()[rows], other[name].to_numpy()[at])
        rounded |= unequal & ~beyond
        if beyond.any():
            columns[str(name)] = beyond
    return Comparison(signals, columns, rounded)


def indicators(frame: pd.DataFrame) -> list[Any]:
    """The names of the columns that the strategy added, each once."""
    return [name for name in dict.fromkeys(frame.columns) if name not in NOT_INDICATORS]


def _unequal(left: NDArray[Any], right: NDArray[Any]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where two columns are not the same, and where by more than rounding."""
    if left.ndim != 1 or right.ndim != 1:  # a column that is there twice
        differ = np.full(len(left), not np.array_equal(left, right))
        return differ, differ
    if left.dtype.kind not in "iufb" or right.dtype.kind not in "iufb":
        differ = np.asarray(left != right) & ~np.asarray(pd.isna(left) & pd.isna(right))
        return differ, differ
    left, right = left.astype(np.float64), right.astype(np.float64)
    differ = (left != right) & ~(np.isnan(left) & np.isnan(right))
    if not differ.any():
        return differ, differ
    sizes = np.abs(left[np.isfinite(left)])
    usual = float(np.median(sizes)) if len(sizes) else 0.0
    with np.errstate(invalid="ignore"):
        close = np.abs(left - right) <= ROUNDING * np.maximum(np.maximum(np.abs(left), np.abs(right)), usual)
    return differ, differ & ~close
