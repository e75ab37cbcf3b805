"""Figures of a list of closed trades. Money is in the quote currency, net of fees and slippage unless it says gross."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from app.analytics.arrays import F64, I64, NAN, quotient
from app.analytics.columns import moments, numbers, texts


@dataclass(frozen=True, slots=True, eq=False)
class Trades:
    """Closed portions of positions in order of their exit, as arrays (n,).

    Attributes:
        symbol: Instrument.
        exit_reason: "signal", "stop", "target", "trailing", "time" ...; "end" marks what was still open.
        exit_ms: When it was closed, ms UTC.
        pnl: Net of fees and slippage, quote units.
        returns: pnl / entry notional.
        fees: Paid on entry and exit, quote units.
        slippage: Lost against the intended prices, quote units.
        bought_and_sold: What changed hands: entry notional, and exit notional unless still open, quote units.
        candles: How long it was held.
    """

    symbol: np.ndarray[tuple[int], np.dtype[np.object_]]
    exit_reason: np.ndarray[tuple[int], np.dtype[np.object_]]
    exit_ms: I64
    pnl: F64
    returns: F64
    fees: F64
    slippage: F64
    bought_and_sold: F64
    candles: F64

    @classmethod
    def of(cls, frame: pd.DataFrame) -> "Trades":
        """Read the frame that a backtest returns; an absent or empty frame holds no trades.

        Raises:
            ValueError: a column is missing.
        """
        exit_ms = moments(frame, "exit_time")
        order = np.argsort(exit_ms, kind="stable")
        symbol, reason = texts(frame, "symbol")[order], texts(frame, "exit_reason")[order]
        column = {name: numbers(frame, name)[order] for name in _NUMBERS}
        entry, leave = (np.abs(column[name] * column["quantity"]) for name in ("entry_price", "exit_price"))
        return cls(
            symbol=symbol,
            exit_reason=reason,
            exit_ms=exit_ms[order],
            pnl=column["pnl"],
            returns=column["return"],
            fees=column["fees"],
            slippage=column["slippage"],
            bought_and_sold=entry + np.where(reason == "end", 0.0, leave),
            candles=column["candles"],
        )


_NUMBERS = ("entry_price", "exit_price", "quantity", "fees", "slippage", "pnl", "return", "candles")


@dataclass(frozen=True, slots=True)
class TradeFigures:
    """What a list of trades was worth. Break-even trades are neither wins nor losses.

    Attributes:
        count: Closed portions of positions, those still open at the end included.
        still_open: Those whose exit is the end of the data.
        wins: pnl above zero.
        losses: pnl below zero.
        win_rate: wins / count.
        pnl: Sum, quote units.
        gross_profit: Sum over wins, quote units.
        gross_loss: Sum over losses, quote units, not positive.
        profit_factor: gross_profit / |gross_loss|; NaN where nothing was lost.
        payoff: Mean win / |mean loss|; NaN where one is missing.
        expectancy: Mean pnl of a trade, quote units.
        mean_return: Mean of pnl / entry notional.
        best: Largest return of a trade.
        worst: Smallest return of a trade.
        winning_streak: Most wins in a row, in order of exit.
        losing_streak: Most losses in a row.
        mean_candles: How long a trade was held on average.
        fees: Sum, quote units.
        slippage: Sum, quote units.
        turnover: Value that changed hands, quote units.
    """

    count: int
    still_open: int
    wins: int
    losses: int
    win_rate: float
    pnl: float
    gross_profit: float
    gross_loss: float
    profit_factor: float
    payoff: float
    expectancy: float
    mean_return: float
    best: float
    worst: float
    winning_streak: int
    losing_streak: int
    mean_candles: float
    fees: float
    slippage: float
    turnover: float


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """The short form, for the trades of a symbol, an exit reason or a month; attributes as in `TradeFigures`."""

    name: str
    count: int
    wins: int
    win_rate: float
    pnl: float
    profit_factor: float
    mean_return: float
    mean_candles: float
    fees: float
    slippage: float


def trade_figures(trades: Trades) -> TradeFigures:
    """All figures of a list of trades.

    Expectancy, payoff and profit factor: Tharp, Trade Your Way to Financial Freedom, 2nd ed. 2007, chapter 7; Schwager,
    Schwager on Futures: Technical Analysis, 1996, chapter 21.
    """
    pnl = trades.pnl
    won, lost = pnl > 0, pnl < 0
    wins, losses = int(won.sum()), int(lost.sum())
    gross_profit, gross_loss = _total(pnl[won]), _total(pnl[lost])
    if np.isnan(pnl).any():
        gross_profit = gross_loss = NAN
    return TradeFigures(
        count=pnl.size,
        still_open=int((trades.exit_reason == "end").sum()),
        wins=wins,
        losses=losses,
        win_rate=quotient(wins, pnl.size),
        pnl=_total(pnl),
        gross_profit=gross_profit,
        gross_loss=gross_loss,
        profit_factor=quotient(gross_profit, -gross_loss),
        payoff=quotient(quotient(gross_profit, wins), quotient(-gross_loss, losses)),
        expectancy=quotient(_total(pnl), pnl.size),
        mean_return=_mean(trades.returns),
        best=float(trades.returns.max()) if pnl.size else NAN,
        worst=float(trades.returns.min()) if pnl.size else NAN,
        winning_streak=longest_run(won),
        losing_streak=longest_run(lost),
        mean_candles=_mean(trades.candles),
        fees=_total(trades.fees),
        slippage=_total(trades.slippage),
        turnover=_total(trades.bought_and_sold),
    )


def longest_run(flags: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> int:
    """How many flags in a row are set at most."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max()) if edges.size else 0


def grouped(trades: Trades, labels: np.ndarray[tuple[int], np.dtype[Any]]) -> list[GroupFigures]:
    """The trades' figures for each label, in order of the labels. labels: (n,) texts or months, one for each trade."""
    if not labels.size:
        return []
    group, names = pd.factorize(labels, sort=True)

    def total(values: F64) -> F64:
        return np.bincount(group, weights=values, minlength=names.size).astype(np.float64, copy=False)

    count, wins = total(np.ones(labels.size)), total((trades.pnl > 0).astype(np.float64))
    pnl, gains, losses = total(trades.pnl), total(np.maximum(trades.pnl, 0.0)), total(np.minimum(trades.pnl, 0.0))
    returns, candles = total(trades.returns), total(trades.candles)
    fees, slippage = total(trades.fees), total(trades.slippage)
    return [
        GroupFigures(
            name=str(name),
            count=int(count[i]),
            wins=int(wins[i]),
            win_rate=quotient(wins[i], count[i]),
            pnl=float(pnl[i]),
            profit_factor=quotient(gains[i], -losses[i]),
            mean_return=quotient(returns[i], count[i]),
            mean_candles=quotient(candles[i], count[i]),
            fees=float(fees[i]),
            slippage=float(slippage[i]),
        )
        for i, name in enumerate(names)
    ]


def _total(values: F64) -> float:
    return float(values.sum())


def _mean(values: F64) -> float:
    return quotient(_total(values), values.size)
