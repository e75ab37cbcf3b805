"""Plausible results of a run, without an engine: a moving-average cross on random or real candles, all in, long and short."""

import numpy as np
import pandas as pd

from app.report import ReportData, Verdict

FEE, SLIPPAGE_BP = 0.001, 2.0
CAUSAL = Verdict("causal on 312 cuts", believable=True)
REASONS = np.array(["signal", "stop", "target", "trailing", "time"])


def random_candles(
    size: int, *, seed: int = 1, freq: str = "1h", start: str = "2024-01-01", price: float = 40_000.0
) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    volatility = 0.004 * np.exp(np.clip(np.cumsum(rng.normal(0, 0.02, size)) * 0.5, -1, 1))
    close = price * np.exp(np.cumsum(rng.normal(0.00003, 1, size) * volatility))
    opened = np.concatenate([[price], close[:-1]])
    spread = np.abs(rng.normal(0, 0.6, (2, size))) * volatility * close
    index = pd.date_range(start, periods=size, freq=freq, tz="UTC", name="time").as_unit("ms")
    return pd.DataFrame(
        {
            "open": opened,
            "high": np.maximum(opened, close) + spread[0],
            "low": np.minimum(opened, close) - spread[1],
            "close": close,
            "volume": np.exp(rng.normal(3, 1, size)),
        },
        index=index,
    ).round({"open": 2, "high": 2, "low": 2, "close": 2, "volume": 4})


def made_up_report(
    candles: dict[str, pd.DataFrame] | None = None,
    *,
    title: str = "sma_cross",
    timeframe: str = "1h",
    windows: tuple[int, int] = (24, 120),
    verdict: Verdict | None = CAUSAL,
    seed: int = 3,
) -> ReportData:
    """Trade each symbol with an equal share of 10,000."""
    candles = candles or {"BTC/USDT": random_candles(6_000)}
    share = 10_000 / len(candles)
    parts = [_one(symbol, frame, share, windows, seed + i) for i, (symbol, frame) in enumerate(candles.items())]
    trades = pd.concat([part[0] for part in parts]).sort_values("exit_time", kind="stable").reset_index(drop=True)
    index = parts[0][1].index
    for part in parts[1:]:
        index = index.union(part[1].index)
    equity = sum(part[1].reindex(index).ffill().fillna(share) for part in parts)
    exposure = sum(part[2].reindex(index).ffill().fillna(0) for part in parts) / len(parts)
    fast, slow = windows
    return ReportData(
        title=title,
        timeframe=timeframe,
        start_cash=10_000.0,
        fee_rate=FEE,
        slippage_bp=SLIPPAGE_BP,
        equity=equity,
        trades=trades.drop(columns=["stop", "target"]),
        levels=_stood(trades),
        candles=candles,
        indicators={
            symbol: pd.DataFrame(
                {
                    f"sma_{fast}": frame["close"].rolling(fast).mean(),
                    f"sma_{slow}": frame["close"].rolling(slow).mean(),
                    "rsi_14": _rsi(frame["close"]),
                }
            )
            for symbol, frame in candles.items()
        },
        exposure=exposure,
        verdict=verdict,
        certificate={
            symbol: {
                "source": "random walk, seed 1",
                "range": f"{frame.index[0]:%Y-%m-%d %H:%M} to {frame.index[-1]:%Y-%m-%d %H:%M} UTC",
                "candles": f"{len(frame):,}",
                "gaps": 0,
                "duplicates": 0,
                "outliers": 2,
                "zero-volume candles": "0.00 %",
                "sha256": "9f2c1e5b7a64d0c83e1f7b5d2a9c4e6f8b0d1c3a5e7f9b2d4c6a8e0f1b3d5c7a",
            }
            for symbol, frame in candles.items()
        },
        settings={
            "strategy": title,
            "params": f"fast_window={fast}, slow_window={slow}",
            "fee_rate": FEE,
            "slippage_bp": SLIPPAGE_BP,
            "stop_loss_pct": 0.04,
            "take_profit_pct": 0.1,
            "seed": seed,
            "version": "0.1.0",
        },
    )


def _one(symbol: str, frame: pd.DataFrame, cash: float, windows: tuple[int, int], seed: int):
    """Trades, equity and exposure of one symbol."""
    rng = np.random.default_rng(seed)
    opened, close = frame["open"].to_numpy(), frame["close"].to_numpy()
    averages = [frame["close"].rolling(window).mean().to_numpy() for window in windows]
    wish = np.where(np.isnan(averages[1]), 0, np.sign(averages[0] - averages[1]))
    held = np.concatenate([[0], wish[:-1]]).astype(int)
    edges = np.flatnonzero(np.diff(held, prepend=0))
    step = held * (close / opened - 1)
    step[1:] += np.where(held[1:] == held[:-1], held[1:] * (opened[1:] / close[:-1] - 1) * 1.0, 0)
    cost = FEE + SLIPPAGE_BP / 10_000
    changes = np.abs(np.diff(held, prepend=0))
    factor = (1 + 0.5 * step) * (1 - 0.5 * cost * changes)
    equity = pd.Series(cash * np.cumprod(factor), index=frame.index)
    starts = edges[held[edges] != 0]
    ends = np.append(edges, len(frame) - 1)[np.searchsorted(edges, starts, side="right")]
    before = np.concatenate([[cash], equity.to_numpy()])[starts]
    side = held[starts]
    slip = SLIPPAGE_BP / 10_000
    entry, leave = opened[starts] * (1 + side * slip), opened[ends] * (1 - side * slip)
    quantity = 0.5 * before / entry
    fees = FEE * quantity * (entry + leave)
    slippage = quantity * slip * (opened[starts] + opened[ends])
    pnl = quantity * side * (leave - entry) - fees
    reason = REASONS[rng.choice(5, starts.size, p=[0.55, 0.2, 0.1, 0.1, 0.05])].astype(object)
    if starts.size and ends[-1] == len(frame) - 1:
        reason[-1] = "end"
    trades = pd.DataFrame(
        {
            "symbol": symbol,
            "side": np.where(side > 0, "long", "short"),
            "entry_time": frame.index[starts],
            "exit_time": frame.index[ends],
            "entry_price": entry,
            "exit_price": leave,
            "quantity": quantity,
            "fees": fees,
            "slippage": slippage,
            "pnl": pnl,
            "return": pnl / (quantity * entry),
            "candles": ends - starts,
            "entry_reason": np.where(side > 0, "fast average crossed above slow", "fast average crossed below slow"),
            "exit_reason": reason,
            "stop": entry * (1 - side * 0.04),
            "target": np.where(rng.random(starts.size) < 0.7, entry * (1 + side * 0.1), np.nan),
        }
    )
    return trades, equity, pd.Series(0.5 * held, index=frame.index)


def _stood(trades: pd.DataFrame) -> pd.DataFrame:
    """The levels of each trade: those of its entry, and from its middle on the stop at the entry's price."""
    begun = trades.rename_axis("trade").reset_index()[["trade", "entry_time", "stop", "target"]]
    moved = begun.assign(
        stop=trades["entry_price"], entry_time=(trades["entry_time"] + (trades["exit_time"] - trades["entry_time"]) / 2)
    )
    both = pd.concat([begun, moved]).rename(columns={"entry_time": "time"})
    return both.sort_values(["trade", "time"], kind="stable").reset_index(drop=True)


def _rsi(close: pd.Series) -> pd.Series:
    change = close.diff()
    up, down = (change.clip(**side).abs().ewm(alpha=1 / 14).mean() for side in ({"lower": 0}, {"upper": 0}))
    return 100 - 100 / (1 + up / down)
