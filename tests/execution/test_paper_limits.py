"""Limit orders on paper: they rest, and fill only when a later candle trades through them."""

from decimal import Decimal

import pandas as pd
import pytest

from app.core.clock import ManualClock
from app.core.enums import OrderSide, OrderType
from app.domain.errors import OrderPostponed
from app.domain.instrument import Instrument
from app.domain.resting import OrderStyle, OrderStyles
from app.execution.paper_limits import PaperLimitExecutor
from app.repositories import OrderRepository, SignalRepository, TradeRepository

BTC = "BTC/USDT"
GRID = Instrument(BTC, Decimal("0.01"), Decimal("0.00001"), Decimal("0.00001"), Decimal(5))
START = pd.Timestamp("2025-01-01", tz="UTC")
STYLE = OrderStyle(is_limit=True, time_to_live_ms=120_000, most_repricings=1, chase_bp=Decimal(500))


class Paper:
    """An executor, and a market whose candles a test writes."""

    def __init__(self, session, styles):
        self.session, self.styles = session, styles
        self.clock = ManualClock(int(START.timestamp() * 1_000))
        self.candles = []
        self.restart()

    def restart(self):
        repositories = TradeRepository(self.session), SignalRepository(self.session)
        self.executor = PaperLimitExecutor(
            *repositories, styles=self.styles, slippage_bp=Decimal(0), clock=self.clock, instrument_of=lambda _: GRID
        )

    def candle(self, low, high, close, volume=1.0):
        """A minute passes."""
        opened = START + pd.Timedelta(minutes=len(self.candles))
        self.candles.append((opened, (close, high, low, close, volume)))
        self.clock._now_ms += 60_000
        index = pd.DatetimeIndex([when for when, _ in self.candles])
        columns = ["open", "high", "low", "close", "volume"]
        self.executor.see(BTC, pd.DataFrame([row for _, row in self.candles], index=index, columns=columns))

    def order(self, side, quantity, price):
        return self.executor.execute_order(BTC, side, Decimal(quantity), OrderType.LIMIT, Decimal(price))

    def told(self):
        found = sorted(OrderRepository(self.session).by_symbol(BTC), key=lambda order: order.id)
        return [(order.order_type, order.status, order.average) for order in found]


@pytest.fixture
def paper(session) -> Paper:
    made = Paper(session, OrderStyles(STYLE, STYLE))
    made.candle(95, 105, 100)
    return made


def test_a_limit_order_fills_when_a_later_candle_trades_through_it(paper):
    assert paper.order(OrderSide.BUY, "1", "99")["status"] == "open"
    assert paper.executor.get_position(BTC)["is_flat"]
    paper.candle(98.99, 101, 100)
    assert paper.told() == [("limit", "filled", Decimal(99))]
    assert paper.executor.get_cash(BTC) == 10_000 - Decimal(99) * Decimal("1.001")


@pytest.mark.parametrize(
    ("low", "volume"),
    [
        pytest.param(99, 1.0, id="a touch may stop in front of us in the queue"),
        pytest.param(90, 0.0, id="a candle without volume traded nothing"),
    ],
)
def test_it_does_not_fill_by_what_is_not_certain(paper, low, volume):
    paper.order(OrderSide.BUY, "1", "99")
    paper.candle(low, 101, 100, volume)
    assert paper.told() == [("limit", "open", None)]
    assert "is resting, 0 % filled" in str(paper.executor.resting_order(BTC))


def test_it_is_replaced_at_a_new_price_and_then_bought_at_the_markets_over_restarts(paper):
    paper.order(OrderSide.BUY, "1", "99")
    for close in (101, 101, 102, 102):
        paper.restart()
        paper.candle(close - 0.5, close + 1, close)
    assert [status for _, status, _ in paper.told()] == ["canceled", "filled"]
    assert paper.executor.resting_order(BTC) is None


def test_an_order_that_the_market_meets_already_fills_at_the_markets_price(paper):
    assert paper.order(OrderSide.BUY, "1", "101")["average"] == 100


def test_a_sale_cancels_a_resting_purchase_and_a_purchase_waits_for_one(paper):
    paper.order(OrderSide.BUY, "1", "101")
    paper.order(OrderSide.SELL, "1", "110")
    with pytest.raises(OrderPostponed, match="sell order .* is resting"):
        paper.order(OrderSide.BUY, "1", "99")
    paper.executor.execute_order(BTC, OrderSide.SELL, Decimal(1), OrderType.MARKET, Decimal(100))
    assert [status for _, status, _ in paper.told()] == ["filled", "canceled", "filled"]
    assert paper.executor.get_position(BTC)["is_flat"]


def test_a_fill_that_the_cash_does_not_cover_any_more_is_none(paper):
    paper.order(OrderSide.BUY, "90", "99")
    paper.executor.account.add_cash("USDT", Decimal(-5_000))
    paper.candle(90, 100, 95)
    assert paper.told()[0][1] == "rejected"
    assert paper.executor.get_position(BTC)["is_flat"]
