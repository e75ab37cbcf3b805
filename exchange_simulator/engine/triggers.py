"""Stop orders that wait for the last price to reach them, trailing ones included.

Stop losses that buy and take profits that sell fire when the price rises to them, the other two when it falls.
A trailing order fires when the price has moved against its best by `trailing_delta` basis points
(faqs/trailing-stop-faq.md); with a stop price it begins to trail once that price was reached.
"""

from bisect import bisect_left, insort

from exchange_simulator.engine.orders import STOP_LOSSES, Order, OrderType, Side

BASIS_POINTS = 10_000


def fires_above(kind: OrderType, side: Side) -> bool:
    """Whether such an order waits for a rising price."""
    return (kind in STOP_LOSSES) == (side is Side.BUY)


class Triggers:
    """The waiting orders of one symbol."""

    __slots__ = ("above", "below", "trailing", "waiting")

    def __init__(self) -> None:
        self.waiting: dict[int, Order] = {}
        self.above: list[tuple[int, int]] = []
        self.below: list[tuple[int, int]] = []
        self.trailing: dict[int, Order] = {}

    def add(self, order: Order, last_price: int, now_us: int) -> None:
        """Let an order wait. A trailing order without a stop price trails from `last_price` on."""
        self.waiting[order.order_id] = order
        if order.trailing_delta and (order.trail_since_us >= 0 or not order.stop_price):
            self.trailing[order.order_id] = order
            if order.trail_since_us < 0:
                order.trail_price, order.trail_since_us = last_price, now_us
        else:
            insort(self._sorted(order), (order.stop_price, order.order_id))

    def remove(self, order: Order) -> None:
        """Forget an order that waits."""
        del self.waiting[order.order_id]
        if self.trailing.pop(order.order_id, None) is None:
            entries = self._sorted(order)
            del entries[bisect_left(entries, (order.stop_price, order.order_id))]

    def fired(self, last_price: int, now_us: int) -> Order | None:
        """Take out the next order that fires at `last_price`; None when no order does."""
        while self.above and self.above[0][0] <= last_price:
            order = self.waiting[self.above[0][1]]
            if self._reached(order, last_price, now_us):
                return order
        while self.below and self.below[-1][0] >= last_price:
            order = self.waiting[self.below[-1][1]]
            if self._reached(order, last_price, now_us):
                return order
        for order in self.trailing.values():
            if _trails_off(order, last_price):
                self.remove(order)
                return order
        return None

    def _reached(self, order: Order, last_price: int, now_us: int) -> bool:
        """The stop price was reached: the order fires, or begins to trail."""
        self.remove(order)
        if not order.trailing_delta:
            return True
        order.trail_price, order.trail_since_us = last_price, now_us
        self.add(order, last_price, now_us)
        return False

    def _sorted(self, order: Order) -> list[tuple[int, int]]:
        return self.above if fires_above(order.type, order.side) else self.below


def _trails_off(order: Order, last_price: int) -> bool:
    """Note a new best price, and say whether the price has moved against it far enough."""
    if fires_above(order.type, order.side):
        order.trail_price = min(order.trail_price or last_price, last_price)
        return last_price * BASIS_POINTS >= order.trail_price * (BASIS_POINTS + order.trailing_delta)
    order.trail_price = max(order.trail_price, last_price)
    return last_price * BASIS_POINTS <= order.trail_price * (BASIS_POINTS - order.trailing_delta)
