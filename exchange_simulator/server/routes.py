"""Which REST endpoint and which WebSocket API method is which operation."""

from collections.abc import Mapping

from exchange_simulator.server import account_calls as account
from exchange_simulator.server import list_calls as lists
from exchange_simulator.server import market_calls as market
from exchange_simulator.server import sapi_calls as sapi
from exchange_simulator.server import trade_calls as trade
from exchange_simulator.server.operation import Operation

REST: Mapping[tuple[str, str], Operation] = {
    ("GET", "/api/v3/ping"): market.PING,
    ("GET", "/api/v3/time"): market.TIME,
    ("GET", "/api/v3/exchangeInfo"): market.EXCHANGE_INFO,
    ("GET", "/api/v3/depth"): market.DEPTH,
    ("GET", "/api/v3/trades"): market.TRADES,
    ("GET", "/api/v3/historicalTrades"): market.HISTORICAL_TRADES,
    ("GET", "/api/v3/aggTrades"): market.AGG_TRADES,
    ("GET", "/api/v3/klines"): market.KLINES,
    ("GET", "/api/v3/uiKlines"): market.KLINES,
    ("GET", "/api/v3/avgPrice"): market.AVG_PRICE,
    ("GET", "/api/v3/ticker/24hr"): market.TICKER_24HR,
    ("GET", "/api/v3/ticker/price"): market.TICKER_PRICE,
    ("GET", "/api/v3/ticker/bookTicker"): market.BOOK_TICKER,
    ("GET", "/api/v3/account"): account.ACCOUNT,
    ("GET", "/api/v3/account/commission"): account.COMMISSION,
    ("POST", "/api/v3/order"): trade.PLACE,
    ("GET", "/api/v3/order"): account.GET_ORDER,
    ("DELETE", "/api/v3/order"): trade.CANCEL,
    ("POST", "/api/v3/order/test"): trade.TEST,
    ("POST", "/api/v3/order/cancelReplace"): trade.CANCEL_REPLACE,
    ("GET", "/api/v3/openOrders"): account.OPEN_ORDERS,
    ("DELETE", "/api/v3/openOrders"): trade.CANCEL_ALL,
    ("GET", "/api/v3/allOrders"): account.ALL_ORDERS,
    ("GET", "/api/v3/myTrades"): account.MY_TRADES,
    ("GET", "/api/v3/rateLimit/order"): account.ORDER_RATE_LIMIT,
    ("GET", "/api/v3/myFilters"): account.MY_FILTERS,
    ("GET", "/api/v3/myPreventedMatches"): account.PREVENTED_MATCHES,
    ("POST", "/api/v3/orderList/oco"): lists.PLACE_OCO,
    ("POST", "/api/v3/order/oco"): lists.PLACE_OLD_OCO,
    ("DELETE", "/api/v3/orderList"): lists.CANCEL_LIST,
    ("GET", "/api/v3/orderList"): lists.GET_LIST,
    ("GET", "/api/v3/allOrderList"): lists.ALL_LISTS,
    ("GET", "/api/v3/openOrderList"): lists.OPEN_LISTS,
}

SAPI: Mapping[tuple[str, str], Operation] = {
    ("GET", "/sapi/v1/capital/config/getall"): sapi.ALL_COINS,
    ("GET", "/sapi/v1/margin/allPairs"): sapi.MARGIN_PAIRS,
    ("GET", "/sapi/v1/margin/isolated/allPairs"): sapi.MARGIN_PAIRS,
    ("GET", "/sapi/v1/system/status"): sapi.SYSTEM_STATUS,
    ("GET", "/sapi/v1/account/apiRestrictions"): sapi.KEY_RIGHTS,
}
"""Served only when the exchange is told to; otherwise these paths are as unknown as on Binance's testnet."""

WITHDRAWING_KEYS: Mapping[tuple[str, str], Operation] = {
    ("GET", "/sapi/v1/account/apiRestrictions"): sapi.ALL_KEY_RIGHTS,
}

WS_API: Mapping[str, Operation] = {
    "ping": market.PING,
    "time": market.TIME,
    "exchangeInfo": market.EXCHANGE_INFO,
    "depth": market.DEPTH,
    "trades.recent": market.TRADES,
    "trades.historical": market.HISTORICAL_TRADES,
    "trades.aggregate": market.AGG_TRADES,
    "klines": market.KLINES,
    "uiKlines": market.KLINES,
    "avgPrice": market.AVG_PRICE,
    "ticker.24hr": market.TICKER_24HR,
    "ticker.price": market.TICKER_PRICE,
    "ticker.book": market.BOOK_TICKER,
    "account.status": account.ACCOUNT,
    "account.commission": account.COMMISSION,
    "account.rateLimits.orders": account.ORDER_RATE_LIMIT,
    "order.place": trade.PLACE,
    "order.test": trade.TEST,
    "order.status": account.GET_ORDER,
    "order.cancel": trade.CANCEL,
    "order.cancelReplace": trade.CANCEL_REPLACE,
    "openOrders.status": account.OPEN_ORDERS,
    "openOrders.cancelAll": trade.CANCEL_ALL,
    "allOrders": account.ALL_ORDERS,
    "myTrades": account.MY_TRADES,
    "myFilters": account.MY_FILTERS,
    "orderList.place.oco": lists.PLACE_OCO,
    "orderList.cancel": lists.CANCEL_LIST,
    "orderList.status": lists.GET_LIST,
    "allOrderLists": lists.ALL_LISTS,
    "openOrderLists.status": lists.OPEN_LISTS,
}
