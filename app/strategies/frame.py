"""The frame that strategies get: one of pandas, whose moving windows are summed by the project's own indicators.

pandas keeps a running sum: a candle's mean depends, in its last bits, on where the frame begins, so that two averages
may meet in a backtest and not live. It also takes ten times as long (docs/decisions/0011-plain-pandas.md).
"""

from collections.abc import Callable
from typing import Any, Self, TypeAlias

import numpy as np
import pandas as pd

Asked: TypeAlias = Any  # what pandas takes and returns, in more ways than its signatures say


class _Windows:
    """What column and frame have in common."""

    dtypes: Asked

    def rolling(self, window: Asked, min_periods: int | None = None, **options: Asked) -> Asked:
        """As in pandas; `FullWindows` for a number of floats of which none may be missing."""
        is_count = isinstance(window, int | np.integer) and not isinstance(window, bool) and window >= 1
        if is_count and not options and min_periods in {None, window} and np.all(self.dtypes == np.float64):
            from app.strategies.windows import FullWindows  # noqa: PLC0415  numba, which other strategies do without

            return FullWindows(self, window)  # type: ignore[call-arg]
        plain: Asked = super()
        return plain.rolling(window, min_periods, **options)


class CandleSeries(_Windows, pd.Series):  # type: ignore[misc]  # its stubs list each kind of window
    """A column of a `CandleFrame`, or what became of one."""

    @property
    def _constructor(self) -> Callable[..., Self]:
        return type(self)

    @property
    def _constructor_expanddim(self) -> Callable[..., "CandleFrame"]:
        return CandleFrame


class CandleFrame(_Windows, pd.DataFrame):  # type: ignore[misc]  # likewise
    """Candles, and the columns that a strategy adds."""

    @property
    def _constructor(self) -> Callable[..., Self]:
        return type(self)

    @property
    def _constructor_sliced(self) -> Callable[..., CandleSeries]:
        return CandleSeries
