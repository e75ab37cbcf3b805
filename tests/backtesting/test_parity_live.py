"""The bot in live mode against the simulated exchange, and a backtest, on the same candles: the same decisions and trades.

Nothing between them is pretended: the exchange replays the candles in a process of its own, the bot asks it over HTTP
through ccxt, its orders are matched in a book, its stops and targets rest there. Only the clock is stepped, a candle at
a time. A live order that a close decided meets the next candle's first print, so the backtest's rule is `next_open`.

Compared are every decision with its candle, signal and words, and every fill with its candle, side, quantity and, to
1e-9, its price. What the book adds is one known tick: its spread, paid by a sale that meets a candle's first print.
Stops and targets get exactly their price, because the made-up candles move a tick at a time; real ones jump, so that a
stop fills between its price and the candle's low.

Not shared, and so not in these candles: a target that is touched and not traded through (the book fills it), stop and
target within one candle (the book knows which came first), stages (the bot takes them at the candle's close), and an open that
reaches stop or target just when a signal speaks: the exchange is first, and the bot finds the position closed.
"""

import importlib.util
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy.orm import Session

from app.backtesting import backtest
from app.chaos.venue import Venue
from app.config.models import BotConfig
from app.core.bot import TradingBot
from app.core.clock import ManualClock
from app.core.database import Base
from app.core.sqlite import IN_MEMORY, sqlite_engine
from app.data.files import read_candles
from app.data.handler import CryptoDataHandler
from app.domain.instrument import Instrument
from app.domain.values import Price, Quantity, exact
from app.execution.ccxt_exchange import CcxtExchange
from app.execution.live_executor import LiveExecutor
from app.repositories import SignalRepository, TradeRepository
from app.strategies.sma_cross import SmaCrossStrategy
from exchange_simulator.server.running import exchange_process

_SPEC = importlib.util.spec_from_file_location("told", Path(__file__).parent / "conftest.py")
_TOLD = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_TOLD)
table, assert_same_decisions, judged_by = _TOLD.table, _TOLD.assert_same_decisions, _TOLD.judged_by

MINUTE = pd.Timedelta(minutes=1)
CANDLES = 300
pytestmark = pytest.mark.timeout(600)
SEEDS = {
    "S00/USDT": 0,
    "S01/USDT": 13,
    "S02/USDT": 0,
    "S03/USDT": 1,
}  # markets with every exit, and without the cases above
STEPS_OF_A_HOLE = 12  # cycles of the bot while the market is down
FAST, SLOW = 3, 8
LARGEST_MOVE = 4  # ticks between two of a candle's four prices: a replayed one prints four times on its way

MADE_UP = {
    "S00/USDT": {"limits": {"price_band_pct": 0.006}},
    "S01/USDT": {"stop_loss_pct": 0.024, "take_profit_pct": 0.03},
    "S02/USDT": {
        "stop_loss_pct": 0.03,
        "exits": {
            "trailing_stop_pct": 0.024, "trailing_from_pct": 0.012, "break_even_pct": 0.01, "max_hold_candles": 9,
        },
    },
    "S03/USDT": {"stop_loss_pct": 0.02, "max_entries": 2, "limits": {"cooldown_candles": 12}},
}  # fmt: skip
REAL = {
    "R01/USDT": {"stop_loss_pct": 0.004, "take_profit_pct": 0.008},
    "R02/USDT": {"exits": {"trailing_stop_pct": 0.004, "trailing_from_pct": 0.002, "max_hold_candles": 30}},
}


def wandering(seed: int) -> pd.DataFrame:
    """Candles in cents around 2.50 with gaps between close and open, but none after a sell; each moves tick by tick."""
    random = np.random.default_rng(seed)
    rows, closes, close = [], [250] * SLOW, 250
    for _ in range(CANDLES + 1):
        gap = int(random.choice([0, 0, 0, 0, -2, -1, 1, 2]))
        opened = close + (0 if sum(closes[-FAST:]) * SLOW <= sum(closes[-SLOW:]) * FAST else gap)
        pull = (opened < 220) - (opened > 280)
        close = opened + int(np.clip(random.integers(-2, 3) + pull, -2, 2))
        room = LARGEST_MOVE - abs(close - opened)
        closes.append(close)
        above = int(random.integers(0, room + 1))
        below = int(random.integers(0, room - above + 1))
        volume = float(random.integers(30_000_000, 60_000_000)) / 1_000
        rows.append(
            (opened / 100, (max(opened, close) + above) / 100, (min(opened, close) - below) / 100, close / 100, volume)
        )
    return table(rows)


def settings_of(risk, symbol, grid, address=None) -> BotConfig:
    server = (
        {}
        if address is None
        else {"rest_url": address.rest_url, "api_key": address.api_key, "api_secret": address.secret}
    )
    return BotConfig.model_validate(
        {
            "exchange": {"name": "binance", "market": dict(zip(("price_tick", "quantity_step"), grid, strict=True))} | server,
            "risk": {"max_position_size_usd": 1000} | risk,
            "strategy": {
                "name": "sma_cross", "symbol": symbol, "timeframe": "1m", "params": {"fast_window": FAST, "slow_window": SLOW},
            },
            "paper": {"cash": 1_000_000, "fee_rate": 0, "slippage_bp": 0},
            "db_path": ":memory:",
        }
    )  # fmt: skip


def write_candles(frame: pd.DataFrame, path: Path) -> None:
    columns = frame.assign(open_time=frame.index.as_unit("ms").asi8)[["open_time", *frame.columns]]
    columns.to_csv(path, index=False)


@contextmanager
def live(frames, risks, grid, folder) -> Iterator[dict[str, Session]]:
    """Trade each market with a bot of its own, a candle at a time; the bots' ledgers by symbol."""
    for symbol, frame in frames.items():
        write_candles(frame, folder / f"{symbol.replace('/', '')}.csv")
    options = ["--symbols", ",".join(frames), "--balance", "USDT=1000000,BNB=1000", "--speed", "0", "--depth", "2"]
    options += ["--spread-bp", "0", "--replay", *(str(path) for path in sorted(folder.glob("*.csv")))]
    with ExitStack() as stack:
        address = stack.enter_context(exchange_process(*options))
        venue = Venue(address.rest_url, address.admin_url, address.pid)
        # Fees in BNB leave the coins that were bought whole, as in a backtest.
        assert venue.put_up({"kind": "fee_asset_switch", "account": "account-1", "pay_in_bnb": True})
        clock, ledgers, bots = ManualClock(), {}, []
        for symbol in frames:
            engine = sqlite_engine(IN_MEMORY)
            Base.metadata.create_all(engine)
            session = ledgers[symbol] = stack.enter_context(Session(engine, expire_on_commit=False))
            config = settings_of(risks[symbol], symbol, grid, address)
            trades, signals = TradeRepository(session), SignalRepository(session)
            executor = LiveExecutor(trades, CcxtExchange(config.exchange), prefix=f"keel-{symbol[:3].lower()}")
            handler = CryptoDataHandler(config.exchange, clock=clock)
            bots.append(TradingBot(config, handler, SmaCrossStrategy(config.strategy), executor, trades, signals))
        for moment in closes_and_moments_of_holes(next(iter(frames.values())).index[:-1]):
            clock._now_ms = venue.advance((moment.value // 1_000_000 - clock._now_ms) / 1_000 if clock._now_ms else 60)
            assert clock._now_ms == moment.value // 1_000_000
            for bot in bots:
                bot.run_once()
        yield ledgers


def closes_and_moments_of_holes(opens: pd.DatetimeIndex) -> list[pd.Timestamp]:
    """When the bots look: at every close, and now and then while candles are missing."""
    moments = []
    for opened, following in zip(opens, [*opens[1:], opens[-1] + MINUTE], strict=True):
        hole = int((following - opened) / MINUTE) - 1
        moments += [opened + MINUTE * (1 + i) for i in range(0, hole, max(hole // STEPS_OF_A_HOLE, 1))] or [following]
    return sorted({*moments, *(opens + MINUTE)})


def compare(frame, risk, symbol, grid, session) -> pd.DataFrame:
    """Hold the live bot's decisions and fills against a backtest's; the fills: candle, side, quantity, both prices."""
    config = settings_of(risk, symbol, grid)
    market = Instrument(symbol, Price(exact(grid[0])), Quantity(exact(grid[1])))
    told = backtest(frame, SmaCrossStrategy(config.strategy), config, instrument=market)
    judged = judged_by(session, symbol)
    assert_same_decisions(judged, told.decisions[told.decisions["time"] < frame.index[-1]])
    fills = pd.DataFrame(
        [
            (trade.order_id, pd.Timestamp(trade.timestamp).floor("min"), str(trade.side), trade.quantity, trade.quantity * trade.price)
            for trade in reversed(TradeRepository(session).get_by_symbol(symbol, limit=10_000))
        ],
        columns=["order", "time", "side", "quantity", "paid"],
    )  # fmt: skip
    live = fills.groupby(["order", "time", "side"], sort=False)[["quantity", "paid"]].sum().reset_index()
    live = live[live["time"] < frame.index[-1]]  # the last candle was not traded to its end
    expected = told.orders[(told.orders["status"] == "filled") & (told.orders["time"] < frame.index[-1])]
    assert list(zip(live["time"], live["side"], strict=True)) == list(
        zip(expected["time"], expected["side"], strict=True)
    )
    np.testing.assert_allclose(live["quantity"].astype(float), expected["quantity"], rtol=1e-9)
    at_open = expected["price"].to_numpy() == frame["open"].reindex(expected["time"]).to_numpy()
    spread = np.where((expected["side"] == "sell") & at_open, float(grid[0]), 0.0)
    return expected.assign(
        live=(live["paid"] / live["quantity"]).to_numpy(dtype=float),
        expected=expected["price"] - spread,
        low=frame["low"].reindex(expected["time"]).to_numpy(),
    )


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    frames = {symbol: wandering(SEEDS[symbol]) for symbol in MADE_UP}
    with live(frames, MADE_UP, ("0.01", "0.001"), tmp_path_factory.mktemp("replay")) as ledgers:
        yield frames, ledgers


@pytest.mark.parametrize(
    ("symbol", "exits"),
    [
        pytest.param("S00/USDT", {"signal"}, id="signals only, a band around the close"),
        pytest.param("S01/USDT", {"signal", "stop", "target"}, id="stop and target"),
        pytest.param("S02/USDT", {"signal", "stop", "trailing", "break even", "time"}, id="trailing, break-even, time"),
        pytest.param("S03/USDT", {"signal", "stop"}, id="two entries, cooldown"),
    ],
)
def test_live_trading_makes_the_trades_of_a_backtest(made_up, symbol, exits):
    frames, ledgers = made_up
    fills = compare(frames[symbol], MADE_UP[symbol], symbol, ("0.01", "0.001"), ledgers[symbol])
    np.testing.assert_allclose(fills["live"], fills["expected"], rtol=1e-9)
    assert exits == set(fills["reason"])
    assert len(fills) > 30


@pytest.fixture(scope="module")
def real(market_data, tmp_path_factory):
    candles, _ = read_candles(max((market_data / "crash-2021-05").glob("*BTC*")))
    frame = candles.frame()
    hole = int(np.argmax(np.diff(frame.index.asi8)))
    around = frame.iloc[hole - 90 : hole + 110]
    with live(dict.fromkeys(REAL, around), REAL, ("0.01", "0.000001"), tmp_path_factory.mktemp("real")) as ledgers:
        yield around, ledgers


@pytest.mark.parametrize("symbol", list(REAL))
def test_live_trading_makes_the_trades_of_a_backtest_around_the_hole_of_2021(real, symbol):
    frame, ledgers = real
    fills = compare(frame, REAL[symbol], symbol, ("0.01", "0.000001"), ledgers[symbol])
    is_stop = fills["reason"].isin(["stop", "trailing"])
    np.testing.assert_allclose(fills["live"][~is_stop], fills["expected"][~is_stop], rtol=1e-9)
    stops = fills[is_stop]
    assert ((stops["low"] - 0.01 <= stops["live"]) & (stops["live"] <= stops["expected"])).all()
    assert len(fills) > 10
