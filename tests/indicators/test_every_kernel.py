"""Properties of every public kernel, each found by itself: a new one is tested without being named here."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from inspect import Parameter, isfunction, signature

import numpy as np
import pandas as pd
import pytest

import app.indicators

HELPERS = {"app.indicators.arrays", "app.indicators.compiled"}
WINDOWS = {"window": 14, "fast": 12, "slow": 26, "signal": 9, "smooth": 3}
COLUMNS = {"values": "close", "line": "close", "other": "open"}  # the others are named as the candles' columns are
ROWS = 4_200  # three blocks of the blocked kernels


def kernels() -> Iterator[Callable]:
    for module in pkgutil.iter_modules(app.indicators.__path__, "app.indicators."):
        if module.name not in HELPERS:
            found = importlib.import_module(module.name)
            for name, kind in vars(found).items():
                if isfunction(kind) and kind.__module__ == module.name and not name.startswith("_"):
                    yield kind


def apply(kernel: Callable, candles: pd.DataFrame) -> list[np.ndarray]:
    """The kernel's lines, its columns taken from the candles by their names."""
    arguments = {}
    for name, parameter in signature(kernel).parameters.items():
        if name in WINDOWS:
            arguments[name] = WINDOWS[name]
        elif parameter.default is Parameter.empty:
            arguments[name] = candles[COLUMNS.get(name, name)].to_numpy(copy=True)
    before = {name: np.copy(value) for name, value in arguments.items()}
    result = kernel(**arguments)
    assert all(np.array_equal(before[name], arguments[name], equal_nan=True) for name in before), (
        "it wrote into its input"
    )
    return list(result) if isinstance(result, tuple) else [result]


EVERY = [pytest.param(kernel, id=kernel.__name__) for kernel in kernels()]
REMEMBERS = {"ema", "rma", "rsi", "atr", "macd", "obv"}
FORGETS = [case for case in EVERY if case.id not in REMEMBERS]
WINDOWED = [
    pytest.param(kernel, id=kernel.__name__) for kernel in kernels() if "window" in signature(kernel).parameters
]


def test_the_kernels_are_found():
    assert {"sma", "crossings", "donchian", "rsi", "atr", "vwap"} <= {kernel.__name__ for kernel in kernels()}


@pytest.mark.parametrize("now", [pytest.param(100, id="early"), pytest.param(2_061, id="at a block's end")])
@pytest.mark.parametrize("kernel", EVERY)
def test_the_future_changes_nothing_of_the_past(kernel: Callable, now: int, market: Callable[[int], pd.DataFrame]):
    candles = market(ROWS)
    other = candles.copy()
    other.iloc[now:] *= 1.7
    other.iloc[now + 5 : now + 7] = np.nan
    for line, with_other_future, cut in zip(
        apply(kernel, candles), apply(kernel, other), apply(kernel, candles.iloc[:now]), strict=True
    ):
        assert line.size == ROWS
        assert line[:now].tobytes() == with_other_future[:now].tobytes() == cut.tobytes()
        assert line.tobytes() != with_other_future.tobytes()


@pytest.mark.parametrize("kernel", FORGETS)
def test_the_value_does_not_depend_on_where_the_history_begins(kernel: Callable, market: Callable[[int], pd.DataFrame]):
    candles = market(ROWS)
    for begin in (1, 700, ROWS - 20):
        for whole, later in zip(apply(kernel, candles), apply(kernel, candles.iloc[begin:]), strict=True):
            assert whole[begin + 16 :].tobytes() == later[16:].tobytes()


@pytest.mark.parametrize("kernel", EVERY)
@pytest.mark.parametrize("rows", [0, 1, 2, 13])
def test_too_few_candles_give_as_many_values_and_no_error(
    kernel: Callable, rows: int, market: Callable[[int], pd.DataFrame]
):
    windowed = "window" in signature(kernel).parameters
    for line in apply(kernel, market(rows)):
        assert line.size == rows
        assert not windowed or np.isnan(line).all()


@pytest.mark.parametrize("kernel", [case for case in EVERY if case.id not in {"obv", "crossings"}])
def test_a_gap_of_nan_is_forgotten_when_it_has_left_the_window(kernel: Callable, market: Callable[[int], pd.DataFrame]):
    candles = market(300)
    candles.iloc[100] = np.nan
    for line in apply(kernel, candles):
        assert np.isnan(line[100])
        assert np.isfinite(line[140:]).all()


@pytest.mark.parametrize("kernel", WINDOWED)
@pytest.mark.parametrize("window", [0, -3, 2.5, True, "10"])
def test_a_window_that_is_none_is_refused(kernel: Callable, window: object, market: Callable[[int], pd.DataFrame]):
    columns = signature(kernel).parameters.keys() & {"open", "high", "low", "close", "volume", "values"}
    arguments = {name: market(30)[COLUMNS.get(name, name)] for name in columns}
    with pytest.raises(ValueError, match="window is .*: give a whole number of candles, 1 or more"):
        kernel(**arguments, window=window)
