"""Money: what orders hold, and who gets and pays what in a trade.

A buy order holds quote, a sell order holds base. In a trade the taker pays the maker's price; what a buyer held beyond
it comes back. Commission comes out of what is received, or out of BNB (faqs/commission_faq.md).
"""

from exchange_simulator.engine.account import Account, Balance
from exchange_simulator.engine.book import Book
from exchange_simulator.engine.desk import Desk
from exchange_simulator.engine.numbers import SCALE
from exchange_simulator.engine.orders import Fill, Order, Side

BASIS_POINTS = 10_000
BNB = "BNB"
BNB_PERCENT = 75
"""What of the fee remains when BNB pays it, in percent."""


def hold(desk: Desk, book: Book, account: Account, order: Order, amount: int) -> None:
    """Move `amount` of what the order pays with from free to locked."""
    is_buy = order.side is Side.BUY
    balance = book.purse(account)[is_buy]
    balance.free -= amount
    balance.locked += amount
    order.locked += amount
    if desk.listeners and amount and not account.is_house:
        desk.touch(account, book.instrument.quote if is_buy else book.instrument.base, balance)


def release(desk: Desk, book: Book, account: Account, order: Order, amount: int | None = None) -> None:
    """Give back what the order holds, or `amount` of it."""
    amount = order.locked if amount is None else amount
    if amount:
        hold(desk, book, account, order, -amount)


def free_to_pay(book: Book, account: Account, side: Side) -> int:
    """What an account has free of the asset that an order of `side` pays with."""
    return book.purse(account)[side is Side.BUY].free


def settle(desk: Desk, book: Book, order: Order, account: Account, deal: tuple[int, int, int], *, maker: bool) -> Fill:
    """Book one side of a trade.

    Args:
        desk: The engine's state.
        book: Where it was traded.
        order: The order of this side, with what it held before the trade.
        account: The order's account.
        deal: Price, quantity and quote amount.
        maker: Whether this side rested.

    Returns:
        The trade as this side sees it.
    """
    price, quantity, quote = deal
    base, money = book.purse(account)
    is_buy = order.side is Side.BUY
    _swap(order, base, money, deal)
    order.executed += quantity
    order.executed_quote += quote
    order.update_us = desk.time_us
    instrument = book.instrument
    asset = instrument.base if is_buy else instrument.quote
    fee = 0
    if not account.is_house:
        rate_bp = account.maker_bp if maker else account.taker_bp
        received = (asset, base if is_buy else money, quantity if is_buy else quote)
        fee, asset = _commission(desk, book, account, received, deal, rate_bp)
        if desk.listeners:
            desk.touch(account, instrument.base, base)
            desk.touch(account, instrument.quote, money)
    return Fill(
        instrument.symbol,
        desk.last_trade_id,
        order.order_id,
        order.list_id,
        account.name,
        order.side,
        price,
        quantity,
        quote,
        fee,
        asset,
        desk.time_us,
        maker,
    )


def _swap(order: Order, base: Balance, money: Balance, deal: tuple[int, int, int]) -> None:
    """Move base and quote, out of what the order holds where it holds something."""
    _, quantity, quote = deal
    held = order.locked
    if order.side is Side.SELL:
        order.locked = held - quantity
        base.locked -= quantity
        money.free += quote
        return
    if held:
        is_last = quantity == order.quantity - order.executed - order.prevented
        part = held if is_last else order.price * quantity // SCALE
        order.locked = held - part
        money.locked -= part
        money.free += part
    money.free -= quote
    base.free += quantity


def _commission(
    desk: Desk,
    book: Book,
    account: Account,
    received: tuple[str, Balance, int],
    deal: tuple[int, int, int],
    rate_bp: int,
) -> tuple[int, str]:
    """Take the commission of one side and return it with its asset. BNB pays all of it or nothing."""
    asset, balance, amount = received
    fee = amount * rate_bp // BASIS_POINTS
    if account.pay_in_bnb:
        price, _, quote = deal
        bnb_price = _bnb_price(desk, book, price)
        purse = account.balance(BNB)
        in_bnb = quote * rate_bp * BNB_PERCENT * SCALE // (bnb_price * BASIS_POINTS * 100) if bnb_price else 0
        if bnb_price and in_bnb <= purse.free:
            fee, asset, balance = in_bnb, BNB, purse
            if desk.listeners:
                desk.touch(account, BNB, purse)
    balance.free -= fee
    if fee:
        desk.fees[asset] = desk.fees.get(asset, 0) + fee
    return fee, asset


def _bnb_price(desk: Desk, book: Book, price: int) -> int:
    """Price of one BNB in the quote asset of `book`; 0 when nothing says it."""
    instrument = book.instrument
    if instrument.quote == BNB:
        return SCALE
    if instrument.base == BNB:
        return price
    pair = desk.books.get(BNB + instrument.quote)
    listed = pair.last_price if pair is not None else 0
    return listed or desk.bnb_prices.get(instrument.quote, 0)
