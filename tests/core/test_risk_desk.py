"""The bot's own part of risk: candles that went by, halts, refusals in words, levels over restarts."""

import importlib.util
import math
from decimal import Decimal
from pathlib import Path

import pytest

from app.config.models import BotConfig
from app.core.bot import TradingBot
from app.core.interfaces import BidAsk
from app.domain.protection import Protection
from app.execution.mock_executor import MockExecutor
from app.repositories import RiskRepository, SignalRepository, StepRepository, TradeRepository

_SPEC = importlib.util.spec_from_file_location("switch", Path(__file__).parent / "test_kill_switch.py")
_SWITCH = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_SWITCH)
BTC, Handler, Scripted = _SWITCH.BTC, _SWITCH.Handler, _SWITCH.Scripted


class Quoted(Handler):
    """Knows the market's book."""

    top = None

    def get_bid_ask(self, symbol):
        return self.top


class Watched(MockExecutor):
    """Remembers under which levels it was told that the position is."""

    wanted = None

    def protect(self, symbol, protection):
        self.wanted = protection


@pytest.fixture
def desk(session, candles):
    def make(closes, risk=None, cash=10_000):
        config = BotConfig.model_validate(
            {
                "exchange": {"name": "binance"},
                "risk": {"max_position_size_usd": 1_010, **(risk or {})},
                "strategy": {"name": "scripted", "symbol": BTC, "timeframe": "1m"},
                "db_path": ":memory:",
            }
        )
        trades, signals = TradeRepository(session), SignalRepository(session)
        handler = Quoted(candles(closes))

        def start():
            executor = Watched(
                trades, signals, cash=Decimal(cash), fee_rate=Decimal(0), slippage_bp=Decimal(0), clock=handler.clock
            )
            return TradingBot(config, handler, Scripted(config.strategy), executor, trades, signals)

        return handler, start

    return make


def run(handler, bot, *counts):
    for count in counts:
        handler.show(count)
        bot.run_once()


def traded(bot):
    return [(trade.side.value, float(trade.price)) for trade in reversed(bot.trade_repo.get_by_symbol(BTC))]


def reasons(session):
    return [step.reason for step in reversed(StepRepository(session).latest(BTC, "1m", 100))]


def test_a_stop_that_was_passed_while_the_bot_was_down_sells_at_its_level(desk, session):
    handler, start = desk([100.0, 101.0, 100.0, 96.0, 100.0, 100.0], {"stop_loss_pct": 0.02})
    run(handler, start(), 1, 2)
    again = start()
    run(handler, again, 6)
    assert traded(again) == [("buy", 101.0), ("sell", 98.98)]
    assert "exited: stop loss reached, at 98.98" in reasons(session)


def test_levels_survive_a_restart(desk, session):
    risk = {"stop_loss_pct": 0.05, "exits": {"trailing_stop_pct": 0.02, "trailing_from_pct": 0}}
    handler, start = desk([100.0, 101.0, 110.0, 109.0], risk)
    run(handler, start(), 1, 2, 3)
    before = RiskRepository(session).position(BTC)
    assert before.held.stop == pytest.approx(107.8)
    again = start()
    assert again._desk.book.position == before
    run(handler, again, 4)
    assert again.executor.wanted == Protection(before.quantity, Decimal("107.8"), None, Decimal(0))


def test_without_a_position_nothing_is_to_be_protected(desk):
    handler, start = desk([100.0, 101.0, 99.0])
    bot = start()
    bot.executor.wanted = "something"
    run(handler, bot, 1, 2, 3)
    assert bot.executor.wanted is None


def test_a_position_without_levels_gets_them_from_the_ledger(desk, session):
    handler, start = desk([100.0, 100.0, 96.0], {"stop_loss_pct": 0.02})
    bot = start()
    run(handler, bot, 1)
    bot.executor.execute_order(BTC, "buy", Decimal(1), price=100)
    run(handler, bot, 2, 3)
    assert traded(bot) == [("buy", 100.0), ("sell", 98.0)]


@pytest.mark.parametrize(
    ("limits", "top", "words"),
    [
        pytest.param({"max_spread_pct": 0.01}, BidAsk(100.0, 101.5), "risk.limits.max_spread_pct", id="a wide spread"),
        pytest.param({"price_band_pct": 0.01}, BidAsk(103.0, 103.1), "risk.limits.price_band_pct", id="a price that ran away"),
        pytest.param({"max_spread_pct": 0.01}, BidAsk(math.nan, 101.0), "NaN", id="a book without numbers"),
    ],
)  # fmt: skip
def test_the_market_itself_may_forbid_an_entry(desk, session, limits, top, words):
    handler, start = desk([100.0, 101.0], {"limits": limits})
    handler.top, bot = top, start()
    run(handler, bot, 1, 2)
    assert traded(bot) == []
    assert reasons(session)[-1].startswith("held: buy signal, but ")
    assert words in reasons(session)[-1]
    assert bot._desk.book.is_halted is ("NaN" in words)


def test_a_book_within_the_limits_or_unknown_forbids_nothing(desk):
    handler, start = desk([100.0, 101.0], {"limits": {"max_spread_pct": 0.01, "price_band_pct": 0.01}})
    bot = start()
    run(handler, bot, 1, 2)
    assert traded(bot) == [("buy", 101.0)]


def test_orders_of_the_last_minute_are_counted(desk, session):
    handler, start = desk([100.0, 101.0])
    bot = start()
    run(handler, bot, 1, 2)
    risk, now_ms = RiskRepository(session), handler.clock.now_ms()
    assert [risk.orders_since(now_ms - ago) for ago in (60_000, 1, 0)] == [1, 1, 0]


def test_a_drawdown_halts_until_a_person_resumes(desk, session):
    handler, start = desk([100.0, 101.0, 80.0, 101.0, 100.0, 101.0], {"limits": {"max_drawdown_pct": 0.02}})
    bot = start()
    run(handler, bot, 1, 2, 3, 4, 5, 6)
    assert traded(bot) == [("buy", 101.0), ("sell", 80.0)]
    assert any("risk.limits.max_drawdown_pct" in reason and reason.startswith("exited") for reason in reasons(session))
    assert reasons(session)[-1].startswith("no decision: halted: the account fell")


def test_an_entry_takes_no_more_than_the_cash(desk, session):
    handler, start = desk([100.0, 101.0], cash=505)
    bot = start()
    run(handler, bot, 1, 2)
    assert float(bot.executor.get_position(BTC)["net_quantity"]) == pytest.approx(5.0, rel=1e-6)
    assert bot.executor.get_cash(BTC) >= 0
