"""What each setting of risk lost in the flash crash of 2021-05-19: real bot, real orders, simulated exchange, thin book.

`uv run python benchmarks/crash_table.py`, with candles of that day in $KEEL_MARKET_DATA or ../shared/data. Bitcoin's
minute candles are replayed with a ten-thousandth of their volume (so thin is the book) and a wide spread. Each setting has
an exchange of its own; `TradingBot.start` buys once with `LiveExecutor` and then only its exits act. Nothing depends on
the machine's speed: the exchange's clock moves only while the bot waits.
"""

import json
import logging
import os
import sys
import tempfile
import urllib.request
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.config.models import BotConfig
from app.core.bot import TradingBot
from app.core.clock import Clock
from app.core.database import Base
from app.core.enums import OrderSide
from app.core.sqlite import IN_MEMORY, sqlite_engine
from app.core.stop import StopFlag
from app.data.handler import CryptoDataHandler
from app.domain.guarding import TARGET_ORDER
from app.execution.ccxt_exchange import CcxtExchange
from app.execution.live_executor import LiveExecutor
from app.models.sql import Order, Step, Trade
from app.repositories import SignalRepository, TradeRepository
from app.strategies.base import BaseStrategy
from exchange_simulator.server.running import Address, exchange_process

FILE = Path("crash-2021-05") / "binance-BTCUSDT-1m-2021_05.parquet"
SYMBOL = "BTC/USDT"
FIRST, LAST = pd.Timestamp("2021-05-19 12:30", tz="UTC"), pd.Timestamp("2021-05-19 14:59", tz="UTC")
ENTRY = pd.Timestamp("2021-05-19 12:39", tz="UTC")
DOWN = pd.Timestamp("2021-05-19 12:42", tz="UTC")
MINUTE = pd.Timedelta(minutes=1)
THIN = 10_000
ACCOUNT = 100_000
VENUE = (
    "--symbols",
    SYMBOL,
    "--balance",
    f"USDT={ACCOUNT}",
    "--speed",
    "0",
    "--seed",
    "7",
    "--spread-bp",
    "15",
    "--depth",
    "50",
)


@dataclass(frozen=True)
class Setting:
    """A row. `stop`: a fixed stop's distance; `refused`: the exchange refuses every OCO; `down`: the bot is, from DOWN to the low."""

    name: str
    risk: dict[str, Any] = field(default_factory=dict)
    stop: Decimal | None = None
    refused: bool = False
    down: bool = False


TIGHT = {"stop_loss_pct": 2, "take_profit_pct": 4}
WIDE = {"stop_loss_pct": 5, "take_profit_pct": 10}
TRAILING = {"trailing_stop_pct": 3, "trailing_from_pct": 0}
SETTINGS = [
    Setting("no exits"),
    Setting("stop 2 %", {"stop_loss_pct": 2}),
    Setting("stop 5 %", {"stop_loss_pct": 5}),
    Setting("stop 2 %, target 4 % (OCO)", TIGHT),
    Setting("the same, every OCO refused", TIGHT, Decimal("0.02"), refused=True),
    Setting("stop 5 %, target 10 %, every OCO refused", WIDE, Decimal("0.05"), refused=True),
    Setting("stop 5 %, target 10 % (OCO), bot down", WIDE, down=True),
    Setting("the same, every OCO refused", WIDE, Decimal("0.05"), refused=True, down=True),
    Setting("trailing 3 % at once", {"exits": TRAILING}),
    Setting("no stop, drawdown limit 10 %", {"limits": {"max_drawdown_pct": 10}}),
    Setting("preset cautious", {"preset": "cautious"}),
    Setting("preset balanced", {"preset": "balanced"}),
]


class BuysOnce(BaseStrategy):
    """Buys at the close of ENTRY's candle, and never sells."""

    warmup = 1

    def calculate_indicators(self, df):
        return df

    def generate_signals(self, df):
        return df.assign(signal=(df.index == ENTRY).astype("int8"))


class SteppedClock(Clock):
    """The exchange's time; a wait lets it pass at once. It ends at `until_ms`."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._now_ms = advance(address, 0)
        self.until_ms = 0

    def now_ms(self) -> int:
        return self._now_ms

    def wait_until(self, at_ms, stop) -> None:
        if at_ms > self._now_ms and not stop.is_set():
            self._now_ms = advance(self._address, (at_ms - self._now_ms) / 1_000)

    def ended(self) -> bool:
        return self._now_ms >= self.until_ms


def ask(url: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=60) as answer:
        return json.loads(answer.read())


def advance(address: Address, seconds: float) -> int:
    return int(ask(f"{address.admin_url}/admin/clock/advance", {"seconds": seconds})["serverTime"])


def candles() -> pd.DataFrame:
    """The hours around the crash, with thin volume."""
    folder = Path(os.environ.get("KEEL_MARKET_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not (folder / FILE).is_file():
        sys.exit(f"{folder / FILE} is not there: set KEEL_MARKET_DATA to the folder that holds {FILE}")
    table = pd.read_parquet(folder / FILE)
    table.index = pd.to_datetime(table["open_time"], unit="ms", utc=True)
    table = table.loc[FIRST:LAST]
    return table.assign(volume=(table["volume"] / THIN).round(5))


def make_bot(setting: Setting, address: Address, session: Session, clock: Clock) -> tuple[TradingBot, CcxtExchange]:
    account = {
        "name": "binance",
        "rest_url": address.rest_url,
        "api_key": address.api_key,
        "api_secret": address.secret,
    }
    config = BotConfig.model_validate(
        {
            "exchange": account,
            "risk": {"max_position_size_usd": ACCOUNT} | setting.risk,
            "strategy": {"name": "buys_once", "symbol": SYMBOL, "timeframe": "1m"},
            "db_path": ":memory:",
        }
    )
    trades, exchange = TradeRepository(session), CcxtExchange(config.exchange)
    executor = LiveExecutor(trades, exchange, prefix="keel-crash")
    handler = CryptoDataHandler(config.exchange, clock=clock)
    return TradingBot(config, handler, BuysOnce(config.strategy), executor, trades, SignalRepository(session)), exchange


def worth(exchange: CcxtExchange, price: float) -> float:
    """The account in quote units."""
    balances = exchange.balances()
    return sum(float(balances[asset].total) * at for asset, at in (("USDT", 1), ("BTC", price)) if asset in balances)


def average(trades: list[Trade]) -> Decimal:
    return sum((t.price * t.quantity for t in trades), Decimal(0)) / sum((t.quantity for t in trades), Decimal(0))


def exit_of(session: Session, setting: Setting, entry: Decimal) -> tuple[str, str, str]:
    """How it was left: time and reason, average price (worst), distance from the stop."""
    sales = list(session.scalars(select(Trade).where(Trade.side == OrderSide.SELL).order_by(Trade.id)))
    if not sales:
        return "held", "", ""
    price, worst = average(sales), min(t.price for t in sales)
    reason = session.scalars(select(Step.reason).where(Step.order_id == sales[-1].order_id)).first() or ""
    orders = [session.get(Order, t.order_id) for t in sales]
    stops = [o.stop_price for o in orders if o and o.stop_price is not None and o.order_type != TARGET_ORDER]
    stop = stops[0] if stops else entry * (1 - setting.stop) if setting.stop else None
    slipped = f"{(price / stop - 1) * 100:+.2f} %" if stop else ""
    reason = reason.removeprefix("exited: ").split(": `")[0].split(", ")[0]
    return f"{sales[0].timestamp:%H:%M:%S} {reason}", f"{price:,.0f} ({worst:,.0f})", slipped


def row(setting: Setting, file: Path, table: pd.DataFrame) -> list[str]:
    engine = sqlite_engine(IN_MEMORY)
    Base.metadata.create_all(engine)
    with exchange_process(*VENUE, "--replay", str(file)) as address, Session(engine, expire_on_commit=False) as session:
        if setting.refused:
            ask(
                f"{address.admin_url}/admin/faults",
                {"kind": "reject_order", "path": "/api/v3/orderList/oco", "count": None},
            )
        advance(address, 120)
        clock = SteppedClock(address)
        bot, exchange = make_bot(setting, address, session, clock)
        low_ms = ms(table["low"].idxmin() + MINUTE)
        if setting.down:
            clock.until_ms = ms(DOWN)
            bot.start()
            clock.wait_until(low_ms, StopFlag())
            bot, exchange = make_bot(setting, address, session, clock)
        clock.until_ms = low_ms
        bot.start()
        at_the_low = worth(exchange, table["low"].min()) - ACCOUNT
        clock.until_ms = ms(LAST + MINUTE) - 1_000
        bot.start()
        at_the_end = worth(exchange, table["close"].iloc[-1]) - ACCOUNT
        bought = list(session.scalars(select(Trade).where(Trade.side == OrderSide.BUY)))
        if not bought:
            reasons = session.scalars(select(Step.reason).where(Step.signal_value == 1)).all()
            return [setting.name, "nothing", *reasons[:1], *[""] * 4]
        entry = average(bought)
        spent = float(sum(t.price * t.quantity for t in bought))
        how, price, slipped = exit_of(session, setting, entry)
    losses = [f"{loss:+,.0f} ({loss / spent * 100:+.1f} %)" for loss in (at_the_low, at_the_end)]
    return [setting.name, f"{spent:,.0f} at {entry:,.0f}", how, price, slipped, *losses]


def ms(moment: pd.Timestamp) -> int:
    return int(moment.timestamp() * 1_000)


def main() -> None:
    logging.disable(logging.CRITICAL)
    table = candles()
    print(
        f"BTC/USDT {FIRST:%Y-%m-%d %H:%M} to {LAST:%H:%M} UTC, volume / {THIN:,}, spread 15 bp, account {ACCOUNT:,} USDT"
    )
    print(f"entry at the close of {ENTRY:%H:%M} ({table['close'].loc[ENTRY]:,.0f}); low {table['low'].min():,.0f} at "
          f"{table['low'].idxmin():%H:%M}; last {table['close'].iloc[-1]:,.0f}; a bot that is down is so from {DOWN:%H:%M} to the low\n")  # fmt: skip
    print("| setting | bought for | left | at, average (worst) | against the stop | at the low | at the end |")
    print("|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "BTCUSDT.parquet"
        table.to_parquet(file, index=False)
        for setting in SETTINGS:
            print(f"| {' | '.join(row(setting, file, table))} |", flush=True)


if __name__ == "__main__":
    main()
