"""What happens to accounts and symbols from outside: deposits, withdrawals, locks, halts, new rules, delisting."""

from dataclasses import replace

from exchange_simulator.engine.account import Account
from exchange_simulator.engine.book import Book
from exchange_simulator.engine.engine import Engine
from exchange_simulator.engine.errors import Rejection, rejected
from exchange_simulator.engine.events import BalanceDelta, InstrumentChanged
from exchange_simulator.engine.instrument import Instrument, SymbolStatus
from exchange_simulator.engine.orders import Order


class World:
    """What an operator, another trader or fate does; the exchange's facade is one."""

    engine: Engine

    def add_account(self, account: Account) -> None:
        """Open an account; what it starts with counts as deposited now.

        Raises:
            ValueError: the name is taken.
        """
        if account.name in self.engine.desk.accounts:
            raise ValueError(f"there is already an account called {account.name!r}: choose another name")
        self.engine.desk.accounts[account.name] = account
        start = {asset: balance.free for asset, balance in account.balances.items()}
        account.balances.clear()
        for asset, amount in start.items():
            self.deposit(account, asset, amount)

    def deposit(self, account: Account, asset: str, amount: int) -> None:
        """Let an amount arrive. -2010 when it is negative and more than what is free."""
        desk = self.engine.desk
        desk.begin()
        balance = account.balance(asset)
        if amount < 0 and balance.free + amount < 0:
            raise rejected(Rejection.INSUFFICIENT_BALANCE)
        balance.free += amount
        desk.emit(BalanceDelta(account.name, asset, amount, desk.time_us))
        desk.touch(account, asset, balance)
        desk.end()

    def withdraw(self, account: Account, asset: str, amount: int) -> None:
        """Let an amount leave. -2010 when it is more than what is free."""
        self.deposit(account, asset, -amount)

    def lock_external(self, account: Account, asset: str, amount: int) -> None:
        """Lock an amount from outside, or free it again when it is negative.

        Raises:
            ApiError: -2010 when more is locked than is free, or freed than was locked.
        """
        desk = self.engine.desk
        desk.begin()
        balance = account.balance(asset)
        if balance.free < amount or balance.outside + amount < 0:
            raise rejected(Rejection.INSUFFICIENT_BALANCE)
        balance.free -= amount
        balance.locked += amount
        balance.outside += amount
        desk.emit(BalanceDelta(account.name, asset, amount, desk.time_us, is_lock=True))
        desk.touch(account, asset, balance)
        desk.end()

    def list_symbol(self, instrument: Instrument) -> None:
        """Begin to trade a symbol.

        Raises:
            ValueError: it is listed already.
        """
        if instrument.symbol in self.engine.desk.books:
            raise ValueError(f"{instrument.symbol} is listed already")
        self.engine.desk.books[instrument.symbol] = Book(instrument)
        self._announce(instrument.symbol, instrument)

    def set_filters(self, symbol: str, **changes: object) -> Instrument:
        """Change rules of a symbol by the field names of `Instrument`. Open orders stay as they are.

        Raises:
            ApiError: -1121 for an unknown symbol.
            ValueError: the rules cannot be, or there is no such field.
        """
        book = self.engine.desk.book(symbol)
        try:
            book.instrument = replace(book.instrument, **changes)  # type: ignore[arg-type]  # replace checks the names
        except TypeError as unknown:
            raise ValueError(f"{symbol}: an instrument has no such rule ({unknown})") from unknown
        self._announce(symbol, book.instrument)
        return book.instrument

    def set_status(self, symbol: str, status: SymbolStatus) -> None:
        """Halt a symbol, reopen it, or let orders only be canceled. -1121 for an unknown symbol."""
        self.set_filters(symbol, status=status)

    def remove_symbol(self, symbol: str) -> None:
        """Take a symbol off the exchange; its open orders expire. -1121 for an unknown symbol."""
        desk = self.engine.desk
        desk.begin()
        book = desk.book(symbol)
        for account in desk.accounts.values():
            for order in list(account.open.get(symbol, {}).values()):
                if order.status.is_open:
                    self.engine.expire(book, account, order)
        desk.end(book)
        del desk.books[symbol]
        self._announce(symbol, None)

    def expire_order(self, account: Account, symbol: str, order_id: int) -> Order:
        """Let an open order expire without anyone asking. -2011 when it is not open."""
        return self.engine.expire_order(account, symbol, order_id)

    def set_fees(
        self,
        account: Account,
        *,
        pay_in_bnb: bool | None = None,
        maker_bp: int | None = None,
        taker_bp: int | None = None,
    ) -> None:
        """Change what an account pays; None leaves a value as it is."""
        account.pay_in_bnb = account.pay_in_bnb if pay_in_bnb is None else pay_in_bnb
        account.maker_bp = account.maker_bp if maker_bp is None else maker_bp
        account.taker_bp = account.taker_bp if taker_bp is None else taker_bp

    def _announce(self, symbol: str, instrument: Instrument | None) -> None:
        desk = self.engine.desk
        desk.begin()
        desk.emit(InstrumentChanged(symbol, instrument, desk.time_us))
