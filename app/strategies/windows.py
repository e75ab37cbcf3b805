"""The moving windows of columns, summed by the project's own indicators. Imports numba, so it is imported late."""

from collections.abc import Callable

import numpy as np
from pandas.api.typing import Rolling

from app.indicators.arrays import F64
from app.indicators.averages import sma
from app.indicators.extremes import rolling_max, rolling_min
from app.indicators.sums import rolling_sum
from app.indicators.volatility import rolling_std
from app.strategies.frame import Asked


class FullWindows(Rolling):  # type: ignore[type-arg]  # its stub is generic, it is not
    """`rolling(window)` of floats: as in pandas, NaN where a window is not full or holds a NaN or an infinite value.

    Each value is the same in every frame that holds its window, to the last bit; what is asked with arguments of
    pandas' own, and whatever is not here, pandas answers.
    """

    def mean(self, *arguments: Asked, **options: Asked) -> Asked:
        """Mean of each window."""
        return super().mean(*arguments, **options) if arguments or options else self._answer(sma)

    def sum(self, *arguments: Asked, **options: Asked) -> Asked:
        """Sum of each window."""
        return super().sum(*arguments, **options) if arguments or options else self._answer(rolling_sum)

    def std(self, ddof: int = 1, *arguments: Asked, **options: Asked) -> Asked:
        """Standard deviation of each window, its squares divided by the window's length less `ddof`."""
        if arguments or options:
            return super().std(ddof, *arguments, **options)
        return self._answer(lambda values, window: rolling_std(_known(values), window, ddof=ddof))

    def min(self, *arguments: Asked, **options: Asked) -> Asked:
        """Smallest value of each window."""
        if arguments or options:
            return super().min(*arguments, **options)
        return self._answer(lambda values, window: rolling_min(_known(values), window))

    def max(self, *arguments: Asked, **options: Asked) -> Asked:
        """Largest value of each window."""
        if arguments or options:
            return super().max(*arguments, **options)
        return self._answer(lambda values, window: rolling_max(_known(values), window))

    def _answer(self, indicator: Callable[[F64, int], F64]) -> Asked:
        asked: Asked = self
        chosen, window = asked._selected_obj, asked.window  # noqa: SLF001  of a frame, the columns that were chosen
        if chosen.ndim == 1:
            return _column(chosen, window, indicator)
        answers = [_column(chosen.iloc[:, place], window, indicator) for place in range(chosen.shape[1])]
        return type(chosen)(np.column_stack(answers), index=chosen.index, columns=chosen.columns)


def _column(column: Asked, window: int, indicator: Callable[[F64, int], F64]) -> Asked:
    return type(column)(indicator(column.to_numpy(), window), index=column.index, name=column.name, copy=False)


def _known(values: F64) -> F64:
    """Infinite values as missing ones; sums take them for such by themselves."""
    return np.where(np.isinf(values), np.nan, values) if np.isinf(values).any() else values
