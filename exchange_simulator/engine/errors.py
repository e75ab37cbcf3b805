"""Refusals with Binance's codes and texts (errors.md). Nothing else leaves the exchange for bad input."""

from enum import StrEnum


class ApiError(Exception):
    """A refused request.

    Attributes:
        code: Binance's error code, negative.
        message: Binance's text (`msg`).
        http_status: Status of the HTTP answer.
        data: What cancelReplace's refusals carry beside code and text; None elsewhere.
    """

    def __init__(self, code: int, message: str, http_status: int = 400, data: object = None) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.http_status = http_status
        self.data = data

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class Filter(StrEnum):
    """Names of the filters as they stand in exchangeInfo and in refusals (filters.md)."""

    PRICE_FILTER = "PRICE_FILTER"
    PERCENT_PRICE_BY_SIDE = "PERCENT_PRICE_BY_SIDE"
    LOT_SIZE = "LOT_SIZE"
    MARKET_LOT_SIZE = "MARKET_LOT_SIZE"
    NOTIONAL = "NOTIONAL"
    MAX_NUM_ORDERS = "MAX_NUM_ORDERS"
    MAX_NUM_ALGO_ORDERS = "MAX_NUM_ALGO_ORDERS"
    MAX_POSITION = "MAX_POSITION"
    TRAILING_DELTA = "TRAILING_DELTA"


class Rejection(StrEnum):
    """Why the engine refuses a new order: the texts of -2010 (errors.md, "Messages for -1010, -2010, -2011")."""

    INSUFFICIENT_BALANCE = "Account has insufficient balance for requested action."
    DUPLICATE = "Duplicate order sent."
    WOULD_TAKE = "Order would immediately match and take."
    WOULD_TRIGGER = "Stop price would trigger immediately."
    OCO_PRICES = "The relationship of the prices for the orders is not correct."
    TRAILING = "Trailing stop orders are not supported for this symbol."
    OCO = "OCO orders are not supported for this symbol"
    QUOTE_QUANTITY = "Quote order qty market orders are not support for this symbol."
    ICEBERG = "Iceberg orders are not supported for this symbol."
    CANCEL_REPLACE = "Order cancel-replace is not supported for this symbol."
    CANNOT_TRADE = "This account may not place or cancel orders."


def filter_failure(name: Filter) -> ApiError:
    """-1013: the order violates a filter of its symbol."""
    return ApiError(-1013, f"Filter failure: {name}")


def market_closed() -> ApiError:
    """-1013: the symbol's status does not allow new orders."""
    return ApiError(-1013, "Market is closed.")


def invalid_symbol() -> ApiError:
    """-1121: no such symbol is listed."""
    return ApiError(-1121, "Invalid symbol.")


def rejected(reason: Rejection) -> ApiError:
    """-2010: the engine refuses the new order."""
    return ApiError(-2010, str(reason))


def type_not_supported(name: str) -> ApiError:
    """-2010: the symbol does not take orders of the type `name`."""
    return ApiError(-2010, f"{name.replace('_', ' ').capitalize()} orders are not supported for this symbol.")


def unknown_order() -> ApiError:
    """-2011: there is no open order to cancel; it may never have existed, or be filled."""
    return ApiError(-2011, "Unknown order sent.")


def no_such_order() -> ApiError:
    """-2013: a query found no order."""
    return ApiError(-2013, "Order does not exist.")


def no_such_list() -> ApiError:
    """-2013: a query found no order list."""
    return ApiError(-2013, "Order list does not exist.")


def ids_do_not_match() -> ApiError:
    """-2039: order id and client order id name different orders."""
    return ApiError(-2039, "Client order ID is not correct for this order ID.")


def bad_key() -> ApiError:
    """-2015: the API key is unknown, or may not do this."""
    return ApiError(-2015, "Invalid API-key, IP, or permissions for action.", 401)


def replace_failed(*, canceled: bool, placed: bool, data: object) -> ApiError:
    """-2021 (409) when one half of a cancelReplace succeeded, -2022 (400) when none did."""
    if canceled or placed:
        return ApiError(-2021, "Order cancel-replace partially failed.", 409, data)
    return ApiError(-2022, "Order cancel-replace failed.", 400, data)
