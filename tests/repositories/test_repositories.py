from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.database import Database
from app.core.enums import OrderSide
from app.core.sqlite import sqlite_module
from app.models.sql import Step
from app.repositories import OrderRepository, PaperRepository, SignalRepository, StepRepository, TradeRepository

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
BTC = "BTC/USDT"


def test_a_trade_reads_back_as_it_was_written(session):
    TradeRepository(session).create(BTC, OrderSide.BUY, Decimal("50000.01"), Decimal("0.00123"), None, NOON)
    session.expire_all()
    trade = TradeRepository(session).get_by_symbol(BTC)[0]
    assert (trade.symbol, trade.side, trade.price, trade.quantity) == (
        BTC,
        "buy",
        Decimal("50000.01"),
        Decimal("0.00123"),
    )
    assert trade.side is OrderSide.BUY
    assert trade.timestamp == NOON
    assert trade.pnl is None


def test_trades_come_newest_first_and_only_those_of_the_symbol(session):
    trades = TradeRepository(session)
    for minutes in (1, 3, 2):
        trades.create(BTC, "buy", 100 + minutes, 1, 0, NOON + timedelta(minutes=minutes))
    trades.create("ETH/USDT", "buy", 7, 1, 0, NOON)
    assert [trade.price for trade in trades.get_by_symbol(BTC)] == [103, 102, 101]
    assert [trade.price for trade in trades.get_by_symbol(BTC, limit=1)] == [103]
    assert trades.get_by_symbol("XRP/USDT") == []


def test_a_trade_is_durable_when_create_returns_inside_an_open_scope(session, database_path):
    TradeRepository(session).create(BTC, "buy", 100.5, 2, 0.0, NOON)
    with closing(sqlite_module().connect(database_path)) as other:
        assert other.execute("SELECT side, price, quantity FROM trades").fetchall() == [("buy", "100.5", "2")]


@pytest.mark.parametrize(
    ("price", "quantity", "word"),
    [
        pytest.param(0, 1, "price", id="free"),
        pytest.param(1, -1, "quantity", id="negative"),
        pytest.param(float("nan"), 1, "finite", id="NaN"),
        pytest.param(1, float("inf"), "finite", id="infinite"),
    ],
)
def test_an_impossible_trade_is_refused(session, price, quantity, word):
    with pytest.raises(ValueError, match=word):
        TradeRepository(session).create(BTC, "buy", price, quantity, None, NOON)
    assert TradeRepository(session).count(BTC) == 0


def test_an_unknown_side_is_refused(session):
    with pytest.raises(ValueError, match="hold"):
        TradeRepository(session).create(BTC, "hold", 1, 1, None, NOON)


def test_a_sale_without_pnl_gets_its_profit_on_average_cost(session):
    trades = TradeRepository(session)
    trades.create(BTC, "buy", 100, 1, None, NOON, fee=1)
    trades.create(BTC, "sell", 110, 1, None, NOON, fee=1)
    assert trades.get_by_symbol(BTC)[0].pnl == 8
    assert trades.position(BTC).realized == 8


def test_the_position_survives_closing_the_database(database, database_path):
    with database.session_scope() as session:
        TradeRepository(session).create(BTC, "buy", "3.3", "0.7", None, NOON)
    database.close()
    again = Database()
    again.open(database_path)
    with again.session_scope() as session:
        assert TradeRepository(session).position(BTC).quantity == Decimal("0.7")
    again.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["buy", "sell"]),
            st.decimals("0.01", "99999", places=2),
            st.decimals("0.00001", "99", places=5),
        ),
        max_size=12,
    )
)
def test_the_kept_holding_equals_the_sum_of_all_trades(database, trades):
    with database.session_scope() as session:
        repository = TradeRepository(session)
        symbol = f"T{repository.count('all')}{id(trades)}/USDT"
        repository.create("all", "buy", 1, 1, None, NOON)
        for side, price, quantity in trades:
            repository.create(symbol, side, price, quantity, None, NOON)
        booked = repository.get_by_symbol(symbol)
        position = repository.position(symbol)
        assert position.total_buys == sum((t.quantity for t in booked if t.side == "buy"), Decimal(0))
        assert position.total_sells == sum((t.quantity for t in booked if t.side == "sell"), Decimal(0))
        assert position.realized == sum((t.pnl for t in booked if t.pnl is not None), Decimal(0))


@pytest.mark.parametrize("text", ["0.1", "123456789012345678901234567890.123456789", "1E-18", "-0.000000000000000001"])
def test_decimals_are_stored_to_the_last_digit(session, text):
    TradeRepository(session).create(BTC, "buy", 1, 1, text, NOON)
    session.expire_all()
    assert TradeRepository(session).get_by_symbol(BTC)[0].pnl == Decimal(text)


def test_times_of_any_zone_are_stored_as_utc(session):
    signals = SignalRepository(session)
    tokyo = timezone(timedelta(hours=9))
    signals.create(BTC, 1, {}, NOON.astimezone(tokyo))
    signals.create(BTC, 1, {}, NOON.replace(tzinfo=None))
    session.expire_all()
    assert [signal.timestamp for signal in signals.get_latest(2)] == [NOON, NOON]


def test_signals_come_newest_first_and_are_counted(session):
    signals = SignalRepository(session)
    for value in (1, 0, -1):
        signals.create(BTC, value, {"value": value}, NOON)
    signals.create("ETH/USDT", 1, None, NOON)
    assert [signal.signal_value for signal in signals.get_latest(3)] == [1, -1, 0]
    assert [signal.signal_value for signal in signals.get_latest(5, symbol=BTC)] == [-1, 0, 1]
    assert signals.get_signal_count() == 4


def test_signal_metadata_keeps_numbers_and_turns_nan_into_null(session):
    metadata = {
        "sma": np.float64(1.5),
        "nan": float("nan"),
        "count": np.int64(3),
        "note": "x",
        "when": NOON,
        "up": True,
    }
    SignalRepository(session).create(BTC, 1, metadata, NOON)
    session.expire_all()
    stored = SignalRepository(session).get_latest(1)[0].signal_metadata
    assert stored == {"sma": 1.5, "nan": None, "count": 3, "note": "x", "when": repr(NOON), "up": True}


@pytest.mark.parametrize("value", [2, -2, 0.5, None])
def test_a_signal_is_minus_one_zero_or_one(session, value):
    with pytest.raises(ValueError, match="signal_value"):
        SignalRepository(session).create(BTC, value, {}, NOON)


def test_sequence_numbers_are_never_given_twice_also_over_restarts(database, database_path):
    with database.session_scope() as session:
        assert [OrderRepository(session).next_number("order") for _ in range(3)] == [1, 2, 3]
        assert OrderRepository(session).next_number("other") == 1
    database.close()
    again = Database()
    again.open(database_path)
    with again.session_scope() as session:
        assert OrderRepository(session).next_number("order") == 4
    again.close()


def test_a_paper_account_keeps_the_cash_it_was_opened_with(session):
    PaperRepository(session, Decimal(500)).add_cash("USDT", Decimal("-0.01"))
    account = PaperRepository(session, Decimal(9)).account("USDT")
    assert (account.starting_cash, account.cash) == (Decimal(500), Decimal("499.99"))


def step(**values) -> Step:
    defaults = {
        "recorded_at": NOON, "symbol": BTC, "timeframe": "1m", "strategy": "sma_cross", "candle_time": NOON, "close": 1.0,
        "signal_value": 0, "indicators": {}, "action": "hold", "reason": "held: signal is neutral", "is_settled": True,
    }  # fmt: skip
    return Step(**{**defaults, **values})


def test_steps_tell_what_was_judged(session):
    steps = StepRepository(session)
    assert steps.last_settled(BTC, "1m") is None
    assert steps.last_close(BTC, "1m") is None
    steps.record(step(signal_value=1, close=2.0))
    steps.record(step(signal_value=1, close=2.0))
    steps.record(step(signal_value=0, candle_time=NOON + timedelta(minutes=1), close=3.0))
    steps.record(step(signal_value=-1, is_settled=False, error="OSError: no", candle_time=NOON + timedelta(minutes=2)))
    steps.record(step(signal_value=None, candle_time=None, close=None, action="no decision", is_settled=False))
    steps.record(step(symbol="ETH/USDT", signal_value=1))
    assert steps.candles_judged(BTC, "1m") == 3
    assert steps.signals_given(BTC, "1m") == 2
    assert steps.last_settled(BTC, "1m").close == 3.0
    assert steps.last_close(BTC, "1m") == 1.0
    assert [found.action for found in steps.latest(BTC, "1m", limit=2)] == ["no decision", "hold"]
    assert steps.latest(BTC, "5m") == []
