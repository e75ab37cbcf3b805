"""The exchange: one clock, its symbols and accounts, the engine, the market, the journal and the oracle.

This facade is what the server and tests use. Everything is synchronous; the only time is the clock's. Refusals are
`ApiError`; nothing else leaves it for bad input of a client.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from exchange_simulator.engine import queries
from exchange_simulator.engine.account import HOUSE, Account, ApiKey, Balance
from exchange_simulator.engine.desk import Listener
from exchange_simulator.engine.engine import Engine
from exchange_simulator.engine.errors import bad_key
from exchange_simulator.engine.instrument import Instrument
from exchange_simulator.engine.journal import Journal
from exchange_simulator.engine.market_data import AggTrade, Average, BookTicker, Depth, Kline, Ticker
from exchange_simulator.engine.oracle import Oracle
from exchange_simulator.engine.orders import (
    CancelReplaceMode,
    Fill,
    OcoRequest,
    Order,
    OrderList,
    OrderRequest,
    OrderResult,
    ReplaceResult,
    Trade,
)
from exchange_simulator.engine.saving import pack_engine, read_state, unpack_engine, write_state
from exchange_simulator.engine.world import World
from exchange_simulator.market.clock import VirtualClock
from exchange_simulator.market.intervals import Interval

__all__ = ["AggTrade", "Average", "BookTicker", "Depth", "Exchange", "Kline", "Market", "Ticker"]


class Market(Protocol):
    """What moves prices and remembers them. It trades through `exchange.place(exchange.house, ...)`."""

    def attach(self, exchange: "Exchange") -> None:
        """Begin: called once, when the exchange stands; a market subscribes to what it needs."""

    def advance(self, exchange: "Exchange", until_us: int) -> None:
        """Run everything that is due up to `until_us`, in order of time."""

    def klines(
        self, symbol: str, interval: Interval, *, start_ms: int | None, end_ms: int | None, limit: int
    ) -> list[Kline]:
        """Return candles, oldest first."""

    def prepare_klines(
        self, symbol: str, interval: Interval, *, start_ms: int | None, end_ms: int | None, limit: int
    ) -> Iterator[None]:
        """Make ready what `klines` would answer, a piece of some milliseconds at a time."""

    def trades(self, symbol: str, *, limit: int, from_id: int | None) -> list[Trade]:
        """Return public trades, oldest first: the newest, or those from an id on."""

    def agg_trades(
        self, symbol: str, *, from_id: int | None, start_ms: int | None, end_ms: int | None, limit: int
    ) -> list[AggTrade]:
        """Return aggregate trades, oldest first."""

    def ticker(self, symbol: str) -> Ticker:
        """Return the statistics of the last 24 hours."""

    def avg_price(self, symbol: str) -> Average:
        """Return the average price of the last minutes."""

    def spike(self, exchange: "Exchange", symbol: str, percent: float) -> None:
        """Let the price jump by `percent` and come back."""

    def state(self) -> object:
        """Return what a market of the same kind needs to go on, ready for JSON."""


class Exchange(World):
    """An exchange.

    Args:
        clock: Its time.
        market: What moves prices.
        instruments: The symbols to list.
        accounts: The customers; their balances count as deposited at the start.
        journal_path: File for the journal; None keeps it in memory only.
        going_on: A saved engine with the state that it came from; `restore` hands it in.
    """

    def __init__(
        self,
        clock: VirtualClock,
        market: Market,
        instruments: Iterable[Instrument] = (),
        accounts: Iterable[Account] = (),
        *,
        journal_path: Path | None = None,
        going_on: tuple[Engine, Mapping[str, Any]] | None = None,
    ) -> None:
        self.clock = clock
        self.market = market
        self.journal = Journal(clock.now_us, path=journal_path)
        self.engine = Engine(clock.now_us) if going_on is None else going_on[0]
        self.oracle = Oracle(self.engine.desk)
        if going_on is not None:
            self.oracle.resume(going_on[1]["oracle"])
            self.journal.resume(going_on[1]["journal"])
        self.engine.desk.listeners += [self.oracle.on_event, self.journal.on_event]
        for instrument in instruments:
            self.list_symbol(instrument)
        for account in accounts:
            self.add_account(account)
        market.attach(self)

    @property
    def house(self) -> Account:
        """The account of the market's own orders."""
        return self.engine.desk.house

    def advance(self) -> None:
        """Run the market up to the clock's present."""
        self.market.advance(self, self.clock.now_us())

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every event from now on; the returned function ends that."""
        desk = self.engine.desk
        desk.listeners = [*desk.listeners, listener]

        def stop() -> None:
            desk.listeners = [other for other in desk.listeners if other is not listener]

        return stop

    # Symbols and accounts

    def instruments(self) -> Mapping[str, Instrument]:
        """Return the listed symbols with their rules."""
        return {symbol: book.instrument for symbol, book in self.engine.desk.books.items()}

    def instrument(self, symbol: str) -> Instrument:
        """Return one symbol's rules. -1121 when it is not listed."""
        return self.engine.desk.book(symbol).instrument

    def accounts(self) -> Mapping[str, Account]:
        """Return the customers by name, without the house."""
        return {name: account for name, account in self.engine.desk.accounts.items() if name != HOUSE}

    def account(self, name: str) -> Account:
        """Return a customer or the house by name; KeyError when there is none."""
        return self.engine.desk.accounts[name]

    def key_of(self, api_key: str) -> ApiKey:
        """Return an API key's record. -2015 when there is none."""
        return self._by_key(api_key)[1]

    def account_of(self, api_key: str) -> Account:
        """Return whose API key it is. -2015 when nobody's."""
        return self._by_key(api_key)[0]

    def balances(self, account: Account) -> Mapping[str, Balance]:
        """Return an account's balances by asset: the live ones, not copies."""
        return account.balances

    # Orders

    def place(self, account: Account, request: OrderRequest) -> OrderResult:
        """Place an order; see `Engine.place`."""
        return self.engine.place(account, request)

    def test(self, account: Account, request: OrderRequest) -> None:
        """Check an order as if it were placed."""
        self.engine.test(account, request)

    def cancel(
        self,
        account: Account,
        symbol: str,
        *,
        order_id: int | None = None,
        client_id: str | None = None,
        new_client_id: str | None = None,
    ) -> Order:
        """Cancel an open order; see `Engine.cancel`."""
        return self.engine.cancel(account, symbol, order_id=order_id, client_id=client_id, new_client_id=new_client_id)

    def cancel_all(self, account: Account, symbol: str) -> list[Order | OrderList]:
        """Cancel every open order and list of a symbol."""
        return self.engine.cancel_all(account, symbol)

    def cancel_replace(
        self,
        account: Account,
        request: OrderRequest,
        *,
        mode: CancelReplaceMode,
        order_id: int | None = None,
        client_id: str | None = None,
        new_client_id: str | None = None,
    ) -> ReplaceResult:
        """Cancel an order and place another one; see `Engine.cancel_replace`."""
        return self.engine.cancel_replace(
            account, request, mode=mode, order_id=order_id, client_id=client_id, new_client_id=new_client_id
        )

    def place_oco(self, account: Account, request: OcoRequest) -> OrderList:
        """Place two orders of which one cancels the other."""
        return self.engine.place_oco(account, request)

    def cancel_list(
        self,
        account: Account,
        symbol: str,
        *,
        list_id: int | None = None,
        client_id: str | None = None,
        new_client_id: str | None = None,
    ) -> OrderList:
        """Cancel an order list."""
        return self.engine.cancel_list(
            account, symbol, list_id=list_id, client_id=client_id, new_client_id=new_client_id
        )

    # Queries

    def order(
        self, account: Account, symbol: str, *, order_id: int | None = None, client_id: str | None = None
    ) -> Order:
        """Return one order. -1121 for an unknown symbol, -2013 for an unknown order."""
        self.instrument(symbol)
        return queries.find_order(account, symbol, order_id, client_id)

    def open_orders(self, account: Account, symbol: str | None = None) -> list[Order]:
        """Return open orders, oldest first."""
        return queries.open_orders(account, symbol)

    def all_orders(
        self,
        account: Account,
        symbol: str,
        *,
        order_id: int | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = queries.DEFAULT_LIMIT,
    ) -> list[Order]:
        """Return orders of any status, oldest first."""
        return queries.all_orders(account, symbol, order_id=order_id, start_ms=start_ms, end_ms=end_ms, limit=limit)

    def my_trades(
        self,
        account: Account,
        symbol: str,
        *,
        order_id: int | None = None,
        from_id: int | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = queries.DEFAULT_LIMIT,
    ) -> list[Fill]:
        """Return an account's fills, oldest first."""
        return queries.my_trades(
            account, symbol, order_id=order_id, from_id=from_id, start_ms=start_ms, end_ms=end_ms, limit=limit
        )

    def order_list(self, account: Account, *, list_id: int | None = None, client_id: str | None = None) -> OrderList:
        """Return one order list. -2013 when there is none."""
        return queries.find_list(account, list_id, client_id)

    def order_lists(
        self,
        account: Account,
        *,
        from_id: int | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = queries.DEFAULT_LIMIT,
    ) -> list[OrderList]:
        """Return order lists, oldest first."""
        return queries.order_lists(account, from_id=from_id, start_ms=start_ms, end_ms=end_ms, limit=limit)

    def open_order_lists(self, account: Account) -> list[OrderList]:
        """Return the lists that are still being carried out."""
        return [one for one in account.lists.values() if one.is_open]

    # Market data

    def depth(self, symbol: str, limit: int = 100) -> Depth:
        """Return the best levels of a book. -1121 for an unknown symbol."""
        book = self.engine.desk.book(symbol)
        return Depth(book.update_id, book.bids.top(limit), book.asks.top(limit))

    def last_update_id(self, symbol: str) -> int:
        """Return the number of the book's last change."""
        return self.engine.desk.book(symbol).update_id

    def book_ticker(self, symbol: str) -> BookTicker:
        """Return best bid and ask; zeros for an empty side."""
        book = self.engine.desk.book(symbol)
        bid, ask = (book.bids.top(1) or [(0, 0)])[0], (book.asks.top(1) or [(0, 0)])[0]
        return BookTicker(symbol, *bid, *ask)

    def klines(
        self,
        symbol: str,
        interval: Interval,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> list[Kline]:
        """Return candles, oldest first; the last one of an open-ended question is still open."""
        self.instrument(symbol)
        return self.market.klines(symbol, interval, start_ms=start_ms, end_ms=end_ms, limit=limit)

    def trades(self, symbol: str, *, limit: int = 500, from_id: int | None = None) -> list[Trade]:
        """Return public trades, oldest first."""
        self.instrument(symbol)
        return self.market.trades(symbol, limit=limit, from_id=from_id)

    def agg_trades(
        self,
        symbol: str,
        *,
        from_id: int | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> list[AggTrade]:
        """Return aggregate trades, oldest first."""
        self.instrument(symbol)
        return self.market.agg_trades(symbol, from_id=from_id, start_ms=start_ms, end_ms=end_ms, limit=limit)

    def ticker(self, symbol: str) -> Ticker:
        """Return the statistics of the last 24 hours."""
        self.instrument(symbol)
        return self.market.ticker(symbol)

    def avg_price(self, symbol: str) -> Average:
        """Return the average price of the last minutes."""
        self.instrument(symbol)
        return self.market.avg_price(symbol)

    # Prices and saving

    def spike(self, symbol: str, percent: float) -> None:
        """Let a price jump by `percent` and come back. -1121 for an unknown symbol."""
        self.instrument(symbol)
        self.market.spike(self, symbol, percent)

    def save(self) -> bytes:
        """Return everything the exchange knows, so that `restore` goes on exactly as this one would."""
        return write_state(
            {
                "clock": self.clock.state(),
                "engine": pack_engine(self.engine),
                "journal": self.journal.state(),
                "market": self.market.state(),
                "oracle": self.oracle.state(),
            }
        )

    @classmethod
    def restore(
        cls,
        saved: bytes,
        *,
        market: Callable[[object, Mapping[str, Instrument]], Market],
        clock: Callable[[Mapping[str, float]], VirtualClock] = VirtualClock.restore,
        journal_path: Path | None = None,
    ) -> "Exchange":
        """Return the exchange that `save` described.

        Args:
            saved: What `save` returned.
            market: Makes the market from its state and the listed symbols. `attach` tells it when all is there.
            clock: Makes the clock from its state.
            journal_path: File that the journal goes on in.

        Raises:
            ValueError: the bytes are no saved exchange of this version.
        """
        state = read_state(saved)
        own_clock = clock(state["clock"])
        engine = unpack_engine(state["engine"], own_clock.now_us)
        listed = {symbol: book.instrument for symbol, book in engine.desk.books.items()}
        return cls(own_clock, market(state["market"], listed), journal_path=journal_path, going_on=(engine, state))

    def _by_key(self, api_key: str) -> tuple[Account, ApiKey]:
        for account in self.engine.desk.accounts.values():
            for key in account.keys:
                if key.key == api_key:
                    return account, key
        raise bad_key()
