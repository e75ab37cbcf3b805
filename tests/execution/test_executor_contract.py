"""The contract of IExecutor, run on every implementation: paper, and live against the simulated exchange."""

from dataclasses import dataclass
from decimal import Decimal

import pytest

from app.core.enums import OrderSide, OrderType
from app.core.interfaces import IExecutor
from app.domain.errors import OrderRejected
from app.domain.instrument import Instrument
from app.execution.mock_executor import MockExecutor
from app.repositories import OrderRepository, SignalRepository, TradeRepository

BTC = "BTC/USDT"
GRID = Instrument(BTC, Decimal("0.01"), Decimal("0.00001"), Decimal("0.00001"), Decimal(5))
CCXT_FIELDS = {
    "id", "clientOrderId", "timestamp", "datetime", "symbol", "type", "side", "price", "amount", "filled", "remaining",
    "average", "cost", "status", "fee", "fees", "trades", "info",
}  # fmt: skip


@dataclass
class Trader:
    """An executor and the price at which its market trades."""

    executor: IExecutor
    price: Decimal

    def buy(self, quantity="0.01"):
        return self.executor.execute_order(BTC, OrderSide.BUY, Decimal(quantity), OrderType.MARKET, self.price)

    def sell(self, quantity):
        return self.executor.execute_order(BTC, OrderSide.SELL, quantity, OrderType.MARKET, self.price)

    def held(self):
        return self.executor.get_position(BTC)["net_quantity"]


@pytest.fixture(params=["paper", "live"])
def trader(request, session) -> Trader:
    if request.param == "paper":
        trades, signals = TradeRepository(session), SignalRepository(session)
        return Trader(MockExecutor(trades, signals, instrument_of=lambda _: GRID), Decimal(60_000))
    executor = request.getfixturevalue("venue").executor()
    last = executor._exchange._client.fetch_ticker(BTC)["last"]
    return Trader(executor, Decimal(str(last)))


def test_an_executed_order_has_ccxts_shape(trader):
    order = trader.buy()
    assert set(order) >= CCXT_FIELDS
    assert (order["symbol"], order["side"], order["type"], order["status"]) == (BTC, "buy", "market", "closed")
    assert (order["amount"], order["filled"], order["remaining"]) == (0.01, 0.01, 0.0)
    assert order["average"] == pytest.approx(float(trader.price), rel=0.01)


def test_before_the_first_order_there_is_no_position(trader):
    assert trader.executor.get_position(BTC) == {
        "net_quantity": 0, "total_buys": 0, "total_sells": 0, "is_flat": True,
    }  # fmt: skip


def test_a_purchase_and_the_sale_of_what_is_held_end_flat(trader):
    trader.buy()
    held = trader.held()
    assert Decimal("0.0099") < held <= Decimal("0.01")
    assert not trader.executor.get_position(BTC)["is_flat"]
    trader.sell(held)
    assert trader.executor.get_position(BTC)["is_flat"]


def test_order_and_trades_are_in_the_ledger_when_the_call_returns(trader, session):
    order = trader.buy()
    session.rollback()
    session.expire_all()
    assert OrderRepository(session).get(order["id"]).status == "filled"
    assert sum(trade.quantity for trade in TradeRepository(session).get_by_symbol(BTC)) == Decimal("0.01")


@pytest.mark.parametrize("quantity", ["0.01", "5"])
def test_what_is_not_held_cannot_be_sold(trader, session, quantity):
    with pytest.raises(OrderRejected):
        trader.sell(Decimal(quantity))
    assert TradeRepository(session).count(BTC) == 0


def test_what_cannot_be_paid_is_refused_and_leaves_no_trade(trader, session):
    with pytest.raises(OrderRejected):
        trader.buy("50")
    assert TradeRepository(session).count(BTC) == 0
    assert trader.executor.get_position(BTC)["is_flat"]


def test_a_quantity_off_the_grid_is_rounded_down(trader):
    assert trader.buy("0.0123456789")["amount"] == 0.01234


def test_synchronizing_when_all_is_well_changes_nothing(trader):
    trader.buy()
    before = trader.executor.get_position(BTC)
    trader.executor.synchronize(BTC)
    assert trader.executor.get_position(BTC) == before
