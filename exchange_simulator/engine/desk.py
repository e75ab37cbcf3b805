"""The engine's shared state: books, accounts, counters, the present instant, and the listeners."""

from collections.abc import Callable, Mapping

from exchange_simulator.engine.account import HOUSE, Account, Balance
from exchange_simulator.engine.book import Book
from exchange_simulator.engine.errors import invalid_symbol
from exchange_simulator.engine.events import BalanceChanged, BookChanged, Event
from exchange_simulator.engine.numbers import SCALE

Listener = Callable[[Event], None]

DEFAULT_BNB_PRICES: Mapping[str, int] = {"USDT": 600 * SCALE, "USDC": 600 * SCALE}
"""What BNB costs where no BNB pair is listed that could say so."""


class Desk:
    """Everything that the parts of the engine share.

    Attributes:
        time_us: Instant of the operation in progress.
        books: By symbol.
        accounts: By name, the house included.
        fees: Commission collected so far, by asset.
        bnb_prices: Price of BNB by quote asset, for fees, where no BNB pair is listed.
        listeners: Called with every event; when there is none, no event is built.
    """

    def __init__(self, now_us: Callable[[], int]) -> None:
        self._now_us = now_us
        self.time_us = 0
        self.books: dict[str, Book] = {}
        self.house = Account(HOUSE, maker_bp=0, taker_bp=0, is_house=True)
        self.accounts: dict[str, Account] = {HOUSE: self.house}
        self.fees: dict[str, int] = {}
        self.bnb_prices: dict[str, int] = dict(DEFAULT_BNB_PRICES)
        self.listeners: list[Listener] = []
        self.last_order_id = 0
        self.last_trade_id = 0
        self.last_list_id = 0
        self._touched: dict[str, dict[str, Balance]] = {}

    def begin(self) -> None:
        """Start an operation: everything in it happens at the same instant."""
        self.time_us = self._now_us()

    def book(self, symbol: str) -> Book:
        """Return a symbol's book.

        Raises:
            ApiError: -1121 when it is not listed.
        """
        book = self.books.get(symbol)
        if book is None:
            raise invalid_symbol()
        return book

    def emit(self, event: Event) -> None:
        """Hand an event to every listener."""
        for listener in self.listeners:
            listener(event)

    def touch(self, account: Account, asset: str, balance: Balance) -> None:
        """Note that a balance changed; the operation's end reports it."""
        self._touched.setdefault(account.name, {})[asset] = balance

    def end(self, book: Book | None = None) -> None:
        """Finish an operation: report the changed levels and balances."""
        if book is not None:
            if self.listeners:
                self._report(book)
            book.bids.changes.clear()
            book.asks.changes.clear()
        if self._touched:
            touched, self._touched = self._touched, {}
            for name, balances in touched.items():
                self.accounts[name].update_us = self.time_us
                self.emit(BalanceChanged(name, balances, self.time_us))

    def _report(self, book: Book) -> None:
        update_id = book.update_id
        if update_id > book.reported_id:
            bids, asks = dict(book.bids.changes), dict(book.asks.changes)
            first = book.reported_id + 1
            book.reported_id = update_id
            self.emit(BookChanged(book.instrument.symbol, first, update_id, bids, asks, self.time_us))
