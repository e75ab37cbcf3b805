"""The newest trades of one symbol, one by one and aggregated."""

from collections import deque
from itertools import islice
from typing import TypedDict

from exchange_simulator.engine.market_data import AggTrade
from exchange_simulator.engine.orders import Trade

KEPT = 1_000  # trades and aggregates, about 0.4 MB per symbol when full; the most that a question may ask for


class TradeLogState(TypedDict):
    """Trades and aggregates as plain rows, and the taker of the youngest aggregate."""

    trades: list[list[int | str | bool]]
    aggregates: list[list[int | str | bool]]
    taker: int


class TradeLog:
    """Keeps the last KEPT trades. Trades that one taker order makes at one price and time aggregate into one."""

    def __init__(self) -> None:
        self._trades: deque[Trade] = deque(maxlen=KEPT)
        self._aggregates: deque[AggTrade] = deque(maxlen=KEPT)
        self._taker = -1

    def add(self, trade: Trade) -> None:
        """Add the youngest trade."""
        self._trades.append(trade)
        youngest = self._aggregates[-1] if self._aggregates else None
        same = (trade.taker_order_id, trade.price, trade.time_us)
        if youngest is not None and same == (self._taker, youngest.price, youngest.time_us):
            quantity = youngest.quantity + trade.quantity
            self._aggregates[-1] = youngest._replace(quantity=quantity, last_id=trade.trade_id)
            return
        self._taker = trade.taker_order_id
        self._aggregates.append(
            AggTrade(
                0 if youngest is None else youngest.agg_id + 1,
                trade.price,
                trade.quantity,
                trade.trade_id,
                trade.trade_id,
                trade.time_us,
                trade.is_buyer_maker,
            )
        )

    @property
    def last(self) -> Trade | None:
        """The youngest trade."""
        return self._trades[-1] if self._trades else None

    def recent(self, limit: int, from_id: int | None = None) -> list[Trade]:
        """The youngest `limit` trades, or the first `limit` from an id on; oldest first."""
        if from_id is None:
            return list(self._trades)[-limit:]
        return list(islice((trade for trade in self._trades if trade.trade_id >= from_id), limit))

    def aggregates(
        self, limit: int, *, from_id: int | None = None, start_us: int | None = None, end_us: int | None = None
    ) -> list[AggTrade]:
        """Aggregates from an id on, or between two instants (both included), or the youngest; oldest first."""
        if from_id is None and start_us is None and end_us is None:
            return list(self._aggregates)[-limit:]
        until_us = end_us if end_us is not None else 2**63
        found = (
            one
            for one in self._aggregates
            if one.agg_id >= (from_id or 0) and (start_us or 0) <= one.time_us <= until_us
        )
        if from_id is None and start_us is None:
            return list(deque(found, maxlen=limit))
        return list(islice(found, limit))

    def state(self) -> TradeLogState:
        """What `restore` needs, as plain values."""
        return {
            "trades": [list(trade) for trade in self._trades],
            "aggregates": [list(one) for one in self._aggregates],
            "taker": self._taker,
        }

    def restore(self, state: TradeLogState) -> None:
        """Take over a saved state."""
        self._trades.extend(Trade(*row) for row in state["trades"])  # type: ignore[arg-type]  # rows of a Trade
        self._aggregates.extend(AggTrade(*row) for row in state["aggregates"])  # type: ignore[arg-type]  # of an AggTrade
        self._taker = state["taker"]
