"""Matching: an incoming order against the book, by price, then by time, with self-trade prevention and fill-or-kill."""

from exchange_simulator.engine.account import Account
from exchange_simulator.engine.book import Book, BookSide
from exchange_simulator.engine.desk import Desk
from exchange_simulator.engine.events import TradePrinted
from exchange_simulator.engine.life import book_fill, end, finish_list, report, take_off
from exchange_simulator.engine.numbers import SCALE
from exchange_simulator.engine.orders import (
    ExecutionType,
    Fill,
    Order,
    OrderStatus,
    Side,
    StpMode,
    TimeInForce,
    Trade,
)
from exchange_simulator.engine.settlement import release, settle

_ANY_PRICE = -(1 << 80)


def work(desk: Desk, book: Book, account: Account, order: Order) -> list[Fill]:
    """Let an accepted order trade, then rest or end, as its type and time in force say.

    Returns:
        The order's own fills.
    """
    order.working_us = desk.time_us
    if order.time_in_force is TimeInForce.FOK:
        apart = account.name if order.stp_mode is not StpMode.NONE else ""
        if book.reachable(order.side, order.price, apart) < order.quantity:
            _expire_rest(desk, book, order)
            return []
    fills = _match(desk, book, account, order)
    if order.status is OrderStatus.NEW or order.status is OrderStatus.PARTIALLY_FILLED:
        if order.price and order.time_in_force is TimeInForce.GTC:
            book.side_of(order.side).add(order, order.quantity - order.executed - order.prevented)
        else:
            _expire_rest(desk, book, order)
    return fills


def _expire_rest(desk: Desk, book: Book, order: Order) -> None:
    """End what IOC and market orders cannot trade (faqs/market_orders_faq.md)."""
    end(desk, book, order, OrderStatus.EXPIRED, ExecutionType.EXPIRED)
    if order.list_id >= 0:
        finish_list(desk, desk.accounts[order.account], order)


def _match(desk: Desk, book: Book, account: Account, order: Order) -> list[Fill]:
    """Trade against the other side while prices cross."""
    side = book.asks if order.side is Side.BUY else book.bids
    worst = side.sign * order.price if order.price else _ANY_PRICE
    keys, levels, sign = side.keys, side.levels, side.sign
    fills: list[Fill] = []
    while keys and keys[-1] >= worst:
        price = sign * keys[-1]
        maker = next(iter(levels[price].orders.values()))
        if maker.account == account.name and order.stp_mode is not StpMode.NONE:
            if _prevent(desk, book, account, order, maker):
                break
            continue
        remaining = order.quantity - order.executed - order.prevented
        quantity = min(remaining, maker.quantity - maker.executed - maker.prevented)
        quote = price * quantity // SCALE
        if not order.locked and not account.is_house and quote > book.purse(account)[1].free:
            break
        fills.append(_trade(desk, book, (order, account), maker, side, (price, quantity, quote)))
        if quantity == remaining:
            break
    return fills


def _trade(
    desk: Desk, book: Book, taker: tuple[Order, Account], maker: Order, side: BookSide, deal: tuple[int, int, int]
) -> Fill:
    """Carry out one trade and return the taker's fill."""
    order, account = taker
    price, quantity, quote = deal
    resting = desk.accounts[maker.account]
    desk.last_trade_id += 1
    book.last_price = price
    gone = maker.quantity - maker.executed - maker.prevented == quantity
    side.reduce(maker, quantity, gone=gone)
    theirs = settle(desk, book, maker, resting, deal, maker=True)
    ours = settle(desk, book, order, account, deal, maker=False)
    book_fill(desk, book, resting, maker, theirs)
    book_fill(desk, book, account, order, ours)
    if desk.listeners:
        is_buyer_maker = maker.side is Side.BUY
        ids = (order.order_id, maker.order_id)
        trade = Trade(order.symbol, desk.last_trade_id, price, quantity, quote, desk.time_us, is_buyer_maker, *ids)
        desk.emit(TradePrinted(trade, ours, theirs))
    return ours


def _prevent(desk: Desk, book: Book, account: Account, order: Order, maker: Order) -> bool:
    """Keep an order from trading with one of its own account; True when that ends the order (faqs/stp_faq.md)."""
    mode = order.stp_mode
    if mode is StpMode.DECREMENT:
        quantity = min(order.remaining, maker.remaining)
        _decrement(desk, book, account, maker, quantity, resting=True)
        return _decrement(desk, book, account, order, quantity, resting=False)
    if mode is not StpMode.EXPIRE_TAKER:
        take_off(book, maker)
        _end_in_match(desk, book, maker)
    if mode is not StpMode.EXPIRE_MAKER:
        _end_in_match(desk, book, order)
        return True
    return False


def _decrement(desk: Desk, book: Book, account: Account, order: Order, quantity: int, *, resting: bool) -> bool:
    """Take `quantity` out of an order; True when that ends it."""
    ends = quantity == order.remaining
    if resting:
        book.side_of(order.side).reduce(order, quantity, gone=ends)
    if ends:
        _end_in_match(desk, book, order)
    else:
        order.prevented += quantity
        part = quantity if order.side is Side.SELL else order.price * quantity // SCALE
        release(desk, book, account, order, min(part, order.locked))
        report(desk, order, ExecutionType.TRADE_PREVENTION, prevented=quantity)
    return ends


def _end_in_match(desk: Desk, book: Book, order: Order) -> None:
    account = desk.accounts[order.account]
    prevented = order.remaining
    release(desk, book, account, order)
    order.prevented += prevented
    order.status = OrderStatus.EXPIRED_IN_MATCH
    order.update_us = desk.time_us
    del account.open[order.symbol][order.order_id]
    report(desk, order, ExecutionType.TRADE_PREVENTION, prevented=prevented)
    if order.list_id >= 0:
        finish_list(desk, account, order)
