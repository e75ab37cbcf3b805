import decimal
from decimal import ROUND_CEILING, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.instrument import Instrument
from app.domain.values import MONEY, Price, Quantity, exact

BTC = Instrument("BTC/USDT", Decimal("0.01"), Decimal("0.00001"), Decimal("0.0001"), Decimal(5))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(0.1, "0.1", id="float by its shortest text"),
        pytest.param(np.float64(0.3), "0.3", id="numpy float"),
        pytest.param(3, "3", id="int"),
        pytest.param("1.50", "1.50", id="text keeps its zeros"),
        pytest.param(Decimal("1E+3"), "1000", id="decimal"),
    ],
)
def test_a_number_becomes_the_decimal_that_a_person_would_write(value, text):
    assert exact(value) == Decimal(text)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), "-Infinity", "abc", ""])
@pytest.mark.fault(18)
def test_what_is_no_finite_number_is_refused_by_name(value):
    with pytest.raises(ValueError, match="is not a"):
        exact(value)


def test_money_arithmetic_ignores_the_global_context():
    with decimal.localcontext() as context:
        context.prec = 3
        assert MONEY.add(Decimal("1234.5678"), Decimal("0.0001")) == Decimal("1234.5679")
        assert BTC.quantity("1234.567891") == Decimal("1234.56789")


@given(st.decimals(min_value="0", max_value="1e9", places=12))
def test_a_quantity_is_rounded_down_to_the_step_by_less_than_one_step(value):
    quantity = BTC.quantity(value)
    assert quantity % BTC.quantity_step == 0
    assert 0 <= value - quantity < BTC.quantity_step


@given(st.decimals(min_value="0.01", max_value="1e7", places=6))
def test_a_price_is_rounded_to_the_nearest_tick_or_as_asked(value):
    assert abs(BTC.price(value) - value) <= BTC.price_tick / 2
    assert 0 <= BTC.price(value, ROUND_CEILING) - value < BTC.price_tick


@pytest.mark.parametrize(
    ("quantity", "price", "word"),
    [
        pytest.param("0", "100", "zero", id="nothing left after rounding"),
        pytest.param("0.00001", "100000", "minimum 0.0001", id="below the smallest quantity"),
        pytest.param("0.001", "100", "notional 0.100", id="below the smallest notional"),
        pytest.param("0.1", "100", None, id="accepted"),
    ],
)
def test_a_market_says_why_it_refuses_an_order(quantity, price, word):
    refusal = BTC.refusal(Quantity(Decimal(quantity)), Price(Decimal(price)))
    assert (refusal is None) if word is None else (word in refusal)


def test_a_symbol_names_its_assets():
    assert (BTC.base, BTC.quote) == ("BTC", "USDT")
    assert Instrument("BTC/USDT:USDT").quote == "USDT"
