"""An answer on its way to a client, and how it is to be delivered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import orjson

from exchange_simulator.engine.errors import ApiError
from exchange_simulator.engine.orders import ReplaceFailure
from exchange_simulator.server.limits import RateLimited
from exchange_simulator.server.wire.orders import replace_failure

JSON_TYPE = "application/json;charset=UTF-8"
HTML_TYPE = "text/html"


class Delivery(StrEnum):
    """How an answer reaches the client, or does not."""

    WHOLE = "whole"
    RESET = "reset"
    CLOSE = "close"
    SILENCE = "silence"
    DRIP = "drip"
    TRUNCATE = "truncate"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `seconds` and `pieces` belong to the delivery; `error` is the refusal behind it, if it is one."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON_TYPE
    delivery: Delivery = Delivery.WHOLE
    seconds: float = 0.0
    pieces: int = 1
    error: ApiError | None = None


def refusal(error: ApiError) -> Reply:
    """Return the answer to a refused request: Binance's error JSON, and Retry-After where it belongs."""
    headers: dict[str, str] = {}
    if isinstance(error, RateLimited) and error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    body: dict[str, object] = {"code": error.code, "msg": error.message}
    if error.data is not None:
        body["data"] = replace_failure(error.data) if isinstance(error.data, ReplaceFailure) else error.data
    return Reply(error.http_status, orjson.dumps(body), headers, error=error)
