"""What an account's reads show: the present, or, when asked for, a past that Binance's databases would still show.

Reads of Memory and Database may be behind the matching engine (rest-api.md, "Data Sources"). A constant lag is a
setting; windows of lag, of orders not found and of stale open orders are faults.
"""

import copy
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from exchange_simulator.engine.account import Account, Balance
from exchange_simulator.engine.errors import ApiError
from exchange_simulator.engine.events import BalanceChanged, Event, OrderUpdate
from exchange_simulator.engine.orders import Fill, Order
from exchange_simulator.exchange import Exchange
from exchange_simulator.server.faults.rule import Rule

SECOND_US = 1_000_000
MAX_VERSIONS = 256

V = TypeVar("V")


@dataclass(slots=True)
class _Versions(Generic[V]):
    """The values that something had, by time."""

    times_us: list[int] = field(default_factory=list)
    values: list[V] = field(default_factory=list)

    def add(self, now_us: int, value: V) -> None:
        self.times_us.append(now_us)
        self.values.append(value)
        if len(self.values) > MAX_VERSIONS:
            del self.times_us[0], self.values[0]

    def at(self, instant_us: int) -> V | None:
        found = bisect_right(self.times_us, instant_us)
        return self.values[found - 1] if found else None


@dataclass(slots=True)
class _Windows:
    """Until when which disturbance holds."""

    lag_until_us: int = 0
    lag_us: int = 0
    not_found_until_us: int = 0
    not_found_age_us: int = 0
    stale_until_us: int = 0


class AccountReads:
    """Answers reads of accounts. `lag_us` is the constant lag; 0 for none."""

    def __init__(self, exchange: Exchange, *, lag_us: int = 0) -> None:
        self._exchange = exchange
        self._constant_lag_us = lag_us
        self._windows = _Windows()
        self._orders: dict[str, dict[int, _Versions[Order]]] = {}
        self._balances: dict[str, _Versions[Mapping[str, Balance]]] = {}
        self._stale_open: dict[str, list[Order]] = {}
        if lag_us:
            self._remember_everything()

    def on_event(self, event: Event) -> None:
        """Note what changed, while a lag is in force."""
        if not self._lag_us():
            return
        now_us = self._exchange.clock.now_us()
        if isinstance(event, OrderUpdate):
            self._note_order(event.account, event.order, now_us)
        elif isinstance(event, BalanceChanged):
            self._note_balances(self._exchange.account(event.account), now_us)

    def disturb(self, rule: Rule) -> None:
        """Begin the window that a fault asks for, at this moment."""
        now_us = self._exchange.clock.now_us()
        until_us = now_us + int(rule.number("seconds") * SECOND_US)
        if rule.kind.name == "read_lag":
            self._remember_everything()
            self._windows.lag_until_us, self._windows.lag_us = until_us, int(rule.number("lag") * SECOND_US)
        elif rule.kind.name == "not_found_window":
            self._windows.not_found_until_us = until_us
            self._windows.not_found_age_us = int(rule.number("age") * SECOND_US)
        else:
            self._windows.stale_until_us = until_us
            everyone = self._exchange.accounts().values()
            self._stale_open = {a.name: [copy.copy(o) for o in self._exchange.open_orders(a)] for a in everyone}

    def balances(self, account: Account) -> Mapping[str, Balance]:
        """Return an account's balances."""
        versions = self._balances.get(account.name) if self._lag_us() else None
        seen = versions.at(self._seen_us()) if versions is not None else None
        return self._exchange.balances(account) if seen is None else seen

    def order(self, account: Account, symbol: str, order_id: int | None, client_id: str | None) -> Order:
        """Return one order. -2013 when it does not exist, or is not seen yet."""
        order = self._exchange.order(account, symbol, order_id=order_id, client_id=client_id)
        seen = self._as_seen(account, order)
        if seen is None or self._too_young(order):
            raise ApiError(-2013, "Order does not exist.")
        return seen

    def open_orders(self, account: Account, symbol: str | None) -> list[Order]:
        """Return the open orders of one symbol or of all."""
        now_us = self._exchange.clock.now_us()
        if now_us < self._windows.stale_until_us:
            held = self._stale_open.get(account.name, [])
            return [order for order in held if symbol in {None, order.symbol}]
        if not self._lag_us():
            return self._exchange.open_orders(account, symbol)
        versions = self._orders.get(account.name, {}).values()
        seen = [order for order in (one.at(self._seen_us()) for one in versions) if order is not None]
        return [order for order in seen if order.status.is_open and symbol in {None, order.symbol}]

    def all_orders(self, account: Account, orders: list[Order]) -> list[Order]:
        """Return those of an account's orders that are seen, as they are seen."""
        return [seen for seen in (self._as_seen(account, order) for order in orders) if seen is not None]

    def my_trades(self, fills: list[Fill]) -> list[Fill]:
        """Return those of some fills that are seen."""
        if not self._lag_us():
            return fills
        seen_us = self._seen_us()
        return [fill for fill in fills if fill.time_us <= seen_us]

    def _lag_us(self) -> int:
        if self._exchange.clock.now_us() < self._windows.lag_until_us:
            return self._windows.lag_us
        return self._constant_lag_us

    def _seen_us(self) -> int:
        return self._exchange.clock.now_us() - self._lag_us()

    def _as_seen(self, account: Account, order: Order) -> Order | None:
        versions = self._orders.get(account.name, {}).get(order.order_id) if self._lag_us() else None
        return order if versions is None else versions.at(self._seen_us())

    def _too_young(self, order: Order) -> bool:
        now_us = self._exchange.clock.now_us()
        return now_us < self._windows.not_found_until_us and now_us - order.time_us < self._windows.not_found_age_us

    def _remember_everything(self) -> None:
        """Take the present as what was always so: nothing older is known."""
        self._orders, self._balances = {}, {}
        for account in self._exchange.accounts().values():
            self._orders[account.name] = {}
            for order in self._exchange.open_orders(account):
                self._note_order(account.name, order, 0)
            self._note_balances(account, 0)

    def _note_order(self, account: str, order: Order, now_us: int) -> None:
        versions = self._orders.setdefault(account, {}).setdefault(order.order_id, _Versions())
        versions.add(now_us, copy.copy(order))

    def _note_balances(self, account: Account, now_us: int) -> None:
        present = {asset: copy.copy(balance) for asset, balance in self._exchange.balances(account).items()}
        self._balances.setdefault(account.name, _Versions()).add(now_us, present)
