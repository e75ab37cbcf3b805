"""World faults: what an operator, another trader or fate does to symbols, accounts, orders and sockets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from exchange_simulator.engine.account import Account
from exchange_simulator.engine.errors import ApiError
from exchange_simulator.engine.instrument import SymbolStatus
from exchange_simulator.engine.numbers import parse
from exchange_simulator.engine.orders import Order, OrderRequest, OrderType, Side, TimeInForce
from exchange_simulator.exchange import Exchange
from exchange_simulator.server.faults.rule import BadRuleError, Rule

ALL_LEVELS = 5_000
FULL = 100
Values = Mapping[str, str]


class SocketFaults(Protocol):
    """What can be done to all sockets at once."""

    def shut_down(self, seconds: float) -> None:
        """Announce a shutdown, then close."""

    def close_after_a_day(self) -> None:
        """Close all."""

    def terminate_user_streams(self) -> None:
        """End all user data streams."""


@dataclass(slots=True)
class World:
    """Carries out world faults on an exchange. `sockets` is set once the server has them."""

    exchange: Exchange
    sockets: SocketFaults | None = None
    skew_us: int = 0
    _strikes: Mapping[str, Callable[[Rule, Values], None]] = field(init=False)

    def __post_init__(self) -> None:
        self._strikes = {
            "partial_fill": lambda rule, request: self._fill(rule, request, rule.number("percent")),
            "fill_during_cancel": lambda rule, request: self._fill(rule, request, FULL),
            "expire_order": self._expire,
            "exchange_cancel": self._cancel_symbol,
            "manual_order": self._manual_order,
            "manual_cancel": self._manual_cancel,
            "deposit": lambda rule, _: self.exchange.deposit(self._account(rule), *_money(rule)),
            "withdraw": lambda rule, _: self.exchange.withdraw(self._account(rule), *_money(rule)),
            "external_lock": lambda rule, _: self.exchange.lock_external(self._account(rule), *_money(rule)),
            "bnb_drained": lambda rule, _: self._drain(self._account(rule), "BNB"),
            "fee_asset_switch": lambda rule, _: self._switch_fee_asset(rule),
            "halt": lambda rule, _: self._set_status(rule, SymbolStatus.HALT),
            "break": lambda rule, _: self._set_status(rule, SymbolStatus.BREAK),
            "cancel_only": lambda rule, _: self._set_status(rule, SymbolStatus.CANCEL_ONLY),
            "trading": lambda rule, _: self._set_status(rule, SymbolStatus.TRADING),
            "remove_symbol": lambda rule, _: self.exchange.remove_symbol(rule.text("symbol")),
            "filter_change": lambda rule, _: self._change_filters(rule),
            "spike": lambda rule, _: self.exchange.spike(rule.text("symbol"), rule.number("percent")),
            "clock_skew": lambda rule, _: self._skew(rule),
            "ws_server_shutdown": lambda rule, _: self._all_sockets().shut_down(rule.number("seconds")),
            "ws_day_close": lambda _, __: self._all_sockets().close_after_a_day(),
            "ws_stream_terminated": lambda _, __: self._all_sockets().terminate_user_streams(),
        }

    def shown_us(self) -> int:
        """Return the time that the server shows and checks by: the exchange's, skewed if a fault says so."""
        return self.exchange.clock.now_us() + self.skew_us

    def strike(self, rule: Rule, request: Values | None = None) -> None:
        """Carry out a world fault.

        Args:
            rule: The fault.
            request: The parameters of the request that set it off; an order that it names is the one that is struck.

        Raises:
            BadRuleError: the fault names a symbol, an account or an order that is not there.
        """
        try:
            self._strikes[rule.kind.name](rule, request or {})
        except BadRuleError:
            raise
        except (ApiError, ValueError) as refused:
            raise BadRuleError(f"fault {rule.kind.name!r} cannot be carried out: {refused}") from refused

    def strike_or_note(self, rule: Rule, request: Values | None = None) -> None:
        """Carry out a world fault that was put up earlier; one that has become impossible is a line of the journal."""
        try:
            self.strike(rule, request)
        except BadRuleError as impossible:
            self.exchange.journal.record("fault_impossible", {"id": rule.id, "why": str(impossible)})

    def _account(self, rule: Rule) -> Account:
        accounts = self.exchange.accounts()
        name = rule.text("account") or next(iter(accounts))
        if name not in accounts:
            raise BadRuleError(f"no account is called {name!r}; there are: {', '.join(accounts)}")
        return accounts[name]

    def _target(self, rule: Rule, request: Values, *, in_book: bool = False) -> tuple[Account, Order]:
        """Return the open order that the request names, or else the account's newest; `in_book`: no waiting stop."""
        account = self._account(rule)
        symbol = rule.text("symbol") or request.get("symbol") or None
        orders = self.exchange.open_orders(account, symbol)
        if in_book:
            orders = [order for order in orders if order.is_working]
        order_id, client_id = request.get("orderId"), request.get("origClientOrderId")
        if order_id or client_id:
            orders = [o for o in orders if str(o.order_id) == order_id or o.client_id == client_id]
        if not orders:
            raise BadRuleError(f"fault {rule.kind.name!r} finds no open order")
        return account, orders[-1]

    def _fill(self, rule: Rule, request: Values, percent: float) -> None:
        """Let another trader take the market up to the order and a part of the order itself."""
        _, order = self._target(rule, request, in_book=True)
        book = self.exchange.depth(order.symbol, ALL_LEVELS)
        ours, is_buy = book.bids if order.side is Side.BUY else book.asks, order.side is Side.BUY
        ahead = sum(q for p, q in ours if (p >= order.price if is_buy else p <= order.price)) - order.remaining
        step = self.exchange.instruments()[order.symbol].step_size
        part = int(order.remaining * percent / FULL) // step * step
        self.exchange.place(
            self.exchange.house,
            OrderRequest(
                symbol=order.symbol,
                side=Side.SELL if is_buy else Side.BUY,
                type=OrderType.LIMIT,
                quantity=ahead + part,
                price=order.price,
                time_in_force=TimeInForce.IOC,
            ),
        )

    def _expire(self, rule: Rule, request: Values) -> None:
        account, order = self._target(rule, request)
        self.exchange.expire_order(account, order.symbol, order.order_id)

    def _cancel_symbol(self, rule: Rule, request: Values) -> None:
        account, order = self._target(rule, request)
        self.exchange.cancel_all(account, order.symbol)

    def _manual_cancel(self, rule: Rule, request: Values) -> None:
        account, order = self._target(rule, request)
        self.exchange.cancel(account, order.symbol, order_id=order.order_id)

    def _manual_order(self, rule: Rule, _: Values) -> None:
        price = rule.text("price")
        self.exchange.place(
            self._account(rule),
            OrderRequest(
                symbol=rule.text("symbol"),
                side=Side(rule.text("side").upper()),
                type=OrderType.LIMIT if price else OrderType.MARKET,
                quantity=parse(rule.text("quantity")),
                price=parse(price) if price else None,
            ),
        )

    def _drain(self, account: Account, asset: str) -> None:
        held = self.exchange.balances(account).get(asset)
        if held is not None and held.free:
            self.exchange.withdraw(account, asset, held.free)

    def _switch_fee_asset(self, rule: Rule) -> None:
        self.exchange.set_fees(self._account(rule), pay_in_bnb=bool(rule.args["pay_in_bnb"]))

    def _set_status(self, rule: Rule, status: SymbolStatus) -> None:
        self.exchange.set_status(rule.text("symbol"), status)

    def _change_filters(self, rule: Rule) -> None:
        wanted = rule.args["filters"]
        if not isinstance(wanted, dict):
            raise BadRuleError(f"filters of fault 'filter_change' is an object of names and values, not {wanted!r}")
        unknown = set(wanted) - set(FILTERS)
        if unknown:
            raise BadRuleError(f"no filter field is called {unknown.pop()!r}; there are: {', '.join(FILTERS)}")
        self.exchange.set_filters(rule.text("symbol"), **{FILTERS[n]: parse(str(v)) for n, v in wanted.items()})

    def _skew(self, rule: Rule) -> None:
        self.skew_us = int(rule.number("offset_ms") * 1_000)

    def _all_sockets(self) -> SocketFaults:
        if self.sockets is None:
            raise BadRuleError("this exchange has no sockets")
        return self.sockets


FILTERS = {
    "tickSize": "tick_size",
    "stepSize": "step_size",
    "minQty": "min_qty",
    "maxQty": "max_qty",
    "minNotional": "min_notional",
}
"""Filter fields that a fault may change, and their names in the engine."""


def _money(rule: Rule) -> tuple[str, int]:
    return rule.text("asset"), parse(rule.text("amount"))
