"""The table's scenarios traded live: each is a market of a simulated exchange that replays its candles.

Compared are what is held at the end and, for each exit in its order: the candle, the reason, the price to 0.6 % and the
quantity to 1 %. Not to the cent, because a live entry pays the book's spread and its fee in coins, its levels count from
that price, and a replayed candle prints every five seconds, so that a stop is met a little below its price. A live order
also meets the open of the candle after its decision: in the table that is the close before it. Rows that cannot be traded
live say why.
"""

from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.config.models import BotConfig
from app.core.bot import TradingBot
from app.core.clock import ManualClock
from app.core.database import Base
from app.core.sqlite import IN_MEMORY, sqlite_engine
from app.data.handler import CryptoDataHandler
from app.domain.errors import KeelError
from app.execution.ccxt_exchange import CcxtExchange
from app.execution.live_executor import LiveExecutor
from app.models.sql import Order
from app.repositories import SignalRepository, StepRepository, TradeRepository
from exchange_simulator.server.running import exchange_process

START = pd.Timestamp("2025-01-01", tz="UTC")
MINUTE = pd.Timedelta(minutes=1)
AT_ONCE = 24  # bots that one exchange counts as one address
THICK = 1_000  # so much more is traded than in the table, that an entry does not move the price


def chosen(table):
    return [scenario for scenario in table.SCENARIOS if not scenario.not_live]


def write_candles(scenario, path: Path) -> None:
    """The table's candles, and two quiet ones in which the last orders are filled; they show how fine the grid is."""
    close = scenario.rows[-1][3]
    rows = [*scenario.rows, *[(close, close + 0.01, close, close, 10.0000001)] * 2]
    lines = [
        f"{int((START + i * MINUTE).timestamp() * 1000)},{','.join(map(str, row[:4]))},{row[4] * THICK}"
        for i, row in enumerate(rows)
    ]
    path.write_text("\n".join(["open_time,open,high,low,close,volume", *lines]) + "\n")


def make_bot(scenario, symbol, key, address, session, clock) -> TradingBot:
    config = BotConfig.model_validate(
        {
            "exchange": {
                "name": "binance", "rest_url": address.rest_url, "api_key": key, "api_secret": f"secret-{key}",
            },
            "risk": {"max_position_size_usd": 1_000} | scenario.risk,
            "orders": scenario.orders,
            "strategy": {"name": "told", "symbol": symbol, "timeframe": "1m"},
            "db_path": ":memory:",
        }
    )  # fmt: skip
    trades, signals = TradeRepository(session), SignalRepository(session)
    executor = LiveExecutor(trades, CcxtExchange(config.exchange), prefix=f"keel-{symbol[:3].lower()}")
    return TradingBot(
        config,
        CryptoDataHandler(config.exchange, clock=clock),
        scenario.strategy(config.strategy),
        executor,
        trades,
        signals,
    )


@pytest.fixture(scope="module")
def live(scenario_table, tmp_path_factory, advance) -> Iterator[dict[str, Session]]:
    """All scenarios, a group at the same time, each on a market of its own; the ledgers of their bots by name."""
    scenarios, ledgers = chosen(scenario_table), {}
    for first in range(0, len(scenarios), AT_ONCE):
        group = scenarios[first : first + AT_ONCE]
        ledgers |= trade(group, tmp_path_factory.mktemp("replay"), advance)
    yield ledgers
    for ledger in ledgers.values():
        ledger.close()


def trade(scenarios, folder: Path, advance) -> dict[str, Session]:
    symbols = {scenario.name: f"S{number:02}/USDT" for number, scenario in enumerate(scenarios)}
    files = [folder / f"{symbol.replace('/', '')}.csv" for symbol in symbols.values()]
    for scenario, file in zip(scenarios, files, strict=True):
        write_candles(scenario, file)
    keys = {name: symbol[:3] for name, symbol in symbols.items()}  # an account for each
    options = ["--symbols", ",".join(symbols.values()), "--balance", "USDT=10000", "--speed", "0", "--depth", "50"]
    options += [part for key in keys.values() for part in ("--key", f"{key}:secret-{key}")]
    ledgers, clock = {}, ManualClock()
    with exchange_process(*options, "--replay", *map(str, files)) as address:
        for name in symbols:
            engine = sqlite_engine(IN_MEMORY)
            Base.metadata.create_all(engine)
            ledgers[name] = Session(engine, expire_on_commit=False)
        bots = {
            one.name: make_bot(one, symbols[one.name], keys[one.name], address, ledgers[one.name], clock)
            for one in scenarios
        }
        for count in range(1, max(len(scenario.rows) for scenario in scenarios) + 1):
            advance(address, 60)
            clock._now_ms = int((START + count * MINUTE).timestamp() * 1000)
            for scenario in scenarios:
                if count <= len(scenario.rows):
                    with suppress(KeelError):  # as a running bot: it is in the log, and the next cycle goes on
                        bots[scenario.name].run_once()
    return ledgers


def test_live_against_the_simulated_exchange(scenario_table, scenario, live):
    if scenario.not_live:
        pytest.skip(scenario.not_live)
    session = live[scenario.name]
    symbol = session.scalars(select(Order)).first().symbol
    steps = {step.order_id: step for step in StepRepository(session).latest(symbol, "1m", 100) if step.order_id}
    done: dict[str, list] = {}
    for trade in reversed(TradeRepository(session).get_by_symbol(symbol)):
        if trade.side == "sell":
            done.setdefault(trade.order_id, []).append(trade)
    exits = []
    for order_id, fills in done.items():
        step = steps[order_id]
        quantity = sum((fill.quantity for fill in fills), Decimal(0))
        price = sum((fill.quantity * fill.price for fill in fills), Decimal(0)) / quantity
        moment = step.candle_time or fills[0].timestamp
        minute = int((pd.Timestamp(moment) - START) / MINUTE)
        reason = scenario_table.reason_in(step.reason)
        exits.append((minute, float(price), float(quantity), reason))
    expected = [(minute, price, quantity, reason) for minute, price, quantity, _, reason in scenario.exits]
    assert [(one[0], one[3]) for one in exits] == [(one[0], one[3]) for one in expected]
    assert [one[1] for one in exits] == pytest.approx([one[1] for one in expected], rel=0.006)
    assert [one[2] for one in exits] == pytest.approx([one[2] for one in expected], rel=0.01)
    left = float(TradeRepository(session).position(symbol).quantity)
    assert left == pytest.approx(scenario.held, rel=0.01, abs=0.02)  # what is too small to be sold stays
