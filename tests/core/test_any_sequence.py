"""Whatever the market does, the strategy signals and a person asks for: the promises of the risk gate, by the whole bot."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from app.config.models import BotConfig
from app.core.bot import TradingBot
from app.core.clock import ManualClock
from app.core.database import Base
from app.core.enums import OrderSide
from app.core.interfaces import BaseStrategy, IDataHandler
from app.core.kill_switch import KillSwitch, Wish
from app.core.sqlite import IN_MEMORY, sqlite_engine
from app.execution.paper_limits import PaperLimitExecutor
from app.repositories import OrderRepository, SignalRepository, StepRepository, TradeRepository
from app.risk.limits import HALTED, REDUCING

BTC = "BTC/USDT"
MOST = 9_000
START = pd.Timestamp("2025-01-01 23:57", tz="UTC")  # a day ends on the way
RISK = {
    "max_position_size_usd": MOST,
    "max_entries": 2,
    "stop_loss_pct": 0.01,
    "take_profit_pct": 0.2,
    "exits": {"take_profit_stages": [{"profit_pct": 0.1, "close_share": 0.5}]},
    "limits": {"max_daily_loss_pct": 0.01, "max_drawdown_pct": 0.02, "max_symbol_share": 0.95},
}


@dataclass(frozen=True)
class Minute:
    """Attributes: move of the price, how far it swings, whether anything is traded, the signal, what a person asks for."""

    move: float
    swing: float
    trades: bool
    signal: int
    wish: Wish | None


MINUTES = st.lists(
    st.builds(
        Minute,
        move=st.sampled_from([0.95, 0.99, 0.995, 1.0, 1.005, 1.01, 1.05]),
        swing=st.sampled_from([0.0, 0.004, 0.03]),
        trades=st.sampled_from([True, True, True, False]),
        signal=st.sampled_from([1, 1, -1, 0, 0]),
        wish=st.sampled_from([None] * 12 + list(Wish)),
    ),
    min_size=6,
    max_size=24,
)


LOSS_BESIDE_AN_ENTRY = [  # bought 3 % lower, up; the next day another entry rests 3 % lower while the price falls
    Minute(1.0, 0.0, True, 1, None),
    Minute(1.0, 0.032, True, 0, None),
    Minute(1.05, 0.0, True, 0, None),
    Minute(1.0, 0.0, True, 1, None),
    Minute(0.975, 0.0, True, 0, None),
    Minute(1.0, 0.0, True, 0, None),
]


class Market(IDataHandler):
    """A market, minute by minute."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, ...]] = []
        self.clock = ManualClock()

    def pass_by(self, minute: Minute) -> None:
        opened = self.rows[-1][3] if self.rows else 100.0
        close = min(max(round(opened * minute.move, 2), 20.0), 500.0)
        high, low = max(opened, close) * (1 + minute.swing), min(opened, close) * (1 - minute.swing)
        self.rows.append((opened, round(high, 2), round(low, 2), close, float(minute.trades) * 10))
        self.clock._now_ms = int((START + pd.Timedelta(minutes=len(self.rows))).timestamp() * 1_000)

    def get_historical_data(self, symbol, timeframe, start_date=None, end_date=None, limit=None):
        index = pd.date_range(START, periods=len(self.rows), freq="min", name="time")
        columns = ["open", "high", "low", "close", "volume"]
        return pd.DataFrame(self.rows, index=index, columns=columns).tail(limit)

    def get_latest_bar(self, symbol, timeframe):
        return self.get_historical_data(symbol, timeframe, limit=1).iloc[0]


class Told(BaseStrategy):
    """Signals what it is told."""

    warmup = 1
    signal = 0

    def calculate_indicators(self, df):
        return df

    def generate_signals(self, df):
        return df.assign(signal=[*[0] * (len(df) - 1), self.signal]).astype({"signal": "int8"})


@pytest.fixture
def folder(tmp_path_factory) -> Iterator[Path]:
    return tmp_path_factory.mktemp("any")


def make_bot(config: BotConfig, market: Market, session: Session) -> TradingBot:
    trades, signals = TradeRepository(session), SignalRepository(session)
    executor = PaperLimitExecutor(
        trades, signals, cash=Decimal(10_000), styles=config.orders.styles(), clock=market.clock
    )
    return TradingBot(config, market, Told(config.strategy), executor, trades, signals)


def ids(session: Session) -> dict[str, OrderSide]:
    return {order.id: order.side for order in OrderRepository(session).by_symbol(BTC, 1_000)}


@pytest.mark.parametrize("kind", ["market", "limit"])
@given(minutes=MINUTES, restarts=st.booleans())
@example(minutes=LOSS_BESIDE_AN_ENTRY, restarts=False)
@settings(
    max_examples=20,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink a bot's life takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_sequence_of_signals_and_prices_breaks_a_promise(folder, kind, minutes, restarts):
    style = {"type": kind, "time_to_live_s": 180, "max_repricings": 2, "limit_offset_bp": 300}
    config = BotConfig.model_validate(
        {
            "exchange": {"name": "binance"},
            "risk": RISK,
            "strategy": {"name": "told", "symbol": BTC, "timeframe": "1m"},
            "orders": {"entry": style, "exit": style | {"limit_offset_bp": 0}},
            "db_path": str(folder / "keel.db"),
        }
    )
    engine = sqlite_engine(IN_MEMORY)
    Base.metadata.create_all(engine)
    market, switch = Market(), KillSwitch(config.db_path)
    switch.clear()
    with Session(engine, expire_on_commit=False) as session:
        bot = make_bot(config, market, session)
        for number, minute in enumerate(minutes, 1):
            market.pass_by(minute)
            bot.strategy.signal = minute.signal
            if minute.wish is not None:
                switch.ask(minute.wish)
            before, known = bot._desk.book.standing, ids(session)
            bot.run_once()
            assert_promises(bot, session, number, minute, before, known)
            if restarts:
                bot = make_bot(config, market, session)
    engine.dispose()


def assert_promises(bot, session, number, minute, before, known) -> None:
    after, position = bot._desk.book.standing, bot.trade_repo.position(BTC)
    new = {name: side for name, side in ids(session).items() if name not in known}
    if before is not None and before.state == HALTED and minute.wish not in {Wish.RESUME, Wish.HALT_AND_CLOSE}:
        assert new == {}, "an order while everything is halted"
    if before is not None and before.state == after.state == REDUCING and before.day == after.day:
        assert OrderSide.BUY not in new.values(), "an entry while only exits are allowed"
    if after.state == HALTED:
        assert bot.executor.resting_order(BTC) is None, "an order rests while everything is halted"
    if after.state == REDUCING:
        assert bot.executor.resting_order(BTC) is None or not str(bot.executor.resting_order(BTC)).startswith("buy")
    assert position.quantity >= 0, "more was sold than was held"
    assert position.cost <= MOST * Decimal("1.02"), "a position above its limit"  # fees, and an entry follows 1 %
    steps = StepRepository(session).latest(BTC, "1m", 1_000)
    assert len(steps) >= number
    assert all(len(step.reason) > 10 for step in steps), "a step without a reason"
