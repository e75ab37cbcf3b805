"""A symbol's order book: price levels in order, first come first served within a level. Integers only."""

from bisect import bisect_left, insort

from exchange_simulator.engine.account import Account, Balance
from exchange_simulator.engine.instrument import Instrument
from exchange_simulator.engine.market_data import Levels
from exchange_simulator.engine.numbers import SCALE, times
from exchange_simulator.engine.orders import Order, Side
from exchange_simulator.engine.triggers import Triggers


class Level:
    """The orders at one price in order of arrival, and the sum of what remains of them."""

    __slots__ = ("orders", "quantity")

    def __init__(self) -> None:
        self.orders: dict[int, Order] = {}
        self.quantity = 0


class BookSide:
    """One side of a book.

    `keys` is ascending with the best price last, because that is where a list is cheap: a key is the price on the
    bid side and the negative price on the ask side.
    """

    __slots__ = ("changes", "keys", "levels", "sign", "updates")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.keys: list[int] = []
        self.levels: dict[int, Level] = {}
        self.updates = 0
        self.changes: dict[int, int] = {}

    def add(self, order: Order, remaining: int) -> None:
        """Put an order behind the others at its price."""
        price = order.price
        level = self.levels.get(price)
        if level is None:
            level = self.levels[price] = Level()
            insort(self.keys, self.sign * price)
        level.orders[order.order_id] = order
        level.quantity += remaining
        self.updates += 1
        self.changes[price] = level.quantity

    def reduce(self, order: Order, quantity: int, *, gone: bool) -> None:
        """Take `quantity` off an order's level, and the order itself when it is `gone`."""
        price = order.price
        level = self.levels[price]
        level.quantity -= quantity
        self.updates += 1
        self.changes[price] = level.quantity
        if gone:
            del level.orders[order.order_id]
            if not level.orders:
                del self.levels[price]
                if self.keys[-1] == self.sign * price:
                    self.keys.pop()
                else:
                    del self.keys[bisect_left(self.keys, self.sign * price)]

    def best(self) -> int:
        """Best price, 0 when the side is empty."""
        return self.sign * self.keys[-1] if self.keys else 0

    def top(self, limit: int) -> Levels:
        """The best `limit` levels with their quantities."""
        prices = [self.sign * key for key in self.keys[: -limit - 1 : -1]]
        return [(price, self.levels[price].quantity) for price in prices]


class Book:
    """A symbol's two sides, its waiting stop orders and its last price (0 before the first trade)."""

    __slots__ = ("_purses", "asks", "bids", "instrument", "last_price", "reported_id", "triggers")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.bids = BookSide(1)
        self.asks = BookSide(-1)
        self.triggers = Triggers()
        self.last_price = 0
        self.reported_id = 0
        self._purses: dict[str, tuple[Balance, Balance]] = {}

    @property
    def update_id(self) -> int:
        """Number of changes so far (`lastUpdateId`)."""
        return self.bids.updates + self.asks.updates

    def side_of(self, side: Side) -> BookSide:
        """The side on which orders of `side` rest."""
        return self.bids if side is Side.BUY else self.asks

    def purse(self, account: Account) -> tuple[Balance, Balance]:
        """An account's balances of base and quote."""
        purse = self._purses.get(account.name)
        if purse is None:
            purse = account.balance(self.instrument.base), account.balance(self.instrument.quote)
            self._purses[account.name] = purse
        return purse

    def reachable(self, side: Side, price: int, account: str) -> int:
        """Quantity that an order of `side` could take up to `price` (0 for any), without the account's own orders."""
        opposite = self.asks if side is Side.BUY else self.bids
        total = 0
        worst = opposite.sign * price if price else opposite.keys[0] if opposite.keys else 0
        for key in reversed(opposite.keys):
            if key < worst:
                break
            level = opposite.levels[opposite.sign * key]
            total += sum(order.remaining for order in level.orders.values() if order.account != account)
        return total

    def cost(self, quantity: int) -> int:
        """Quote amount that buying `quantity` at once would cost; what the book does not hold costs nothing."""
        cost = 0
        for price, available in self.asks.top(len(self.asks.keys)):
            taken = min(quantity, available)
            cost += times(price, taken)
            quantity -= taken
            if not quantity:
                break
        return cost

    def quantity_for(self, side: Side, quote: int, step: int) -> tuple[int, bool]:
        """Base that a market order for `quote` trades, in whole steps, and whether the book holds enough for it."""
        opposite = self.asks if side is Side.BUY else self.bids
        total = 0
        for price, available in opposite.top(len(opposite.keys)):
            affordable = quote * SCALE // price // step * step
            if affordable <= available:
                return total + affordable, True
            total += available
            quote -= times(price, available)
        return total, False
