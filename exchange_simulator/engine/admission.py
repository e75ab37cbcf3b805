"""Whether a new order is taken: form, status, filters, duplicate ids, prices against the market, and money."""

from dataclasses import dataclass

from exchange_simulator.engine.account import Account
from exchange_simulator.engine.book import Book
from exchange_simulator.engine.desk import Desk
from exchange_simulator.engine.errors import Filter, Rejection, filter_failure, market_closed, rejected
from exchange_simulator.engine.filters import check_counts, check_filters, check_form, check_position
from exchange_simulator.engine.instrument import SymbolStatus
from exchange_simulator.engine.numbers import times
from exchange_simulator.engine.orders import PRICED, STOPS, OrderRequest, OrderType, Side
from exchange_simulator.engine.settlement import free_to_pay
from exchange_simulator.engine.triggers import fires_above


@dataclass(slots=True)
class Admission:
    """A checked order: its base quantity, what it needs to be paid with, and what of that it holds from the start."""

    book: Book
    quantity: int
    needs: int
    holds: int


def admit(desk: Desk, account: Account, request: OrderRequest) -> Admission:
    """Check a new order in every respect.

    Raises:
        ApiError: -1013, -1102, -1121 or -2010: why it is refused.
    """
    admission = examine(desk, account, request)
    if not account.is_house:
        check_limits(admission, account, request.side, new=1, new_stops=request.type in STOPS)
        if admission.needs > free_to_pay(admission.book, account, request.side):
            raise rejected(Rejection.INSUFFICIENT_BALANCE)
    return admission


def examine(desk: Desk, account: Account, request: OrderRequest) -> Admission:
    """Check what concerns the order alone, not the account's money and its other orders.

    Raises:
        ApiError: as `admit`.
    """
    book = desk.book(request.symbol)
    instrument = book.instrument
    if instrument.status is not SymbolStatus.TRADING:
        raise market_closed()
    check_form(instrument, request)
    if account.is_house:
        _check_grid(book, request)
    else:
        if not account.can_trade:
            raise rejected(Rejection.CANNOT_TRADE)
        check_filters(instrument, request, book.last_price)
        _check_client_id(account, request)
    kind = request.type
    if kind is not OrderType.LIMIT:
        _check_against_market(book, request)
    quantity = request.quantity
    if quantity is None:
        quantity = _quantity_of_quote(book, request)
    if request.side is Side.SELL:
        return Admission(book, quantity, quantity, quantity)
    if kind in PRICED:
        needs = times(request.price or 0, quantity)
        return Admission(book, quantity, needs, needs)
    if kind is OrderType.MARKET:
        return Admission(book, quantity, book.cost(quantity), 0)
    needs = times(request.stop_price or book.last_price, quantity)
    return Admission(book, quantity, needs, needs)


def check_limits(admission: Admission, account: Account, side: Side, *, new: int, new_stops: int) -> None:
    """Check how many orders an account may have, and how much of the base asset.

    Raises:
        ApiError: -1013.
    """
    instrument = admission.book.instrument
    held = account.open.get(instrument.symbol, {}).values()
    check_counts(instrument, held, new=new, new_stops=new_stops)
    if instrument.max_position and side is Side.BUY:
        base, _ = admission.book.purse(account)
        check_position(instrument, base.free + base.locked, held, admission.quantity)


def _check_grid(book: Book, request: OrderRequest) -> None:
    """The house is free of filters, but its orders lie on the grid too, or amounts would not be whole."""
    if (request.price or 0) % book.instrument.tick_size:
        raise filter_failure(Filter.PRICE_FILTER)
    if (request.quantity or 0) % book.instrument.step_size:
        raise filter_failure(Filter.LOT_SIZE)


def _check_client_id(account: Account, request: OrderRequest) -> None:
    """A client id is taken only while the order that has it is open (rest-api.md, newClientOrderId)."""
    if request.client_id is not None:
        earlier = account.by_client_id.get((request.symbol, request.client_id))
        if earlier is not None and earlier.status.is_open:
            raise rejected(Rejection.DUPLICATE)


def _check_against_market(book: Book, request: OrderRequest) -> None:
    """A limit maker must not take, and a stop must not trigger at once."""
    if request.type is OrderType.LIMIT_MAKER:
        opposite = book.asks if request.side is Side.BUY else book.bids
        if opposite.keys and opposite.keys[-1] >= opposite.sign * (request.price or 0):
            raise rejected(Rejection.WOULD_TAKE)
    elif request.stop_price is not None and book.last_price:
        distance = request.stop_price - book.last_price
        if distance == 0 or (distance > 0) != fires_above(request.type, request.side):
            raise rejected(Rejection.WOULD_TRIGGER)


def _quantity_of_quote(book: Book, request: OrderRequest) -> int:
    """Base that a market order by quote amount trades. One step more when the book is too thin, so that it expires."""
    step = book.instrument.market_step_size or book.instrument.step_size
    quantity, is_enough = book.quantity_for(request.side, request.quote_quantity or 0, step)
    if is_enough and not quantity:
        raise filter_failure(Filter.LOT_SIZE)
    return quantity if is_enough else quantity + step
