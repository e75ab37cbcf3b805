"""Every rule that a backtest shares compiles, and the compiled rule says what the plain one says."""

import importlib
import inspect
from decimal import Decimal

import numba
import numpy as np
import pytest
from numba.extending import register_jitable

from app.core import decision
from app.domain import grid
from app.domain.grid import grid_of
from app.risk import correlation, exits, limits, sizing
from app.simulation import candle

CENTS, STEPS = grid_of(Decimal("0.01")), grid_of(Decimal("0.00001"))
MARKET = sizing.Market(CENTS, STEPS, 0.0001, 5.0)
RULES = exits.ExitRules(stop=0.02, target=0.1, trail=0.03, trail_from=0.01, break_even=0.01, max_hold=9)
HELD = exits.opened(exits.LONG, 100.0, 1.5, RULES, CENTS)
SIZING = sizing.SizingRules(sizing.RISK_PER_TRADE, 100.0, 1_000.0, 0.01, 0.5, 3)
FUNDS = sizing.Funds(10_000.0, 5_000.0, 0.001, 0.0, 2_500.0)
RECORD = sizing.remembered(sizing.remembered(sizing.TrackRecord(), 0.03, 30), -0.01, 30)
LIMITS = limits.Limits(3, 2, 0.25, 0.5, 4, 0.01, 0.002, 0.02, 0.1, 3, 10, 0.7, 1)
STANDING = limits.begun(10_000.0, 20_000)
ACCOUNT = limits.Account(10_000.0, 100.0, 200.0, 1, 1, 2, 0, 0.001, 0.001, 0.3)
TIMES, UP = np.arange(20), np.exp(np.sin(np.arange(20.0)))

CALLS = [
    (grid.floor_to, (1.23456, CENTS)),
    (grid.ceil_to, (1.23456, CENTS)),
    (exits.opened, (exits.LONG, 100.0, 1.5, RULES, CENTS)),
    (exits.after_candle, (HELD, 104.0, 99.0, RULES, CENTS)),
    (exits.next_target, (HELD, RULES, CENTS)),
    (exits.stage_closed, (HELD,)),
    (exits.averaged, (HELD, 103.0, RULES, CENTS)),
    (exits.is_overdue, (HELD, RULES)),
    (exits.needs_atr, (RULES,)),
    (sizing.entry_quantity, (SIZING, MARKET, FUNDS, 100.0, 100.01, 98.0, 1.5, RECORD)),
    (sizing.part_to_close, (0.5, 1.0, 0.8, 100.0, MARKET)),
    (sizing.remembered, (RECORD, 0.02, 30)),
    (sizing.kelly_share, (RECORD,)),
    (sizing.is_too_small, (0.01, 100.0, MARKET)),
    (limits.day_of, (1_700_000_000_000,)),
    (limits.begun, (10_000.0, 20_000)),
    (limits.marked, (STANDING, 8_000.0, 20_001, LIMITS, False)),
    (limits.trade_closed, (STANDING, -10.0, True, LIMITS)),
    (limits.halted, (STANDING, 2)),
    (limits.lifted, (STANDING, 9_000.0)),
    (limits.must_close, (STANDING, LIMITS)),
    (limits.entry_refusal, (STANDING, LIMITS, ACCOUNT)),
    (limits.market_refusal, (LIMITS, ACCOUNT)),
    (limits.position_refusal, (LIMITS, ACCOUNT)),
    (limits.room, (LIMITS, ACCOUNT)),
    (limits.is_unknown, (ACCOUNT,)),
    (limits.is_broken, (LIMITS,)),
    (correlation.common_from, (TIMES, 0, 20, TIMES[5:], 0, 15)),
    (correlation.correlation_of_returns, (TIMES, UP, 0, 20, TIMES[5:], UP[5:] ** -0.5, 0, 15)),
    (candle.first_exit, (1, 100.0, 101.0, 97.0, 1.0, 98.0, 110.0)),
    (candle.trades_through, (1, 101.0, 97.0, 98.0)),
    (candle.market_fill, (1, 100.0, 0.0001, CENTS)),
    (decision.choose, (1, 0, False)),
    (decision.with_entries, (decision.ALREADY_LONG, 1, 2)),
]
MODULES = (grid, exits, sizing, limits, correlation, candle)


@pytest.fixture(scope="module", autouse=True)
def _registered():
    for module in MODULES:
        for function in functions_of(module):
            register_jitable(function)


def functions_of(module):
    return [
        function
        for _, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
    ]


@pytest.mark.parametrize(("function", "arguments"), CALLS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_rule_compiles_and_says_the_same(function, arguments):
    assert numba.njit(function)(*arguments) == function(*arguments)


def test_every_public_rule_is_in_the_table():
    public = {
        function
        for module in MODULES
        for function in functions_of(importlib.import_module(module.__name__))
        if not function.__name__.startswith("_") and function is not grid.grid_of
    }
    assert public - {function for function, _ in CALLS} == set()
