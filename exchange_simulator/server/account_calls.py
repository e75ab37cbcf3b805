"""Operations that read an account (rest-api.md, "Account endpoints")."""

from exchange_simulator.engine.errors import ApiError
from exchange_simulator.server.operation import Answer, Call, Operation, Security, names
from exchange_simulator.server.params import Params
from exchange_simulator.server.trade_calls import order_named
from exchange_simulator.server.wire import account as wire_account
from exchange_simulator.server.wire import market as wire_market
from exchange_simulator.server.wire import orders as wire

DAY_MS = 86_400_000


def account(call: Call) -> Answer:
    """Answer balances, commissions and rights."""
    balances = call.reads.balances(call.account)
    return wire_account.account(call.account, balances, omit_zero=call.params.flag("omitZeroBalances"))


def commission(call: Call) -> Answer:
    """Answer the commission rates of a symbol."""
    listed = call.exchange.instrument(call.params.need_symbol())
    return wire_account.commission(listed.symbol, call.account)


def get_order(call: Call) -> Answer:
    """Answer one order."""
    symbol, order_id, client_id = order_named(call.params)
    return wire.order(call.reads.order(call.account, symbol, order_id, client_id))


def open_orders(call: Call) -> Answer:
    """Answer the open orders of a symbol, or of all."""
    symbol = call.params.symbol()
    if symbol is not None:
        call.exchange.instrument(symbol)
    return [wire.order(order) for order in call.reads.open_orders(call.account, symbol)]


def all_orders(call: Call) -> Answer:
    """Answer open and closed orders of a symbol."""
    params = call.params
    symbol = call.exchange.instrument(params.need_symbol()).symbol
    start, end = _day_window(params)
    found = call.exchange.all_orders(
        call.account,
        symbol,
        order_id=params.integer("orderId"),
        start_ms=start,
        end_ms=end,
        limit=params.limit(500, 1_000),
    )
    return [wire.order(order) for order in call.reads.all_orders(call.account, found)]


def my_trades(call: Call) -> Answer:
    """Answer the account's fills of a symbol."""
    params = call.params
    symbol = call.exchange.instrument(params.need_symbol()).symbol
    order_id, from_id = params.integer("orderId"), params.integer("fromId")
    start, end = _day_window(params)
    if (start is not None or end is not None) and (from_id is not None or order_id is not None):
        raise ApiError(-1128, "Combination of optional parameters invalid.")
    fills = call.exchange.my_trades(
        call.account,
        symbol,
        order_id=order_id,
        from_id=from_id,
        start_ms=start,
        end_ms=end,
        limit=params.limit(500, 1_000),
    )
    return [wire.my_trade(fill) for fill in call.reads.my_trades(fills)]


def order_rate_limit(call: Call) -> Answer:
    """Answer how many orders the account has sent in each window."""
    counts = call.limits.orders_used(call.account.name, call.now_us)
    limits = call.limits.limits.order_limits()
    return [{**limit, "count": count} for limit, count in zip(limits, counts, strict=True)]


def my_filters(call: Call) -> Answer:
    """Answer the filters that hold for this account and symbol."""
    listed = call.exchange.instrument(call.params.need_symbol())
    return {"exchangeFilters": [], "symbolFilters": wire_market.filters(listed), "assetFilters": []}


def prevented_matches(call: Call) -> Answer:
    """Answer the matches that self-trade prevention prevented: none is kept."""
    call.exchange.instrument(call.params.need_symbol())
    return []


def _day_window(params: Params) -> tuple[int | None, int | None]:
    start, end = params.integer("startTime"), params.integer("endTime")
    if start is not None and end is not None:
        if start > end:
            raise ApiError(-1128, "Combination of optional parameters invalid.")
        if end - start > DAY_MS:
            raise ApiError(-1127, "More than 24 hours between startTime and endTime.")
    return start, end


def _open_orders_weight(params: Params) -> int:
    return 6 if "symbol" in params else 80


def _my_trades_weight(params: Params) -> int:
    return 5 if "orderId" in params else 20


_RANGE = ("symbol", "orderId", "startTime", "endTime", "limit")

ACCOUNT = Operation(account, names("omitZeroBalances"), 20, Security.USER_DATA)
COMMISSION = Operation(commission, names("symbol"), 20, Security.USER_DATA)
GET_ORDER = Operation(get_order, names("symbol", "orderId", "origClientOrderId"), 4, Security.USER_DATA)
OPEN_ORDERS = Operation(open_orders, names("symbol"), _open_orders_weight, Security.USER_DATA)
ALL_ORDERS = Operation(all_orders, names(*_RANGE), 20, Security.USER_DATA)
MY_TRADES = Operation(my_trades, names(*_RANGE, "fromId"), _my_trades_weight, Security.USER_DATA)
ORDER_RATE_LIMIT = Operation(order_rate_limit, names(), 40, Security.USER_DATA)
MY_FILTERS = Operation(my_filters, names("symbol"), 40, Security.USER_DATA)
PREVENTED_MATCHES = Operation(
    prevented_matches,
    names("symbol", "preventedMatchId", "orderId", "fromPreventedMatchId", "limit"),
    2,
    Security.USER_DATA,
)
