"""The ports of the bot. Each docstring is the contract that one test suite checks on every implementation."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypedDict

import pandas as pd

from app.core.enums import OrderSide, OrderType
from app.domain.protection import Protection, TakenExit
from app.domain.resting import RestingOrder
from app.risk.gate import Purse
from app.strategies.base import BaseStrategy

__all__ = ["BaseStrategy", "BidAsk", "IDataHandler", "IExecutor", "PositionView"]

_UNKNOWN_PURSE: Final = Purse(cash=math.inf, fee_rate=0.0, slippage=0.0)


class BidAsk(NamedTuple):
    """The top of a market's book, quote per base."""

    bid: float
    ask: float


class PositionView(TypedDict):
    """What an executor holds of one symbol, in base units."""

    net_quantity: Decimal
    total_buys: Decimal
    total_sells: Decimal
    is_flat: bool


class IDataHandler(ABC):
    """Where candles come from.

    An implementation may also offer `clock` (an `app.core.clock.Clock`: the exchange's time) and
    `instrument(symbol)` (an `app.domain.instrument.Instrument`: what the market allows); the bot uses them if present.
    """

    @abstractmethod
    def get_historical_data(
        self,
        symbol: str,
        timeframe: str,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """The newest `limit` closed candles within [start_date, end_date), oldest first.

        Returns:
            Float columns open, high, low, close (quote per base) and volume (base), indexed by open time: an aware UTC
            DatetimeIndex, strictly increasing. Holes stay holes. Fewer rows than `limit` when there are no more.

        Raises:
            DataError: nothing could be had, or what came is no candle.
        """

    @abstractmethod
    def get_latest_bar(self, symbol: str, timeframe: str) -> pd.Series:
        """The newest closed candle as one row of `get_historical_data`; its `name` is the open time."""

    def get_bid_ask(self, symbol: str) -> BidAsk | None:
        """The best bid and ask right now; None where nobody can tell, as in a replay.

        Asked before an entry when a limit on spread or price is set. May raise DataError: then there is no entry.
        """
        _ = symbol
        return None


class IExecutor(ABC):
    """What turns a decision into an order."""

    @abstractmethod
    def execute_order(
        self,
        symbol: str,
        side: OrderSide,
        quantity: Decimal | float,
        order_type: OrderType = OrderType.MARKET,
        price: Decimal | float | None = None,
    ) -> dict[str, Any]:
        """Send one order and book what came of it; both are durable when this returns.

        Args:
            symbol: As ccxt writes it, `BTC/USDT`.
            side: Buy or sell.
            quantity: Base units, more than zero.
            order_type: Market or limit.
            price: Quote per base: the limit, or for a market order the price at which the decision was made.

        Returns:
            The order in ccxt's unified shape (https://docs.ccxt.com/#/?id=order-structure).

        Raises:
            OrderRejected: final, nothing was traded.
            OutcomeUnknown: it may have been traded.
        """

    def synchronize(self, symbol: str) -> None:  # noqa: B027  paper trading has nothing to compare with
        """Bring what is known of the symbol in line with the exchange; called before each decision."""

    def get_ready(self, symbol: str) -> None:  # noqa: B027  paper trading has nobody to ask
        """Ask now what the next order would have to ask; called after a cycle, while there is time.

        Raises:
            DataError: it could not be had; it is asked before the order then.
        """

    def note_decision(self, symbol: str, candle_time: datetime, reason: str) -> None:  # noqa: B027
        """Learn which decision the next order of the symbol comes from; for the record."""

    def write_along(self, symbol: str, session: object, write: Callable[[], None]) -> bool:
        """Have something written together with the next order of the symbol, durable before it is sent.

        Args:
            symbol: The market.
            session: Of the database to which `write` writes.
            write: Writes; called once, inside the unit of work in which the order is written down. It is dropped when
                `execute_order` refuses the order before it is written.

        Returns:
            False where that cannot be: write it before the order yourself.
        """
        _ = symbol, session, write
        return False

    def why_not_now(self, symbol: str) -> str | None:  # noqa: ARG002
        """Why no order of the symbol can be sent now, in words; None when one can."""
        return None

    def why_no_exit(self, symbol: str) -> str | None:
        """Why the position cannot be sold now, in words; None when it can. Less may forbid that than a purchase."""
        return self.why_not_now(symbol)

    def resting_order(self, symbol: str) -> RestingOrder | None:  # noqa: ARG002
        """The order that rests or is about to be replaced; None when there is none."""
        return None

    def cancel_resting(self, symbol: str) -> None:  # noqa: B027
        """Cancel the resting order for good and book what it traded.

        Raises:
            OutcomeUnknown: the exchange has not confirmed it yet.
        """

    def see(self, symbol: str, candles: pd.DataFrame) -> None:  # noqa: B027
        """Learn the closed candles on which the next decision is made; paper trading fills resting orders with them."""

    @abstractmethod
    def get_position(self, symbol: str) -> PositionView:
        """What is held of `symbol`, from everything that was booked so far."""

    @property
    def fills_at_given_price(self) -> bool:
        """Whether an order fills at the price given with it (paper), or at what the market gives (an exchange).

        Where it does, a target that a candle traded through is ordered as `take_profit_limit`: it fills at its price.
        """
        return False

    def purse(self, symbol: str) -> Purse:
        """What an entry may spend, and what buying costs; endless where nobody can tell."""
        _ = symbol
        return _UNKNOWN_PURSE

    def protect(self, symbol: str, protection: Protection | None) -> None:  # noqa: B027  the bot's own stop is armed
        """Make the levels of a position rest where they work without the bot; called at the end of each cycle.

        The desired state, not a change of it: the same value again does nothing, another one replaces what rests, None
        takes away what is left. The bot watches the same levels itself, so that an executor that cannot do this, or a
        refusal, leaves no position without a stop.

        Raises:
            StopReached: the price is at the stop already: sell at market.
            OrderError: the desired state could not be reached; it is tried again in the next cycle.
        """

    def taken_exits(self, symbol: str) -> Sequence[TakenExit]:
        """What protection sold by itself, and no recorded step tells of yet (by `order_id`); oldest first."""
        _ = symbol
        return ()

    def cancel_orders(self, symbol: str) -> int:
        """Cancel all own resting orders of the symbol, protection too (the kill switch); how many there were."""
        _ = symbol
        return 0
