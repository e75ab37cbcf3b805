"""Entries of the bot: gathers what the gate must know of account and market, and asks it."""

import logging
import math
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.core.interfaces import IDataHandler, IExecutor
from app.core.orders import is_ours
from app.core.risk_book import RiskBook
from app.domain.errors import DataError
from app.domain.instrument import Instrument
from app.domain.values import Price
from app.risk.codes import NOT_A_NUMBER
from app.risk.correlation import UNKNOWN, correlation_of_returns
from app.risk.gate import Approved, Gate, Purse, Refused
from app.risk.limits import MINUTE_MS, Account, begun

logger = logging.getLogger(__name__)


class Entries:
    """Asks the gate for purchases of one symbol.

    Args:
        book: Position and account.
        gate: Approves or refuses.
        executor: Knows the cash.
        handler: Knows the market's book, and other symbols' candles.
        timeframe: Of those candles.
        market: What the market allows.
        now_ms: The exchange's time, ms UTC.
    """

    def __init__(
        self,
        book: RiskBook,
        gate: Gate,
        executor: IExecutor,
        handler: IDataHandler,
        timeframe: str,
        market: Callable[[], Instrument],
        now_ms: Callable[[], int],
    ) -> None:
        self._book = book
        self._gate = gate
        self._executor = executor
        self._handler = handler
        self._timeframe = timeframe
        self._market = market
        self._now_ms = now_ms

    def ask(self, candles: pd.DataFrame, *, age: int, limit: Price | None = None) -> Approved | Refused:
        """A purchase at the close of the newest candle; a number that is none halts everything.

        Args:
            candles: The judged window.
            age: How many candles the newest one is late.
            limit: Buy at this price or better; at market when None.

        Raises:
            DataError: the market's book is needed and could not be had.
        """
        book = self._book
        close = float(candles["close"].iloc[-1])
        purse = self._executor.purse(book.symbol) if is_ours(self._executor, IExecutor) else Purse(math.inf, 0.0, 0.0)
        answer = self._gate.entry(
            book.standing or begun(math.nan, 0),
            self._account(candles, close, age),
            purse,
            self._market(),
            close,
            paid=float(book.position.paid) if book.position else 0.0,
            atr=book.atr,
            record=book.record,
            limit=limit,
        )
        if isinstance(answer, Refused) and answer.code == NOT_A_NUMBER and not book.is_halted:
            book.stop_everything(NOT_A_NUMBER)
        return answer

    def _account(self, candles: pd.DataFrame, close: float, age: int) -> Account:
        book, limits = self._book, self._book.limits
        worth = book.exposures(close)
        others = [symbol for symbol in worth if symbol != book.symbol]
        gap, spread = self._book_of_market(close) if limits.band > 0.0 or limits.max_spread > 0.0 else (0.0, 0.0)
        counts_orders = limits.orders_per_minute > 0 and book.store is not None
        return Account(
            equity=book.standing.equity if book.standing else math.nan,
            exposure=worth.get(book.symbol, 0.0),
            total_exposure=sum(worth.values()),
            positions=len(others),
            entries=book.entries,
            orders=book.store.orders_since(self._now_ms() - MINUTE_MS) if counts_orders and book.store else 0,
            age=age,
            gap=gap,
            spread=spread,
            correlation=self._correlation(candles, others) if limits.max_correlation > 0.0 and others else 0.0,
        )

    def _book_of_market(self, close: float) -> tuple[float, float]:
        """Distance of the best ask from the close, and of the best bid from the best ask; 0 where nobody knows."""
        if not is_ours(self._handler, IDataHandler):
            return 0.0, 0.0
        top = self._handler.get_bid_ask(self._book.symbol)
        return (0.0, 0.0) if top is None else (abs(top.ask - close) / close, (top.ask - top.bid) / top.ask)

    def _correlation(self, candles: pd.DataFrame, others: list[str]) -> float:
        """The largest with another held symbol; one that cannot be measured counts as complete."""
        return max(self._correlation_with(candles, symbol) for symbol in others)

    def _correlation_with(self, candles: pd.DataFrame, symbol: str) -> float:
        try:
            theirs = self._handler.get_historical_data(symbol=symbol, timeframe=self._timeframe, limit=len(candles))
        except DataError as error:
            logger.warning("The correlation with %s is not known, it counts as 1: %s", symbol, error)
            return UNKNOWN
        times, others = _times(candles), _times(theirs)
        closes, their_closes = candles["close"].to_numpy(np.float64), theirs["close"].to_numpy(np.float64)
        return correlation_of_returns(times, closes, 0, len(times), others, their_closes, 0, len(others))


def _times(candles: pd.DataFrame) -> NDArray[np.int64]:
    """Open times, ms UTC."""
    return pd.DatetimeIndex(candles.index).as_unit("ms").asi8
