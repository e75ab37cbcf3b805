"""The table of scenarios, run through the backtester and through the bot on paper: the same trades, to the cent."""

from functools import partial

import pandas as pd
import pytest

from app.backtesting import backtest
from app.config.models import BotConfig
from app.core.bot import TradingBot
from app.core.clock import ManualClock
from app.core.interfaces import IDataHandler
from app.domain.instrument import Instrument
from app.execution.mock_executor import MockExecutor
from app.execution.paper_limits import PaperLimitExecutor
from app.repositories import SignalRepository, StepRepository, TradeRepository

BTC, MINUTE_MS = "BTC/USDT", 60_000
START = pd.Timestamp("2025-01-01", tz="UTC")


class Handler(IDataHandler):
    """Shows candles one by one; its clock stands at the close of the newest."""

    def __init__(self, frame, instrument):
        self.frame, self.shown, self.clock, self._instrument = frame, 0, ManualClock(), instrument

    def show(self, count):
        self.shown = count
        self.clock._now_ms = int(self.frame.index[count - 1].timestamp() * 1_000) + MINUTE_MS

    def instrument(self, symbol):
        return self._instrument

    def get_historical_data(self, symbol, timeframe, start_date=None, end_date=None, limit=None):
        return self.frame.iloc[: self.shown].tail(limit)

    def get_latest_bar(self, symbol, timeframe):
        return self.frame.iloc[self.shown - 1]


@pytest.fixture
def config(scenario):
    return BotConfig.model_validate(
        {
            "exchange": {
                "name": "binance",
                "market": {"price_tick": "0.01", "quantity_step": "0.001"} | scenario.market,
            },
            "risk": {"max_position_size_usd": 1_000} | scenario.risk,
            "strategy": {"name": "told", "symbol": BTC, "timeframe": "1m"},
            "paper": {"cash": 10_000, "fee_rate": 0, "slippage_bp": 0} | scenario.paper,
            "orders": scenario.orders,
            "db_path": ":memory:",
        }
    )


@pytest.fixture
def frame(scenario):
    rows = {START + pd.Timedelta(minutes=i): row for i, row in enumerate(scenario.rows) if row is not None}
    columns = ["open", "high", "low", "close", "volume"]
    index = pd.DatetimeIndex(list(rows), name="time")
    return pd.DataFrame([list(map(float, row)) for row in rows.values()], columns=columns, index=index)


@pytest.fixture
def strategy(scenario, config):
    return scenario.strategy(config.strategy)


def minute_of(moment):
    return int((pd.Timestamp(moment) - START) / pd.Timedelta(minutes=1))


def test_in_a_backtest(scenario, config, frame, strategy):
    trades = backtest(frame, strategy, config, fill="close").trades
    done = [
        (minute_of(row.exit_time), row.exit_price, round(row.quantity, 3), round(row.pnl, 2), row.exit_reason)
        for row in trades.itertuples()
    ]
    assert [trade for trade in done if trade[-1] != "end"] == scenario.exits
    assert sum(trade[2] for trade in done if trade[-1] == "end") == scenario.held


def test_on_paper(scenario_table, scenario, config, frame, strategy, session):
    trades, signals = TradeRepository(session), SignalRepository(session)
    market = config.exchange.market
    handler = Handler(frame, Instrument(BTC, *market.model_dump().values()))
    paper = config.paper
    styles = config.orders.styles()
    executor = (partial(PaperLimitExecutor, styles=styles) if scenario.orders else MockExecutor)(
        trades, signals, cash=paper.cash, fee_rate=paper.fee_rate, slippage_bp=paper.slippage_bp, clock=handler.clock,
        instrument_of=handler.instrument,
    )  # fmt: skip
    bot = TradingBot(config, handler, strategy, executor, trades, signals)
    for count in range(1, len(frame) + 1):
        handler.show(count)
        bot.run_once()
        bot.run_once()  # again on the same candle: nothing happens twice
    steps = {step.order_id: step for step in StepRepository(session).latest(BTC, "1m", 100) if step.order_id}
    done = [
        (
            minute_of(steps[trade.order_id].candle_time), float(trade.price), float(trade.quantity),
            round(float(trade.pnl), 2), scenario_table.reason_in(steps[trade.order_id].reason),
        )
        for trade in reversed(trades.get_by_symbol(BTC)) if trade.side == "sell"
    ]  # fmt: skip
    assert done == scenario.exits
    assert float(executor.get_position(BTC)["net_quantity"]) == scenario.held
