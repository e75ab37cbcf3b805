"""A ccxt client that does not take garbage for an answer.

ccxt turns a 200 with HTML, nothing, or half a JSON into answers that look valid; the guard below refuses them first.
"""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import ccxt

from app.domain.errors import ConfigError

# Keep ccxt on the spot API: no calls to sapi, fapi or dapi; never a market order sized in quote units.
OPTIONS = {
    "defaultType": "spot",
    "fetchMarkets": {"types": ["spot"]},
    "fetchMargins": False,
    "fetchCurrencies": False,
    "createOrder": {"timeInForce": "GTC", "warnOnSTPForInverse": True, "quoteOrderQty": False},
}
# What Binance's answers hold, https://developers.binance.com/docs/binance-spot-api-docs/rest-api
EXPECTED_KEYS = {
    "/api/v3/time": "serverTime",
    "/api/v3/exchangeInfo": "symbols",
    "/api/v3/order": "orderId",
    "/api/v3/orderList": "orderReports",
    "/api/v3/orderList/oco": "orderReports",
    "/api/v3/account": "balances",
    "/sapi/v1/account/apiRestrictions": "createTime",
}
EXPECTED_FIELDS = {"symbols": ("symbol", "status"), "balances": ("asset", "free", "locked")}  # in each of their rows
EXPECTED_ROWS = {
    "/api/v3/klines": list,
    "/api/v3/openOrders": dict,
    "/api/v3/allOrders": dict,
    "/api/v3/myTrades": dict,
}


class _Guard:
    """Mixed in before the exchange's class.

    Attributes:
        last_status: HTTP status of the last answer; None when there was none.
        last_code: The error code in it; ccxt drops it from some of its texts.
        was_accepted: Whether the last answer passed: what fails afterwards is making sense of it.
        on_headers: Is told the headers of every answer.
        on_limits: Is told the limits that exchangeInfo names.
    """

    last_status: int | None = None
    last_code: int | None = None
    was_accepted: bool = False
    on_headers: Callable[[Mapping[str, str]], None] = staticmethod(lambda _: None)
    on_limits: Callable[[Iterable[Mapping[str, Any]]], None] = staticmethod(lambda _: None)

    def forget_answer(self) -> None:
        """Nothing is known of an answer: the next request has not been answered yet."""
        self.last_status, self.last_code, self.was_accepted = None, None, False

    def fetch(self, *request: Any, **options: Any) -> Any:  # noqa: ANN401  ccxt's signature
        """One request."""
        self.forget_answer()
        return super().fetch(*request, **options)  # type: ignore[misc]

    def handle_errors(self, code: int, reason: str, url: str, *rest: Any) -> Any:  # noqa: ANN401  ccxt's signature
        """Refuse a successful answer of the wrong shape (rest: method, headers, body, parsed response, ...)."""
        self.last_status = code
        self.last_code = _code(rest[3])
        self.on_headers(rest[1] or {})
        handled = super().handle_errors(code, reason, url, *rest)  # type: ignore[misc]
        if code == 200 and not _is_answer(url.partition("?")[0], rest[3]):
            raise ccxt.BadResponse(f"{url} answered 200 with something else: {str(rest[2])[:80]!r}")
        self.was_accepted = True
        if code == 200 and isinstance(rest[3], dict) and isinstance(rest[3].get("rateLimits"), list):
            self.on_limits(rest[3]["rateLimits"])
        return handled

    def get_exceptions_by_url(self, url: str, exact_or_broad: str) -> Any:  # noqa: ANN401, ARG002
        """Production's error table on every address; ccxt itself applies it only to api.binance.com."""
        exceptions: dict[str, Any] = getattr(self, "exceptions", {})
        return exceptions.get("spot", {}).get(exact_or_broad, {})


def ccxt_client(name: str, *, sandbox: bool, rest_url: str | None, timeout_ms: int, is_paced: bool = True) -> Any:  # noqa: ANN401  ccxt has no types
    """A guarded ccxt exchange for spot markets; connects only when it is asked something.

    Args:
        name: A ccxt exchange id.
        sandbox: Use the exchange's test network (not together with `rest_url`).
        rest_url: Another server that speaks this exchange's API, such as `http://127.0.0.1:8000`.
        timeout_ms: For each request.
        is_paced: Let ccxt pause between requests, where the exchange does not tell what of its limits is used.

    Raises:
        ConfigError: no such exchange, or it has no test network.
    """
    if name not in ccxt.exchanges:
        close = get_close_matches(name, [*ccxt.exchanges, "replay"], n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else 'use a ccxt id, or "simulated" or "replay"'
        raise ConfigError(f"exchange.name {name!r} is not known: {hint}")
    guarded = type(name, (_Guard, getattr(ccxt, name)), {})
    client = guarded({"timeout": timeout_ms, "enableRateLimit": is_paced, "options": OPTIONS})
    if rest_url is not None:
        for access in ("public", "private"):
            client.urls["api"][access] = rest_url.rstrip("/") + "/api/v3"
        client.urls["api"]["sapi"] = rest_url.rstrip("/") + "/sapi/v1"
    elif sandbox:
        try:
            client.set_sandbox_mode(True)
        except ccxt.NotSupported:
            raise ConfigError(f"{name} has no test network: set exchange.sandbox_mode to false") from None
    return client


def _code(response: object) -> int | None:
    code = response.get("code") if isinstance(response, dict) else None
    return int(code) if isinstance(code, int | str) and str(code).lstrip("-").isdigit() else None


def _is_answer(url: str, response: object) -> bool:
    for path, kind in EXPECTED_ROWS.items():
        if url.endswith(path):
            return isinstance(response, list) and all(isinstance(row, kind) for row in response)
    for path, key in EXPECTED_KEYS.items():
        if url.endswith(path):
            return isinstance(response, dict) and bool(response.get(key)) and _has_fields(key, response[key])
    return isinstance(response, dict | list)


def _has_fields(key: str, rows: object) -> bool:
    fields = EXPECTED_FIELDS.get(key)
    if fields is None:
        return True
    return isinstance(rows, list) and all(
        isinstance(row, dict) and all(row.get(field) is not None for field in fields) for row in rows
    )
