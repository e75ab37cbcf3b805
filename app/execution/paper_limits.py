"""Paper trading with limit orders that rest: they fill when a later candle trades through them, never before.

The same rule as at an exchange says when they are cancelled, replaced, or given up. What paper cannot show is the
queue: an order fills whole and at its limit, or not at all.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import pandas as pd

from app.core.database import unit_of_work
from app.core.enums import OrderSide, OrderType
from app.domain.errors import InsufficientFunds, OrderPostponed, OrderRejected
from app.domain.instrument import Instrument
from app.domain.order import OrderEvent, OrderStatus
from app.domain.resting import FollowUp, OrderStyles, Purpose, RestingOrder
from app.domain.values import Price, Quantity, exact
from app.execution.mock_executor import MockExecutor
from app.execution.order_shape import ccxt_order
from app.execution.tending import Tending
from app.models.sql import Order
from app.simulation.candle import trades_through
from app.simulation.fills import fee_of, market_fill_price

EARLY_PART: Final = 0.1  # a candle counts when not more than this part of it went by before the order was placed
ZERO: Final = Decimal(0)


class PaperLimitExecutor(MockExecutor):
    """A MockExecutor whose limit orders rest; shown candles, it fills and tends them.

    Args:
        args: As MockExecutor's.
        styles: What becomes of orders that rest.
        options: As MockExecutor's.
    """

    def __init__(self, *args: Any, styles: OrderStyles, **options: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **options)
        self._tending = Tending(self, self._orders, self.trade_repo, styles)
        self._last: dict[str, Price] = {}
        self._decisions: dict[str, tuple[datetime, str]] = {}

    def execute_order(
        self,
        symbol: str,
        side: OrderSide,
        quantity: Decimal | float,
        order_type: OrderType = OrderType.MARKET,
        price: Decimal | float | None = None,
    ) -> dict[str, Any]:
        """A limit order rests, any other fills at once; a sale cancels what rests, a purchase waits for it."""
        side, order_type = OrderSide(side), OrderType(order_type)
        resting = self._tending.resting(symbol)
        if resting is not None and side is OrderSide.BUY:
            raise OrderPostponed(f"buy {symbol} is not sent: {resting}")
        self.cancel_resting(symbol)
        if order_type is not OrderType.LIMIT or price is None:
            return super().execute_order(symbol, side, quantity, order_type, price)
        with unit_of_work(self.trade_repo.session):
            order = self._orders.add(self._resting_order(symbol, side, quantity, exact(price)))
            self.send(order)
        if order.status == OrderStatus.REJECTED:
            raise InsufficientFunds(order.note or "the cash does not cover it")
        return ccxt_order(order, self.market(symbol).quote)

    def see(self, symbol: str, candles: pd.DataFrame) -> None:
        """Fill the resting order with the candles that came after it, then do what is to be done with it."""
        self._last[symbol] = Price(exact(float(candles["close"].iloc[-1])))
        order = self._orders.newest(symbol)
        if order is not None and OrderStatus(order.status).rests and order.price is not None:
            later = candles[_opened_after(candles, order.timestamp)]
            side = 1 if order.side is OrderSide.BUY else -1
            if any(
                row.volume > 0 and trades_through(side, row.high, row.low, float(order.price))
                for row in later.itertuples()
            ):
                self._fill(order, Price(order.price))
        self._tending.tend(symbol)

    def note_decision(self, symbol: str, candle_time: datetime, reason: str) -> None:
        """Kept with the next limit order."""
        self._decisions[symbol] = candle_time, reason

    def resting_order(self, symbol: str) -> RestingOrder | None:
        """From the ledger."""
        return self._tending.resting(symbol)

    def cancel_resting(self, symbol: str) -> None:
        """At once."""
        order = self._orders.newest(symbol)
        if order is None or self._tending.resting(symbol) is None:
            return
        if OrderStatus(order.status).rests:
            self._tending.cancel(order, FollowUp.STOP)
        else:
            self._orders.plan(order, FollowUp.STOP)

    def cancel_orders(self, symbol: str) -> int:
        """At once."""
        were = 0 if self._tending.resting(symbol) is None else 1
        self.cancel_resting(symbol)
        return were

    # What looks after resting orders needs (`OrderDesk`).

    def now_ms(self) -> int:
        """By the candles' clock."""
        return self._clock.now_ms()

    def market(self, symbol: str) -> Instrument:
        """What the market allows."""
        return self._instrument_of(symbol)

    def last_price(self, symbol: str) -> Price:
        """The newest candle's close."""
        return self._last[symbol]

    def base_balance(self, symbol: str) -> tuple[Decimal, Decimal]:
        """All that is held is free."""
        held = self.trade_repo.position(symbol).quantity
        return held, held

    def new_id(self) -> str:
        """From the persisted sequence."""
        return f"paper-{self._orders.next_number('paper-order'):06d}"

    def cancel(self, order: Order) -> None:
        """Paper obeys."""
        self._orders.apply(order, OrderEvent.CANCEL)

    def send(self, order: Order) -> None:
        """Fill it when the market's price is good enough already, else let it rest."""
        self._orders.apply(order, OrderEvent.SUBMIT)
        last = self._last.get(order.symbol)
        at_once = None
        if last is not None:
            at_once = market_fill_price(order.side, last, self._slippage_bp, self.market(order.symbol))
        if at_once is not None and (order.price is None or _is_met(order, at_once)):
            self._fill(order, at_once)
        else:
            self._orders.apply(order, OrderEvent.ACCEPT)

    def _fill(self, order: Order, price: Price) -> None:
        """Book the whole order, or cancel it when the cash is gone meanwhile."""
        quantity = Quantity(order.quantity)
        fee = fee_of(quantity, price, self._fee_rate)
        try:
            with unit_of_work(self.trade_repo.session):
                self._settle(self.market(order.symbol), order.side, quantity, price, fee)
                moment = datetime.fromtimestamp(self.now_ms() / 1_000, UTC)
                self.trade_repo.create(
                    order.symbol, order.side, price, quantity, None, moment, fee=fee, order_id=order.id
                )
                self._orders.note_fills(order, quantity, price, fee)
                self._orders.apply(order, OrderEvent.COMPLETE)
        except InsufficientFunds as refusal:
            self._orders.apply(order, OrderEvent.REJECT, note=str(refusal))

    def _resting_order(self, symbol: str, side: OrderSide, quantity: Decimal | float, price: Decimal) -> Order:
        instrument = self.market(symbol)
        amount, limit = self._accepted_quantity(instrument, side, quantity), instrument.price(price)
        if refusal := instrument.refusal(amount, limit):
            raise OrderRejected(f"{side} {symbol} refused: {refusal}")
        candle_time, reason = self._decisions.pop(symbol, (None, None))
        identity = self.new_id()
        return Order(
            id=identity,
            symbol=symbol,
            side=side,
            order_type=OrderType.LIMIT.value,
            quantity=amount,
            price=limit,
            filled=ZERO,
            average=None,
            fee=ZERO,
            status=OrderStatus.CREATED.value,
            timestamp=datetime.fromtimestamp(self.now_ms() / 1_000, UTC),
            purpose=(Purpose.ENTRY if side is OrderSide.BUY else Purpose.EXIT).value,
            candle_time=candle_time,
            reason=reason,
            first_id=identity,
            attempt=1,
        )


def _is_met(order: Order, price: Price) -> bool:
    if order.price is None:
        return False
    return price <= order.price if order.side is OrderSide.BUY else price >= order.price


def _opened_after(candles: pd.DataFrame, placed: datetime) -> Any:  # noqa: ANN401  a mask
    """Which candles opened with or after an order, but for a small part of them."""
    length = candles.index[-1] - candles.index[-2] if len(candles) > 1 else pd.Timedelta(0)
    return candles.index >= pd.Timestamp(placed) - length * EARLY_PART
