"""What one candle does to orders: gaps, both levels, touches to the tick, candles without volume."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.enums import OrderSide
from app.domain.grid import ceil_to, floor_to, grid_of
from app.domain.instrument import Instrument
from app.domain.values import Price
from app.simulation.candle import NONE, STOP, TARGET, first_exit, market_fill
from app.simulation.fills import market_fill_price


@pytest.mark.parametrize(
    ("side", "candle", "stop", "target", "expected"),
    [
        pytest.param(1, (100, 103, 97, 1), 95, 105, (NONE, 0), id="neither is reached"),
        pytest.param(1, (100, 103, 94, 1), 95, 105, (STOP, 95), id="the stop at its price"),
        pytest.param(1, (100, 103, 95, 1), 95, 105, (STOP, 95), id="a touch triggers the stop"),
        pytest.param(1, (93, 103, 92, 1), 95, 105, (STOP, 93), id="a gap through the stop fills at the open"),
        pytest.param(1, (95, 103, 95, 1), 95, 105, (STOP, 95), id="an open at the stop"),
        pytest.param(1, (100, 106, 97, 1), 95, 105, (TARGET, 105), id="the target at its price"),
        pytest.param(1, (100, 105, 97, 1), 95, 105, (NONE, 0), id="a touch does not fill the target"),
        pytest.param(1, (110, 112, 109, 1), 95, 105, (TARGET, 105), id="a gap through the target fills at its price"),
        pytest.param(1, (100, 106, 94, 1), 95, 105, (STOP, 95), id="both in one candle: the stop"),
        pytest.param(1, (100, 106, 94, 0), 95, 105, (NONE, 0), id="no volume, no fill"),
        pytest.param(1, (100, 106, 94, 1), 0, 0, (NONE, 0), id="nothing armed"),
        pytest.param(-1, (100, 106, 97, 1), 105, 95, (STOP, 105), id="short: the stop above"),
        pytest.param(-1, (107, 108, 97, 1), 105, 95, (STOP, 107), id="short: a gap through the stop"),
        pytest.param(-1, (100, 103, 94, 1), 105, 95, (TARGET, 95), id="short: the target below"),
        pytest.param(-1, (100, 103, 95, 1), 105, 95, (NONE, 0), id="short: a touch does not fill the target"),
    ],
)
def test_first_exit(side, candle, stop, target, expected):
    assert first_exit(side, *map(float, candle), float(stop), float(target)) == expected


prices = st.integers(1, 10**9).map(lambda units: Decimal(units) / 100)
slippages = st.integers(0, 2_000).map(lambda tenths: Decimal(tenths) / 10)
steps = st.sampled_from(["0.01", "0.1", "0.05", "0.25", "1", "5", "0.00001"]).map(Decimal)


@given(st.sampled_from(list(OrderSide)), prices, slippages, steps)
def test_the_compiled_market_fill_pays_what_the_exact_one_pays(side, price, slippage_bp, tick):
    market = Instrument("BTC/USDT", price_tick=tick)
    exact = market_fill_price(side, Price(price), slippage_bp, market)
    sign = 1 if side is OrderSide.BUY else -1
    assert market_fill(sign, float(price), float(slippage_bp) / 10_000, grid_of(tick)) == pytest.approx(
        float(exact), rel=1e-15, abs=0
    )


@given(st.integers(0, 10**12), steps)
def test_what_lies_on_the_grid_stays_where_it_is_whatever_the_noise(units, step):
    grid, value = grid_of(step), float(units * step)
    for noisy in (value, value * (1 + 4e-16), value * (1 - 4e-16)):
        assert floor_to(noisy, grid) == ceil_to(noisy, grid) == pytest.approx(value, rel=1e-15, abs=0)


@given(st.integers(1, 10**12), st.floats(0.02, 0.98), steps)
def test_what_lies_between_two_lines_goes_to_the_one_asked_for(units, share, step):
    grid = grid_of(step)
    between = (units + share) * float(step)
    assert floor_to(between, grid) == pytest.approx(float(units * step), rel=1e-15, abs=0)
    assert ceil_to(between, grid) == pytest.approx(float((units + 1) * step), rel=1e-15, abs=0)
