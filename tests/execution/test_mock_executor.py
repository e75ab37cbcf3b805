from contextlib import closing, suppress
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.clock import ManualClock
from app.core.database import Database
from app.core.enums import OrderSide, OrderType
from app.core.sqlite import sqlite_module
from app.domain.errors import InsufficientFunds, OrderRejected
from app.domain.instrument import Instrument
from app.execution.mock_executor import MockExecutor
from app.repositories import SignalRepository, TradeRepository

BTC = "BTC/USDT"
MARKET = Instrument(BTC, Decimal("0.01"), Decimal("0.00001"), Decimal("0.00001"), Decimal(5))
NOON_MS = 1_735_732_800_000


@pytest.fixture
def executor(session):
    return paper(session)


def paper(session, **options):
    defaults = {"clock": ManualClock(NOON_MS), "instrument_of": lambda _: MARKET}
    return MockExecutor(TradeRepository(session), SignalRepository(session), **{**defaults, **options})


def test_a_market_buy_fills_with_slippage_and_fee(executor):
    order = executor.execute_order(BTC, OrderSide.BUY, 0.1, OrderType.MARKET, 50_000.0)
    assert (order["status"], order["side"], order["type"], order["symbol"]) == ("closed", "buy", "market", BTC)
    assert (order["amount"], order["filled"], order["remaining"]) == (0.1, 0.1, 0.0)
    assert order["average"] == 50_005.0
    assert order["fee"] == {"cost": 5.0005, "currency": "USDT"}
    assert executor.get_cash(BTC) == Decimal(10_000) - Decimal("5000.5") - Decimal("5.0005")


def test_the_order_has_ccxts_fields(executor):
    order = executor.execute_order(BTC, OrderSide.BUY, 0.1, OrderType.MARKET, 50_000.0)
    assert order["timestamp"] == NOON_MS
    assert order["datetime"] == "2025-01-01T12:00:00.000Z"
    assert set(order) >= {"id", "clientOrderId", "price", "cost", "fees", "trades", "info"}
    assert order["cost"] == 5000.5


def test_a_sale_realises_its_profit_to_the_last_digit(executor, session):
    executor.execute_order(BTC, OrderSide.BUY, Decimal("0.1"), OrderType.MARKET, Decimal(50_000))
    executor.execute_order(BTC, OrderSide.SELL, Decimal("0.1"), OrderType.MARKET, Decimal(51_000))
    trade = TradeRepository(session).get_by_symbol(BTC)[0]
    earned = Decimal("5099.49") - Decimal("5.09949")
    assert trade.price == Decimal("50994.90")
    assert trade.pnl == earned - Decimal("5005.5005")
    assert executor.get_cash(BTC) == Decimal(10_000) + trade.pnl


def test_the_position_is_what_the_trades_add_up_to(executor):
    assert executor.get_position(BTC) == {"net_quantity": 0, "total_buys": 0, "total_sells": 0, "is_flat": True}
    executor.execute_order(BTC, OrderSide.BUY, 0.03, OrderType.MARKET, 50_000.0)
    executor.execute_order(BTC, OrderSide.SELL, 0.01, OrderType.MARKET, 50_000.0)
    assert executor.get_position(BTC) == {
        "net_quantity": Decimal("0.02"), "total_buys": Decimal("0.03"), "total_sells": Decimal("0.01"), "is_flat": False,
    }  # fmt: skip


def test_trades_of_other_code_count_in_the_position(executor, session):
    TradeRepository(session).create(BTC, OrderSide.BUY, 50_000.0, 0.5, 0.0, datetime(2025, 1, 1, tzinfo=UTC))
    assert executor.get_position(BTC)["net_quantity"] == Decimal("0.5")


def test_a_limit_order_fills_at_its_limit(executor):
    order = executor.execute_order(BTC, OrderSide.BUY, 0.01, OrderType.LIMIT, 49_999.999)
    assert (order["type"], order["average"], order["price"]) == ("limit", 50_000.0, 49_999.999)


def test_a_purchase_beyond_the_cash_is_refused_and_leaves_nothing(executor, session):
    with pytest.raises(InsufficientFunds, match=r"costs 10011\.0010 USDT.*holds 10000"):
        executor.execute_order(BTC, OrderSide.BUY, 0.2, OrderType.MARKET, 50_000.0)
    assert executor.get_cash(BTC) == 10_000
    assert TradeRepository(session).count(BTC) == 0


REFUSED = [
    pytest.param("sell", 0.1, "market", 50_000.0, "more than the 0 held", id="sale of what is not held"),
    pytest.param("buy", 0, "market", 50_000.0, "zero", id="nothing"),
    pytest.param("sell", 0, "market", 50_000.0, "zero", id="sale of the nothing that is held"),
    pytest.param("buy", -1, "market", 50_000.0, "zero", id="less than nothing"),
    pytest.param("buy", float("nan"), "market", 50_000.0, "finite", id="NaN quantity"),
    pytest.param("buy", 0.1, "market", float("nan"), "finite", id="NaN price"),
    pytest.param("buy", 0.1, "market", 0.0, "more than zero", id="price zero"),
    pytest.param("buy", 0.1, "market", None, "give price=", id="no price"),
    pytest.param("buy", 0.00001, "market", 50_000.0, "notional", id="below the market's minimum"),
    pytest.param("buy", 0.1, "stop_loss", 50_000.0, "not for paper trading", id="order type"),
]


@pytest.mark.parametrize(("side", "quantity", "order_type", "price", "word"), REFUSED)
def test_an_impossible_order_is_refused_with_its_reason(executor, side, quantity, order_type, price, word):
    with pytest.raises(OrderRejected, match=word):
        executor.execute_order(BTC, side, quantity, order_type, price)
    assert executor.get_position(BTC)["is_flat"]


def test_a_quantity_off_the_grid_is_rounded_down_but_a_holding_off_the_grid_is_sold_whole(executor, session):
    assert executor.execute_order(BTC, OrderSide.BUY, 0.123456789, OrderType.MARKET, 50_000.0)["amount"] == 0.12345
    TradeRepository(session).create(BTC, "buy", 50_000, "0.000000001", None, datetime(2025, 1, 1, tzinfo=UTC))
    held = executor.get_position(BTC)["net_quantity"]
    executor.execute_order(BTC, OrderSide.SELL, held, OrderType.MARKET, 50_000.0)
    assert executor.get_position(BTC)["is_flat"]


def test_an_order_is_durable_when_the_call_returns_inside_an_open_scope(executor, database_path):
    executor.execute_order(BTC, OrderSide.BUY, 0.1, OrderType.MARKET, 50_000.0)
    with closing(sqlite_module().connect(database_path)) as other:
        counts = [
            other.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("orders", "trades", "holdings")
        ]
        cash = other.execute("SELECT cash FROM paper_accounts").fetchone()[0]
    assert counts == [1, 1, 1]
    assert cash == "4994.4995"


def test_account_and_position_come_back_after_a_restart(database, database_path):
    with database.session_scope() as session:
        paper(session).execute_order(BTC, OrderSide.BUY, 0.1, OrderType.MARKET, 50_000.0)
    database.close()
    again = Database()
    again.open(database_path)
    with again.session_scope() as session:
        executor = paper(session, cash=Decimal(1))
        assert executor.get_cash(BTC) == Decimal("4994.4995")
        assert executor.get_position(BTC)["net_quantity"] == Decimal("0.1")
        order = executor.execute_order(BTC, OrderSide.SELL, 0.1, OrderType.MARKET, 50_000.0)
        assert order["id"] == "paper-000002"
    again.close()


orders = st.tuples(
    st.sampled_from(OrderSide),
    st.decimals("0.00001", "0.3", places=5),
    st.decimals("100", "90000", places=2),
)


@settings(max_examples=25)
@given(wishes=st.lists(orders, max_size=12))
def test_whatever_is_asked_cash_and_holding_never_go_below_zero_and_profit_adds_up(
    migrated_database, tmp_path_factory, wishes
):
    database = Database()
    database.open(":memory:")
    with database.session_scope() as session:
        executor = paper(session)
        for side, quantity, price in wishes:
            with suppress(OrderRejected):
                executor.execute_order(BTC, side, quantity, OrderType.MARKET, price)
            position = executor.trade_repo.position(BTC)
            assert executor.get_cash(BTC) >= 0
            assert position.quantity >= 0
            assert executor.get_cash(BTC) == 10_000 + position.realized - position.cost
    database.close()
