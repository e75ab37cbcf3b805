"""Saving and restoring the engine as JSON. What is restored goes on exactly as what was saved would have.

Orders are rows of their fields in the order of the class; the places where an order is referred to hold its id.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any

from exchange_simulator.engine.account import Account, ApiKey, Balance, KeyKind
from exchange_simulator.engine.book import Book, BookSide
from exchange_simulator.engine.engine import Engine
from exchange_simulator.engine.instrument import Instrument, SymbolStatus
from exchange_simulator.engine.orders import (
    ContingencyType,
    Fill,
    ListOrderStatus,
    ListStatusType,
    Order,
    OrderList,
    OrderStatus,
    OrderType,
    Side,
    StpMode,
    TimeInForce,
)

VERSION = 1
_ORDER_FIELDS = [field.name for field in fields(Order)]
_ORDER_ENUMS = {
    "side": Side,
    "type": OrderType,
    "time_in_force": TimeInForce,
    "stp_mode": StpMode,
    "status": OrderStatus,
}
_COUNTERS = ("last_order_id", "last_trade_id", "last_list_id")
_ACCOUNT_FIELDS = ("name", "uid", "maker_bp", "taker_bp", "pay_in_bnb", "can_trade", "update_us", "is_house")

Packed = dict[str, Any]


def write_state(state: Mapping[str, object]) -> bytes:
    """Return a state as canonical JSON, with its version."""
    return json.dumps({"version": VERSION, **state}, sort_keys=True, separators=(",", ":")).encode()


def read_state(saved: bytes) -> Packed:
    """Read what `write_state` wrote.

    Raises:
        ValueError: these are other bytes, or another version's.
    """
    try:
        state = json.loads(saved)
    except ValueError as broken:
        raise ValueError("this is no saved exchange: the JSON cannot be read; start without it") from broken
    version = state.get("version") if isinstance(state, dict) else None
    if version != VERSION:
        raise ValueError(
            f"a saved exchange of version {version} cannot be read, only version {VERSION}; start without it"
        )
    return dict(state)


def pack_engine(engine: Engine) -> Packed:
    """Return everything the engine knows, ready for JSON."""
    desk = engine.desk
    return {
        "counters": [getattr(desk, name) for name in _COUNTERS],
        "fees": desk.fees,
        "bnb_prices": desk.bnb_prices,
        "books": [_pack_book(book) for book in desk.books.values()],
        "accounts": [_pack_account(account) for account in desk.accounts.values()],
    }


def unpack_engine(packed: Packed, now_us: Callable[[], int]) -> Engine:
    """Return the engine that `pack_engine` described."""
    engine = Engine(now_us)
    desk = engine.desk
    for name, value in zip(_COUNTERS, packed["counters"], strict=True):
        setattr(desk, name, value)
    desk.fees.update(packed["fees"])
    desk.bnb_prices.clear()
    desk.bnb_prices.update(packed["bnb_prices"])
    orders: dict[int, Order] = {}
    for row in packed["accounts"]:
        account = _unpack_account(row, orders)
        desk.accounts[account.name] = account
        if account.is_house:
            desk.house = account
    for row in packed["books"]:
        book = _unpack_book(row, orders)
        desk.books[book.instrument.symbol] = book
    return engine


def _pack_book(book: Book) -> Packed:
    triggers = book.triggers
    waiting = [order_id for order_id in triggers.waiting if order_id not in triggers.trailing]
    return {
        "instrument": {**asdict(book.instrument), "order_types": sorted(book.instrument.order_types)},
        "last_price": book.last_price,
        "reported_id": book.reported_id,
        "sides": [[side.updates, _ids(side)] for side in (book.bids, book.asks)],
        "waiting": [*waiting, *triggers.trailing],
    }


def _ids(side: BookSide) -> list[int]:
    """The side's orders from worst to best price, within a price in order of time."""
    return [order_id for key in side.keys for order_id in side.levels[side.sign * key].orders]


def _unpack_book(row: Packed, orders: Mapping[int, Order]) -> Book:
    rules = dict(row["instrument"])
    rules["status"] = SymbolStatus(rules["status"])
    rules["default_stp_mode"] = StpMode(rules["default_stp_mode"])
    rules["order_types"] = frozenset(OrderType(name) for name in rules["order_types"])
    book = Book(Instrument(**rules))
    book.last_price, book.reported_id = row["last_price"], row["reported_id"]
    for side, (updates, order_ids) in zip((book.bids, book.asks), row["sides"], strict=True):
        for order_id in order_ids:
            side.add(orders[order_id], orders[order_id].remaining)
        side.updates = updates
        side.changes.clear()
    for order_id in row["waiting"]:
        book.triggers.add(orders[order_id], book.last_price, 0)
    return book


def _pack_account(account: Account) -> Packed:
    held = {order.order_id: order for order in _all(account.open.values())}
    held |= {order.order_id: order for order in _all(account.orders.values())}
    return {
        **{name: getattr(account, name) for name in _ACCOUNT_FIELDS},
        "keys": [[key.key, key.kind, key.secret, key.can_trade, key.can_withdraw] for key in account.keys],
        "balances": [[asset, held_.free, held_.locked, held_.outside] for asset, held_ in account.balances.items()],
        "orders": [[getattr(order, name) for name in _ORDER_FIELDS] for order in held.values()],
        "open": {symbol: list(orders) for symbol, orders in account.open.items()},
        "known": {symbol: list(orders) for symbol, orders in account.orders.items()},
        "by_client_id": [[*name, order.order_id] for name, order in account.by_client_id.items()],
        "fills": {symbol: [list(fill) for fill in fills] for symbol, fills in account.fills.items()},
        "lists": [_pack_list(one) for one in account.lists.values()],
    }


def _unpack_account(row: Packed, orders: dict[int, Order]) -> Account:
    own = [_unpack_order(values) for values in row["orders"]]
    orders.update({order.order_id: order for order in own})
    account = Account(**{name: row[name] for name in _ACCOUNT_FIELDS})
    account.keys = [ApiKey(key, KeyKind(kind), *rest) for key, kind, *rest in row["keys"]]
    account.balances = {asset: Balance(*amounts) for asset, *amounts in row["balances"]}
    account.open = _by_id(row["open"], orders)
    account.orders = _by_id(row["known"], orders)
    account.by_client_id = {(symbol, name): orders[order_id] for symbol, name, order_id in row["by_client_id"]}
    account.fills = {symbol: [_unpack_fill(values) for values in fills] for symbol, fills in row["fills"].items()}
    account.lists = {values["list_id"]: _unpack_list(values, orders) for values in row["lists"]}
    return account


def _by_id(ids: Mapping[str, list[int]], orders: Mapping[int, Order]) -> dict[str, dict[int, Order]]:
    return {symbol: {order_id: orders[order_id] for order_id in listed} for symbol, listed in ids.items()}


def _all(by_symbol: Iterable[Mapping[int, Order]]) -> list[Order]:
    return [order for orders in by_symbol for order in orders.values()]


def _unpack_order(values: list[Any]) -> Order:
    row = dict(zip(_ORDER_FIELDS, values, strict=True))
    return Order(**row | {name: kind(row[name]) for name, kind in _ORDER_ENUMS.items()})


def _unpack_fill(values: list[Any]) -> Fill:
    return Fill(*values)._replace(side=Side(values[Fill._fields.index("side")]))


def _pack_list(one: OrderList) -> Packed:
    row = {field.name: getattr(one, field.name) for field in fields(one)}
    return row | {"orders": [order.order_id for order in one.orders]}


def _unpack_list(row: Packed, orders: Mapping[int, Order]) -> OrderList:
    return OrderList(
        **row
        | {
            "orders": [orders[order_id] for order_id in row["orders"]],
            "contingency": ContingencyType(row["contingency"]),
            "status_type": ListStatusType(row["status_type"]),
            "order_status": ListOrderStatus(row["order_status"]),
        }
    )
