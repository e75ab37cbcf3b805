"""What the page's scripts read: curve, trades and candles, as JSON that no name can break out of."""

import json
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from app.analytics.arrays import F64, I64, equity_path
from app.analytics.columns import moments, numbers, texts
from app.analytics.drawdown import drawdowns
from app.report.data import ReportData
from app.report.packing import pack, pack_times
from app.report.resolutions import bucket_length, history, resolutions

CURVE_POINTS: Final = 6_000
LISTED_TRADES: Final = 20_000
MOST_CHANGES: Final = 100_000  # of stops and targets
_ESCAPES = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}
_TRADE_NUMBERS = ("entry_price", "exit_price", "quantity", "fees", "slippage", "pnl", "return", "candles")
_TRADE_TEXTS = ("symbol", "side", "entry_reason", "exit_reason")


def payload(data: ReportData) -> str:
    """The page's data, safe inside a script element."""
    picked = listed(data.trades)
    content = {
        "quote": data.quote,
        "start_cash": data.start_cash,
        "timeframe_ms": data.timeframe_ms,
        "costs": {"fee_rate": data.fee_rate, "slippage_bp": data.slippage_bp},
        "complete": picked.size == len(data.trades),
        "curve": _curve(data),
        "trades": _trades(data, picked),
        "levels": _levels(data, picked),
        "symbols": [_symbol(data, name) for name in data.candles],
    }
    return json.dumps(content, allow_nan=False, separators=(",", ":")).translate(_ESCAPES)


def listed(trades: pd.DataFrame) -> I64:
    """Positions of the trades that the page lists: all, or those with the largest results, in their order."""
    if len(trades) <= LISTED_TRADES:
        return np.arange(len(trades))
    size = np.nan_to_num(np.abs(numbers(trades, "pnl")))
    return np.sort(np.argpartition(size, -LISTED_TRADES)[-LISTED_TRADES:])


def curve_bucket(data: ReportData) -> int:
    """Time between two points of the equity curve, ms."""
    span = data.metrics.end_ms - data.metrics.start_ms
    whole = data.equity.size <= CURVE_POINTS
    return data.timeframe_ms if whole else bucket_length(span, data.timeframe_ms, CURVE_POINTS)


def _curve(data: ReportData) -> dict[str, object]:
    """Last, highest, lowest equity and deepest drawdown of each bucket, and costs of all trades closed until then."""
    values = data.equity.to_numpy(dtype=np.float64)
    closes = data.open_ms + data.timeframe_ms
    if values.size and np.isfinite(values).all():
        below = drawdowns(equity_path(values, data.start_cash))[1:]
    else:
        below = np.full(values.size, np.nan)
    place = data.open_ms // curve_bucket(data)
    first = np.flatnonzero(np.diff(place, prepend=place[:1] - 1))
    last = np.append(first[1:], place.size)[: first.size] - 1
    times = closes[last]
    hold = data.hold
    curve: dict[str, object] = {
        "times": pack_times(np.concatenate([data.open_ms[:1], times])),
        "value": pack(_from_start(values[last], data.start_cash, times)),
        "high": pack(_from_start(_reduced(np.maximum, values, first), data.start_cash, times)),
        "low": pack(_from_start(_reduced(np.minimum, values, first), data.start_cash, times)),
        "drawdown": pack(_from_start(_reduced(np.minimum, below, first), 0.0, times)),
        "hold": None if hold is None else pack(_from_start(hold[last], data.start_cash, times)),
    }
    return curve | {name: pack(_from_start(sums, 0.0, times)) for name, sums in _costs(data.trades, times).items()}


def _costs(trades: pd.DataFrame, times: I64) -> dict[str, F64]:
    exits = moments(trades, "exit_time")
    order = np.argsort(exits, kind="stable")
    until = np.searchsorted(exits[order], times, side="right")
    # What still counted as open at the end was closed by the end of the data.
    until[-1:] = exits.size
    columns = {"fees": numbers(trades, "fees"), "slippage": numbers(trades, "slippage"), "notional": _notional(trades)}
    return {
        name: np.concatenate([[0.0], np.cumsum(np.nan_to_num(values)[order])])[until]
        for name, values in columns.items()
    }


def _notional(trades: pd.DataFrame) -> F64:
    prices = numbers(trades, "entry_price") + numbers(trades, "exit_price")
    notional: F64 = np.abs(prices * numbers(trades, "quantity"))
    return notional


def _from_start(values: F64, start: float, times: I64) -> F64:
    return np.concatenate([[start], values]) if times.size else np.empty(0)


def _reduced(how: np.ufunc, values: F64, first: I64) -> F64:
    reduced: F64 = how.reduceat(values, first) if first.size else values
    return reduced


def _trades(data: ReportData, picked: I64) -> dict[str, object]:
    trades = data.trades.iloc[picked]
    columns: dict[str, object] = {name: pack(numbers(trades, name)) for name in _TRADE_NUMBERS}
    columns |= {name: _words(texts(trades, name).tolist()) for name in _TRADE_TEXTS}
    columns |= {name: pack_times(moments(trades, name)) for name in ("entry_time", "exit_time")}
    columns["notional"] = pack(_notional(trades))
    return columns


def _levels(data: ReportData, picked: I64) -> dict[str, object]:
    """The levels of the listed trades, told by their place in the list; of very many changes only some."""
    if data.levels is None:
        empty = np.empty(0)
        return {"trade": pack(empty), "time": pack_times(empty), "stop": pack(empty), "target": pack(empty)}
    trade = numbers(data.levels, "trade").astype(np.int64)
    places = np.full(len(data.trades), -1)
    places[picked] = np.arange(picked.size)
    is_first = np.diff(trade, prepend=-1) != 0
    kept = places[trade] >= 0
    thin = max(1, -(-int(kept.sum()) // MOST_CHANGES))
    kept &= is_first | (np.arange(trade.size) % thin == 0)
    return {
        "trade": pack(places[trade][kept]),
        "time": pack_times(moments(data.levels, "time")[kept]),
        "stop": pack(numbers(data.levels, "stop")[kept]),
        "target": pack(numbers(data.levels, "target")[kept]),
    }


def _words(values: Sequence[Any]) -> dict[str, object]:
    words = sorted({str(value) for value in values})
    places = {word: place for place, word in enumerate(words)}
    return {"words": words, "index": [places[str(value)] for value in values]}


def _symbol(data: ReportData, name: str) -> dict[str, object]:
    whole = history(data.candles[name], data.indicators.get(name))
    own = data.trades[texts(data.trades, "symbol") == name] if len(data.trades) else data.trades
    largest = np.argsort(-np.nan_to_num(np.abs(numbers(own, "pnl"))), kind="stable")
    entries, exits = (moments(own, name)[largest] for name in ("entry_time", "exit_time"))
    prices = whole.columns["close"]
    return {
        "name": name,
        "digits": decimals(prices),
        "lines": [
            {"name": line, "over_price": _over_price(values, prices), "digits": _line_digits(values)}
            for line, values in whole.lines.items()
        ],
        **resolutions(whole, data.timeframe_ms, entries, exits),
    }


def decimals(prices: F64) -> int:
    """Digits after the point that prices have: 0 to 8, from a sample."""
    sample = prices[:: max(1, prices.size // 500)]
    for digits in range(9):
        if (np.abs(sample - np.round(sample, digits)) <= np.abs(sample) * 1e-9).all():
            return digits
    return 8


def _over_price(values: F64, prices: F64) -> bool:
    """Whether a line belongs over the candles: its middle lies within the prices, give or take a half."""
    known = values[np.isfinite(values)]
    if not known.size or not prices.size:
        return False
    return bool(prices.min() * 0.5 <= np.median(known) <= prices.max() * 1.5)


def _line_digits(values: F64) -> int:
    known = np.abs(values[np.isfinite(values)])
    size = float(np.median(known)) if known.size else 0.0
    return 2 if size >= 1 or size == 0 else int(min(8, 2 - np.floor(np.log10(size))))
