"""The bot's behaviours, one by one, on real repositories and the real paper executor."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from unittest.mock import MagicMock, Mock

import pandas as pd
import pytest
from sqlalchemy.orm import Session

from app.config.models import BotConfig
from app.core.bot import TradingBot
from app.core.clock import ManualClock, ScaledClock
from app.core.database import Database
from app.core.enums import OrderSide, OrderType
from app.core.interfaces import BaseStrategy, IDataHandler, IExecutor
from app.domain.errors import ConfigError, DataError, KeyRevoked, OrderRejected, OutcomeUnknown
from app.execution.mock_executor import MockExecutor
from app.repositories import OrderRepository, SignalRepository, StepRepository, TradeRepository
from app.strategies.sma_cross import SmaCrossStrategy

MINUTE_MS = 60_000
MINUTE = pd.Timedelta(minutes=1)
START = pd.Timestamp("2025-01-01", tz="UTC")
BTC = "BTC/USDT"


class TableHandler(IDataHandler):
    """Candles from a frame; the newest `shown` of them exist. Its clock stands at the close of the newest."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self.asked: list[dict[str, Any]] = []
        self.clock = ManualClock()
        self.failure: Exception | None = None
        self.show(len(frame))

    def show(self, shown: int) -> None:
        self.shown = self.frame.iloc[:shown]
        if shown:
            self.clock._now_ms = int(self.shown.index[-1].timestamp() * 1000) + MINUTE_MS

    def get_historical_data(self, symbol, timeframe, start_date=None, end_date=None, limit=None):
        self.asked.append({"symbol": symbol, "timeframe": timeframe, "limit": limit})
        if self.failure:
            raise self.failure
        return self.shown.tail(limit)

    def get_latest_bar(self, symbol, timeframe):
        return self.shown.iloc[-1]


class Scripted(BaseStrategy):
    """Signals from the close itself: 101 buys, 99 sells, anything else is neutral."""

    def calculate_indicators(self, df):
        return df.assign(half=df["close"] / 2)

    def generate_signals(self, df):
        return df.assign(signal=(df["close"] == 101).astype(int) - (df["close"] == 99).astype(int))


class RefusingExecutor(MockExecutor):
    """A paper executor that fails on demand."""

    failure: Exception | None = None

    def execute_order(self, symbol, side, quantity, order_type=OrderType.MARKET, price=None):
        if self.failure:
            raise self.failure
        return super().execute_order(symbol, side, quantity, order_type, price)


@dataclass
class Desk:
    """A bot and everything around it."""

    bot: TradingBot
    handler: TableHandler
    executor: RefusingExecutor
    trades: TradeRepository
    signals: SignalRepository
    steps: StepRepository
    session: Session

    def run(self, count: int) -> None:
        """One cycle for each of the first `count` candles that are not shown yet."""
        for shown in range(1, count + 1):
            self.handler.show(shown)
            self.bot.run_once()

    def sides(self) -> list[str]:
        return [trade.side.value for trade in reversed(self.trades.get_by_symbol(BTC))]

    def reasons(self) -> list[str]:
        return [step.reason for step in reversed(self.steps.latest(BTC, "1m", 1000))]


@pytest.fixture
def desk(session, bot_config, candles) -> Callable[..., Desk]:
    def make(closes, strategy=Scripted, config: BotConfig = bot_config, **options) -> Desk:
        trades, signals = TradeRepository(session), SignalRepository(session)
        handler = TableHandler(candles(closes) if isinstance(closes, list) else closes)
        executor = RefusingExecutor(trades, signals, clock=handler.clock)
        config = config.model_copy(deep=True)
        if issubclass(strategy, Scripted):
            config.strategy.params = {}
        bot = TradingBot(config, handler, strategy(config.strategy), executor, trades, signals, **options)
        return Desk(bot, handler, executor, trades, signals, StepRepository(session), session)

    return make


# --- initialisation


def test_a_new_bot_knows_its_market_and_has_no_signal_yet(desk):
    bot = desk([100.0]).bot
    assert (bot.symbol, bot.timeframe, bot.last_signal_value) == (BTC, "1m", None)


def test_the_buffer_is_the_slow_window_and_a_margin_or_a_longer_warm_up(desk):
    class Slow(SmaCrossStrategy):
        warmup = 500

    assert desk([100.0], SmaCrossStrategy).bot.buffer_size == 24
    assert desk([100.0], Slow).bot.buffer_size == 500
    assert desk([100.0]).bot.buffer_size == 70


# --- run_once


def test_a_cycle_asks_for_the_newest_candles_of_its_market(desk):
    at = desk([100.0] * 30, SmaCrossStrategy)
    at.bot.run_once()
    assert at.handler.asked == [{"symbol": BTC, "timeframe": "1m", "limit": 24}]


def test_a_cycle_saves_the_signal_with_the_candles_time_price_and_indicators(desk):
    at = desk([100.0, 100.0, 101.0])
    at.bot.run_once()
    saved = at.signals.get_latest(1)[0]
    assert (saved.symbol, saved.signal_value, saved.timestamp) == (BTC, 1, START + pd.Timedelta("2min"))
    assert saved.signal_metadata == {"price": 101.0, "close": 101.0, "half": 50.5}
    assert at.bot.last_signal_value == 1


def test_errors_of_strategy_data_and_executor_come_out(desk):
    class Broken(Scripted):
        def calculate_indicators(self, df):
            raise ZeroDivisionError("by design")

    at = desk([100.0], Broken)
    with pytest.raises(ZeroDivisionError, match="by design"):
        at.bot.run_once()
    assert "test_bot.py line" in at.steps.latest(BTC, "1m")[0].error
    at = desk([101.0])
    at.executor.failure = OutcomeUnknown("no answer")
    with pytest.raises(OutcomeUnknown, match="no answer"):
        at.bot.run_once()
    at.handler.failure = DataError("no candles")
    with pytest.raises(DataError, match="no candles"):
        at.bot.run_once()


def test_without_candles_there_is_no_decision_and_no_error(desk):
    at = desk([100.0])
    at.handler.show(0)
    at.bot.run_once()
    assert at.reasons() == ["no decision: 0 closed candles, 1 needed"]
    assert at.signals.get_signal_count() == 0


# --- trading logic, as tables: closes in, sides out


@pytest.mark.parametrize(
    ("closes", "sides"),
    [
        pytest.param([100, 101, 100, 99, 100], ["buy", "sell"], id="round trip"),
        pytest.param([100, 101, 101, 101], ["buy"], id="an unchanged signal does nothing"),
        pytest.param([101, 100, 101], ["buy"], id="a buy while long does nothing"),
        pytest.param([99, 100, 99], [], id="a sell while flat does nothing"),
        pytest.param([100, 100, 100], [], id="neutral does nothing"),
        pytest.param([101, 99, 101, 99], ["buy", "sell", "buy", "sell"], id="reversal without a neutral candle"),
        pytest.param([99, 101], ["buy"], id="buy after a sell that had nothing to sell"),
    ],
)
def test_signals_become_trades(desk, closes, sides):
    at = desk([float(close) for close in closes])
    at.run(len(closes))
    assert at.sides() == sides


def test_a_sale_takes_the_whole_position_whatever_its_size(desk):
    at = desk([100.0, 99.0])
    at.trades.create(BTC, OrderSide.BUY, 100, Decimal("3.21"), None, START)
    at.bot.run_once()
    assert at.trades.get_by_symbol(BTC)[0].quantity == Decimal("3.21")
    assert at.executor.get_position(BTC)["is_flat"]


def test_several_cycles_within_one_candle_trade_once(desk):
    at = desk([100.0, 101.0])
    for _ in range(3):
        at.bot.run_once()
    assert at.sides() == ["buy"]
    assert at.reasons()[1:] == ["held: signal unchanged"] * 2


def test_the_trade_is_at_the_candles_close_with_slippage(desk):
    at = desk([100.0, 101.0])
    at.bot.run_once()
    assert at.trades.get_by_symbol(BTC)[0].price == Decimal("101.0101")


def test_a_moving_average_cross_trades_at_the_cross(desk):
    closes = [100.0] * 6 + [110.0] * 4 + [90.0] * 6
    at = desk(closes, SmaCrossStrategy)
    at.run(len(closes))
    assert at.sides() == ["buy", "sell"]
    bought, sold = reversed([step for step in at.steps.latest(BTC, "1m", 100) if step.order_id])
    assert (bought.candle_time, sold.candle_time) == (START + pd.Timedelta("6min"), START + pd.Timedelta("10min"))
    assert bought.indicators == {"close": 110.0, "sma_fast": 105.0, "sma_slow": 102.5}


# --- quantity


@pytest.mark.parametrize(
    ("price", "quantity"),
    [
        pytest.param(Decimal(50_000), Decimal("0.02"), id="exact"),
        pytest.param(Decimal(30_000), Decimal("0.03333333"), id="rounded down to the step"),
        pytest.param(50_000.0, 0.02, id="a float for a float"),
    ],
)
def test_the_quantity_is_the_position_size_divided_by_the_price(desk, price, quantity):
    answer = desk([100.0]).bot._calculate_order_quantity(price)
    assert answer == quantity
    assert type(answer) is type(quantity)


def test_a_purchase_that_rounds_to_nothing_is_held_with_its_reason(desk, bot_config):
    bot_config.risk.max_position_size_usd = Decimal("0.0000001")
    at = desk([101.0], config=bot_config)
    at.bot.run_once()
    assert at.sides() == []
    assert at.reasons() == [
        "held: buy signal, but the quantity is below the market's minimum, or would be at its stop "
        "(quantity rounds down to zero on the step 0.00000001)"
    ]


# --- indicators


def test_extracted_indicators_are_the_last_rows_own_columns_and_the_close(desk, candles):
    frame = candles([1.0, 2.0]).assign(rsi=[10.0, 20.0], signal=[0, 1])
    assert desk([100.0]).bot._extract_indicators(frame) == {"close": 2.0, "rsi": 20.0}


def test_inside_the_warm_up_there_is_no_decision(desk):
    at = desk([100.0, 90.0, 101.0, 120.0], SmaCrossStrategy)
    at.run(4)
    assert at.reasons() == [f"no decision: {count} closed candles, 5 needed" for count in (1, 2, 3, 4)]
    assert at.signals.get_signal_count() == 0


def test_an_indicator_that_is_nan_is_recorded_as_null(desk):
    class Unsure(Scripted):
        def calculate_indicators(self, df):
            return df.assign(half=float("nan"), shape=[[1, 2]] * len(df))

    at = desk([101.0], Unsure)
    at.bot.run_once()
    assert at.signals.get_latest(1)[0].signal_metadata == {
        "price": 101.0,
        "close": 101.0,
        "half": None,
        "shape": "[1, 2]",
    }
    assert at.steps.latest(BTC, "1m")[0].order_id == "paper-000001"


# --- signal persistence


@pytest.mark.fault(39)
def test_a_failure_to_save_a_signal_is_logged_and_does_not_stop_trading(desk, caplog):
    class FailingSignals(SignalRepository):
        def create(self, *args, **kwargs):
            raise OSError("disk full")

    at = desk([101.0])
    at.bot.signal_repo = FailingSignals(at.session)
    with caplog.at_level(logging.ERROR):
        at.bot.run_once()
    assert "Failed to save signal" in caplog.text
    assert at.sides() == ["buy"]


def test_the_signal_is_saved_also_when_the_order_fails(desk):
    at = desk([101.0])
    at.executor.failure = OutcomeUnknown("no answer")
    with pytest.raises(OutcomeUnknown):
        at.bot.run_once()
    assert at.signals.get_latest(1)[0].signal_value == 1
    step = at.steps.latest(BTC, "1m")[0]
    assert (step.error, step.action, step.is_settled) == ("OutcomeUnknown: no answer", "enter", False)


# --- after a failure


def test_a_failed_order_is_tried_again_in_the_next_cycle(desk):
    at = desk([101.0])
    at.executor.failure = OutcomeUnknown("no answer")
    with pytest.raises(OutcomeUnknown):
        at.bot.run_once()
    at.executor.failure = None
    at.bot.run_once()
    assert at.sides() == ["buy"]


def test_a_refused_order_is_not_tried_again_for_the_same_signal(desk):
    at = desk([101.0])
    at.executor.failure = OrderRejected("market closed")
    with pytest.raises(OrderRejected):
        at.bot.run_once()
    at.executor.failure = None
    at.bot.run_once()
    assert at.sides() == []
    assert at.reasons()[-1] == "held: signal unchanged"


# --- candles that cannot be decided upon


@pytest.mark.fault(20)
def test_a_hole_in_the_window_means_no_decision_and_says_how_many_candles_are_missing(desk, candles):
    frame = candles([100.0] * 9 + [101.0])
    at = desk(frame.drop(frame.index[3:6]))
    at.bot.run_once()
    assert at.sides() == []
    assert at.reasons() == ["no decision: 3 candles missing since 2025-01-01 00:03"]


@pytest.mark.fault(19)
def test_the_open_candle_is_not_judged(desk):
    at = desk([100.0, 100.0, 101.0])
    at.handler.clock = ManualClock(int(START.timestamp() * 1000) + 2 * MINUTE_MS + 59_999)
    bot = TradingBot(at.bot.config, at.handler, at.bot.strategy, at.executor, at.trades, at.signals)
    bot.run_once()
    assert at.sides() == []
    assert at.steps.latest(BTC, "1m")[0].candle_time == START + pd.Timedelta("1min")


@pytest.mark.fault(20)
def test_a_late_candle_is_not_traded_upon(desk):
    at = desk([100.0, 101.0])
    at.handler.clock.wait_until(at.handler.clock.now_ms() + 5 * MINUTE_MS, threading.Event())
    at.bot.run_once()
    assert at.sides() == []
    assert at.reasons() == ["no decision: the newest candle is 5 candles late"]


def test_a_clock_that_goes_back_leads_to_no_second_judgement(desk):
    at = desk([100.0, 101.0, 99.0, 100.0])
    at.run(4)
    again = TradingBot(at.bot.config, at.handler, at.bot.strategy, at.executor, at.trades, at.signals)
    at.handler.show(2)
    again.run_once()
    assert at.sides() == ["buy", "sell"]
    assert at.reasons()[-1] == "no decision: the candle of 2025-01-01 00:01 is older than the last one judged, 00:03"


@pytest.mark.fault(20)
def test_duplicated_and_disordered_candles_are_put_right_and_logged(desk, candles, caplog):
    frame = candles([100.0, 100.0, 101.0])
    at = desk(pd.concat([frame.iloc[[1]], frame.iloc[[0]], frame.iloc[[1]], frame.iloc[[2]]]))
    with caplog.at_level(logging.WARNING):
        at.bot.run_once()
    assert at.sides() == ["buy"]
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) >= 1


def test_a_sell_signal_that_went_by_unjudged_is_caught_up(desk):
    at = desk([100.0, 101.0, 100.0, 99.0, 100.0])
    at.run(2)
    at.handler.show(5)
    at.bot.run_once()
    assert at.sides() == ["buy", "sell"]
    assert at.reasons()[-1].endswith("(caught up: signal of 2025-01-01 00:03)")


@pytest.mark.fault(20)
def test_an_entry_that_went_by_unjudged_is_too_old(desk):
    at = desk([100.0, 101.0, 100.0])
    at.run(1)
    at.handler.show(3)
    at.bot.run_once()
    assert at.sides() == []
    assert at.reasons()[-1] == "held: signal is neutral (1 candles went by unjudged)"


# --- restart


def test_a_step_that_a_dying_process_left_is_completed_with_its_order(desk):
    at = desk([101.0])
    at.bot._memory.complete = lambda *_: None
    at.bot.run_once()
    assert [step.order_id for step in at.steps.latest(BTC, "1m", 5)] == [None]
    again = TradingBot(at.bot.config, at.handler, at.bot.strategy, at.executor, at.trades, at.signals)
    assert again.last_signal_value == 1
    assert [step.order_id for step in at.steps.latest(BTC, "1m", 5)] == ["paper-000001"]


def test_the_last_signal_comes_back_from_the_database(desk):
    at = desk([101.0])
    at.bot.run_once()
    again = TradingBot(at.bot.config, at.handler, at.bot.strategy, at.executor, at.trades, at.signals)
    assert again.last_signal_value == 1
    again.run_once()
    assert at.sides() == ["buy"]


def test_signals_that_other_code_saved_count_as_the_last_signal(desk, session):
    SignalRepository(session).create(BTC, -1, {}, START)
    assert desk([100.0]).bot.last_signal_value == -1


def test_an_order_that_failed_before_the_restart_is_tried_again_after_it(desk):
    at = desk([101.0])
    at.executor.failure = OutcomeUnknown("no answer")
    with pytest.raises(OutcomeUnknown):
        at.bot.run_once()
    at.executor.failure = None
    again = TradingBot(at.bot.config, at.handler, at.bot.strategy, at.executor, at.trades, at.signals)
    again.run_once()
    assert at.sides() == ["buy"]


@pytest.mark.parametrize(
    ("status", "filled", "traded"), [("rejected", 0, 2), ("filled", 1, 1)], ids=["never arrived", "executed"]
)
def test_a_step_that_was_left_half_done_waits_for_the_fate_of_its_order(desk, status, filled, traded):
    at = desk([101.0])
    at.bot._memory.complete = lambda *_: None
    at.bot.run_once()
    order = OrderRepository(at.session).by_symbol(BTC)[0]
    at.executor.execute_order(BTC, OrderSide.SELL, at.executor.get_position(BTC)["net_quantity"], price=101)
    OrderRepository(at.session).by_symbol(BTC)[0].timestamp = START
    order.status, order.filled = "submitted", 0
    at.session.commit()
    again = TradingBot(at.bot.config, at.handler, at.bot.strategy, at.executor, at.trades, at.signals)
    assert again.last_signal_value is None
    order.status, order.filled = status, filled
    at.session.commit()
    again.run_once()
    assert at.sides().count("buy") == traded


def test_a_step_that_died_before_its_order_is_not_completed_with_an_older_order(desk):
    at = desk([100.0, 101.0, 99.0])
    at.run(2)
    at.handler.show(3)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    at.executor.execute_order, at.bot._memory.complete = die, lambda *_: None
    with pytest.raises(KeyboardInterrupt):
        at.bot.run_once()
    del at.executor.execute_order
    for order in OrderRepository(at.session).by_symbol(BTC):
        order.timestamp = START + pd.Timedelta("1D")  # an exchange whose clock is ahead
    at.session.commit()
    again = TradingBot(at.bot.config, at.handler, at.bot.strategy, at.executor, at.trades, at.signals)
    again.run_once()
    assert at.sides() == ["buy", "sell"]


# --- integration


def test_the_specifications_chain_runs_on_a_file(tmp_path, bot_config, candles):
    database = Database()
    database.open(tmp_path / "keel.db")
    with database.session_scope() as session:
        trades, signals = TradeRepository(session), SignalRepository(session)
        handler = TableHandler(candles([100.0] * 6 + [110.0] * 2))
        executor: IExecutor = MockExecutor(trades, signals)
        bot = TradingBot(bot_config, handler, SmaCrossStrategy(bot_config.strategy), executor, trades, signals)
        for shown in (6, 7, 8):
            handler.show(shown)
            bot.run_once()
        assert [trade.side for trade in trades.get_by_symbol(BTC)] == ["buy"]
        assert signals.get_signal_count() == 3
    database.close()


def test_every_cycle_leaves_one_step_that_explains_it(desk):
    at = desk([100.0, 101.0, 101.0, 99.0])
    at.run(4)
    assert at.reasons() == [
        "held: signal is neutral",
        "entered: buy signal while flat",
        "held: signal unchanged",
        "exited: sell signal while long 9.90099009",
    ]
    bought = at.steps.latest(BTC, "1m", 3)[-1]
    assert bought.order_id == "paper-000001"
    assert bought.indicators == {"close": 101.0, "half": 50.5}


# --- start


def stop_after(bot: TradingBot, cycles: int) -> list[int]:
    """Let the bot stop itself after some cycles; the list counts them."""
    run_once, done = bot.run_once, []

    def counted() -> None:
        done.append(len(done) + 1)
        if len(done) >= cycles:
            bot.stop()
        run_once()

    bot.run_once = counted
    return done


def test_start_runs_a_cycle_for_each_candle_until_it_is_stopped(desk):
    at = desk([100.0] * 5)
    at.handler.show(1)
    done = stop_after(at.bot, 4)
    at.bot.start(sleep_seconds=60)
    assert done == [1, 2, 3, 4]


@pytest.mark.fault(39)
def test_start_logs_an_error_with_its_traceback_and_goes_on(desk, caplog):
    at = desk([101.0])
    at.handler.failure = DataError("exchange is away")
    done = stop_after(at.bot, 3)
    with caplog.at_level(logging.INFO):
        at.bot.start(sleep_seconds=60)
    errors = [record for record in caplog.records if record.message == "Error in trading cycle"]
    assert done == [1, 2, 3]
    assert len(errors) == 3
    assert errors[0].exc_info[0] is DataError


def test_where_time_jumps_a_cycle_is_repeated_on_its_candle_and_then_given_up(desk):
    at = desk([100.0])
    at.handler.failure = DataError("exchange is away")
    before = at.handler.clock.now_ms()
    with pytest.raises(DataError, match="away"):
        at.bot.start(sleep_seconds=60)
    assert at.handler.clock.now_ms() == before
    assert len(at.handler.asked) == 5


def test_a_cycle_that_fails_for_a_while_where_time_jumps_loses_no_candle(desk):
    at = desk([100.0, 101.0, 100.0])
    at.handler.show(2)
    at.executor.failure = OutcomeUnknown("no answer")
    run_once, attempts = at.bot.run_once, []

    def mended() -> None:
        attempts.append(1)
        if len(attempts) == 3:
            at.executor.failure = None
            at.bot.stop()
        run_once()

    at.bot.run_once = mended
    at.bot.start(sleep_seconds=60)
    assert at.sides() == ["buy"]


@pytest.mark.parametrize("error", [ConfigError("no such market"), KeyRevoked("no such key")], ids=["settings", "key"])
def test_what_no_repetition_can_mend_ends_the_bot(desk, error):
    at = desk([100.0])
    at.handler.failure = error
    with pytest.raises(type(error)):
        at.bot.start(sleep_seconds=60)
    assert len(at.handler.asked) == 1


def test_a_refused_order_is_no_failing_cycle(desk):
    at = desk([101.0])
    at.executor.failure = OrderRejected("market closed")
    done = stop_after(at.bot, 2)
    at.bot.start(sleep_seconds=60)
    assert done == [1, 2]


def test_ctrl_c_inside_a_cycle_ends_start_without_a_traceback(desk):
    at = desk([100.0])

    def interrupted() -> None:
        raise KeyboardInterrupt

    at.bot.run_once = interrupted
    at.bot.start(sleep_seconds=1)
    assert at.handler.asked == []


def test_start_ends_with_a_clock_that_runs_by_itself_also_when_the_last_cycle_fails(desk):
    at = desk([100.0] * 3)
    at.handler.failure = DataError("exchange is away")
    clock = ScaledClock(at.handler.clock.now_ms(), 1_000, end_ms=at.handler.clock.now_ms() + 5)
    bot = TradingBot(at.bot.config, at.handler, at.bot.strategy, at.executor, at.trades, at.signals, clock=clock)
    bot.start(sleep_seconds=0.01)
    assert clock.ended()


def test_start_ends_with_the_clock(desk):
    at = desk([100.0] * 3)
    at.handler.clock = ManualClock(at.handler.clock.now_ms(), end_ms=at.handler.clock.now_ms() + 3 * MINUTE_MS)
    bot = TradingBot(at.bot.config, at.handler, at.bot.strategy, at.executor, at.trades, at.signals)
    bot.start(sleep_seconds=60)
    assert at.handler.clock.ended()
    assert len(at.handler.asked) >= 2


# --- the specification's own way of testing: stand-ins for all collaborators


@pytest.mark.parametrize("zone", ["UTC", None])
@pytest.mark.parametrize("with_spec", [True, False])
def test_a_bot_runs_on_stand_ins_for_all_its_collaborators(bot_config, candles, zone, with_spec):
    types = (IDataHandler, BaseStrategy, IExecutor, TradeRepository, SignalRepository)
    handler, strategy, executor, trades, signals = (Mock(spec=kind) if with_spec else MagicMock() for kind in types)
    frame = candles([100.0] * 30).tz_localize(None) if zone is None else candles([100.0] * 30)
    handler.get_historical_data.return_value = frame
    strategy.calculate_indicators.return_value = frame.assign(sma_fast=1.0)
    strategy.generate_signals.return_value = frame.assign(sma_fast=1.0, signal=[0] * 29 + [1])
    executor.get_position.return_value = {"net_quantity": 0.0, "total_buys": 0.0, "total_sells": 0.0, "is_flat": True}
    bot = TradingBot(bot_config, handler, strategy, executor, trades, signals)
    assert bot.last_signal_value is None
    bot.run_once()
    assert executor.execute_order.call_args.kwargs["side"] is OrderSide.BUY
    saved = signals.create.call_args.kwargs
    assert (saved["signal_value"], saved["timestamp"], saved["signal_metadata"]["sma_fast"]) == (
        1,
        START + 29 * MINUTE,
        1,
    )
    assert bot.last_signal_value == 1


def test_after_each_good_cycle_the_executor_gets_ready_and_a_silent_exchange_does_not_stop_the_bot(desk):
    desk = desk([100, 101, 102])
    asked = []

    def get_ready(symbol):
        asked.append(symbol)
        desk.bot.stop()
        raise DataError("no answer")

    desk.executor.get_ready = get_ready
    desk.bot.start(sleep_seconds=0.1)
    assert asked == [BTC]
    assert desk.bot.last_signal_value is not None
