"""How much an entry buys: five wishes, the same cuts for all of them."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.grid import Grid, grid_of
from app.risk import codes
from app.risk.sizing import (
    EQUITY_SHARE,
    FIXED_AMOUNT,
    KELLY,
    RISK_PER_TRADE,
    VOLATILITY_TARGET,
    Funds,
    Market,
    SizingRules,
    TrackRecord,
    entry_quantity,
    kelly_share,
    part_to_close,
    remembered,
)

FREE = Market(Grid(0.0, 0.0), Grid(0.0, 0.0), 0.0, 0.0)
MARKET = Market(grid_of(Decimal("0.01")), grid_of(Decimal("0.001")), 0.01, 10.0)
RICH = Funds(equity=10_000.0, cash=math.inf, fee_rate=0.0, in_position=0.0, room=math.inf)


def trades(*profits: float) -> TrackRecord:
    record = TrackRecord()
    for profit in profits:
        record = remembered(record, profit, 1_000_000_000)
    return record


@pytest.mark.parametrize(
    ("rules", "record", "quantity", "code"),
    [
        pytest.param(SizingRules(FIXED_AMOUNT, 500.0, 1e9), trades(), 5.0, codes.OK, id="a fixed amount at the close"),
        pytest.param(SizingRules(EQUITY_SHARE, 0.0, 1e9, 0.1), trades(), 10.0, codes.OK, id="a tenth of 10,000"),
        pytest.param(SizingRules(RISK_PER_TRADE, 0.0, 1e9, 0.01), trades(), 50.0, codes.OK, id="100 lost over 2 a unit"),
        pytest.param(SizingRules(VOLATILITY_TARGET, 0.0, 1e9, 0.01), trades(), 20.0, codes.OK, id="100 moved by a range of 5"),
        pytest.param(SizingRules(KELLY, 700.0, 1e9, 0.9, 1.0, 4), trades(0.1), 7.0, codes.OK, id="Kelly knows too little"),
        pytest.param(SizingRules(KELLY, 0.0, 1e9, 0.9, 0.5, 4), trades(0.2, -0.1, 0.2, -0.1), 12.5, codes.OK, id="half of 0.25"),
        pytest.param(SizingRules(KELLY, 0.0, 1e9, 0.1, 1.0, 4), trades(0.2, -0.1, 0.2, -0.1), 10.0, codes.OK, id="Kelly, capped"),
        pytest.param(SizingRules(KELLY, 0.0, 1e9, 0.9, 1.0, 2), trades(-0.1, -0.1), 0.0, codes.KELLY_SAYS_NO, id="no edge, no bet"),
    ],
)  # fmt: skip
def test_wishes(rules, record, quantity, code):
    assert entry_quantity(rules, FREE, RICH, 100.0, 100.0, 98.0, 5.0, record) == (pytest.approx(quantity), code)


PLENTY = SizingRules(FIXED_AMOUNT, 1_000.0, 1_000.0)


@pytest.mark.parametrize(
    ("rules", "funds", "close", "quantity", "code"),
    [
        pytest.param(PLENTY, RICH, 300.0, 3.333, codes.OK, id="down to the grid"),
        pytest.param(PLENTY, RICH._replace(in_position=600.0), 100.0, 4.0, codes.OK, id="to the position's size"),
        pytest.param(PLENTY, RICH._replace(in_position=1e3), 100.0, 0.0, codes.POSITION_FULL, id="the position is full"),
        pytest.param(PLENTY, RICH._replace(room=250.0), 100.0, 2.5, codes.OK, id="to the exposure"),
        pytest.param(PLENTY, RICH._replace(room=0.0), 100.0, 0.0, codes.NO_ROOM, id="no exposure left"),
        pytest.param(PLENTY, RICH._replace(cash=505.0, fee_rate=0.01), 100.0, 4.999, codes.OK, id="to the cash with its fee, a hair below"),
        pytest.param(PLENTY, RICH._replace(cash=506.0, fee_rate=0.01), 100.0, 5.009, codes.OK, id="to the cash with its fee"),
        pytest.param(PLENTY, RICH._replace(cash=9.0), 100.0, 0.0, codes.NO_CASH, id="cash below the smallest order"),
        pytest.param(PLENTY, RICH._replace(cash=0.0), 100.0, 0.0, codes.NO_CASH, id="no cash"),
        pytest.param(SizingRules(FIXED_AMOUNT, 9.0, 9.0), RICH, 100.0, 0.0, codes.BELOW_MINIMUM, id="below the market's minimum"),
        pytest.param(SizingRules(EQUITY_SHARE, 0.0, 500.0, 1.0), RICH, 100.0, 5.0, codes.OK, id="every method obeys the owner's maximum"),
        pytest.param(PLENTY, RICH._replace(equity=math.nan), 100.0, 0.0, codes.NOT_A_NUMBER, id="NaN equity"),
        pytest.param(PLENTY, RICH._replace(cash=math.nan), 100.0, 0.0, codes.NOT_A_NUMBER, id="NaN cash"),
        pytest.param(PLENTY, RICH._replace(room=math.nan), 100.0, 0.0, codes.NOT_A_NUMBER, id="NaN room"),
        pytest.param(PLENTY, RICH, math.nan, 0.0, codes.NOT_A_NUMBER, id="NaN price"),
    ],
)  # fmt: skip
def test_cuts(rules, funds, close, quantity, code):
    assert entry_quantity(rules, MARKET, funds, close, close, 0.0, 0.0, TrackRecord()) == (quantity, code)


@pytest.mark.parametrize("method", [RISK_PER_TRADE, VOLATILITY_TARGET])
def test_without_a_distance_there_is_no_size(method):
    rules = SizingRules(method, 0.0, 1e9, 0.01)
    assert entry_quantity(rules, FREE, RICH, 100.0, 100.0, 0.0, 0.0, TrackRecord()) == (0.0, codes.NO_DISTANCE)


@pytest.mark.parametrize(
    ("part", "held", "quantity"),
    [
        pytest.param(0.5, 1.0, 0.5, id="half"),
        pytest.param(1.0, 0.7, 0.7, id="all that is left"),
        pytest.param(0.5, 0.3, 0.3, id="not more than is held"),
        pytest.param(0.33333, 1.0, 0.333, id="on the grid"),
        pytest.param(0.05, 1.0, 0.0, id="too small to be sold: passes"),
        pytest.param(0.5, 0.55, 0.55, id="the rest would be too small: all"),
    ],
)
def test_a_stage_closes(part, held, quantity):
    assert part_to_close(part, 1.0, held, 100.0, MARKET) == quantity


@given(
    st.sampled_from([FIXED_AMOUNT, EQUITY_SHARE, RISK_PER_TRADE, VOLATILITY_TARGET, KELLY]),
    st.floats(0.0, 1e6),
    st.floats(0.0, 1.0),
    st.floats(0.0, 1e6),
    st.floats(0.0, 1e6),
    st.floats(0.01, 1e5),
    st.lists(st.floats(-1.0, 1.0), max_size=8),
)
def test_no_method_buys_more_than_maximum_room_and_cash(method, most, share, cash, room, close, profits):
    funds = Funds(1e6, cash, 0.001, most / 3, room)
    rules = SizingRules(method, most, most, share, 1.0, 4)
    fill = close * 1.0001
    quantity, code = entry_quantity(rules, MARKET, funds, close, fill, close * 0.98, close * 0.01, trades(*profits))
    assert (quantity > 0.0) == (code == codes.OK)
    assert quantity * close <= min(most - most / 3, room) * (1.0 + 1e-9)
    assert Decimal(repr(quantity)) * Decimal(repr(fill)) * Decimal("1.001") <= Decimal(repr(cash))


def test_kellys_fraction():
    assert kelly_share(TrackRecord()) == 0.0
    assert kelly_share(trades(0.1, 0.1)) == 1.0
    assert kelly_share(trades(0.1, -0.1, 0.1)) == pytest.approx(1 / 3)
    assert kelly_share(trades(-0.1, 0.05)) == 0.0
