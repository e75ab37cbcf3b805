"""Every fault that can be asked for: its name, when it strikes, the arguments it takes, and what it does.

The table is the reference: the admin port, the Python API and the documentation page read it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Occasion(StrEnum):
    """The moment at which a rule can strike."""

    REQUEST = "request"
    """A REST call or a WebSocket API call: its answer or its execution is hurt."""
    READ = "read"
    """As REQUEST, but the state stays up for `seconds` after the match: reads answer out of date."""
    CONNECT = "connect"
    """A WebSocket handshake; matched by the path of the socket."""
    FRAME = "frame"
    """A frame from a client: method is PING or the request's method, path is the socket's."""
    EVENT = "event"
    """A message to a client: path is the stream's name (`btcusdt@trade`) or the user event's (`executionReport`)."""
    WORLD = "world"
    """What an operator, another trader or fate does: at once, at a time, or when a matching request comes."""


class Phase(StrEnum):
    """Whether the request is carried out before the fault strikes."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One kind of fault. `arguments` maps each argument to its default; None means it must be given."""

    name: str
    occasion: Occasion
    text: str
    arguments: Mapping[str, object] = field(default_factory=dict)
    phase: Phase = Phase.AFTER


def _table(*kinds: FaultKind) -> dict[str, FaultKind]:
    return {kind.name: kind for kind in kinds}


_B = Phase.BEFORE
_SYMBOL = {"symbol": None}
_OWNER = {"account": "", "symbol": ""}
_MONEY = {"account": "", "asset": None, "amount": None}

ANSWERS = (
    FaultKind("reset", Occasion.REQUEST, "the connection is reset instead of an answer"),
    FaultKind("close", Occasion.REQUEST, "the connection is closed in good order, without an answer"),
    FaultKind("no_answer", Occasion.REQUEST, "no answer for `seconds`, then the connection is closed", {"seconds": 60}),
    FaultKind("delay", Occasion.REQUEST, "waits `seconds`; before: the timing check runs again", {"seconds": 1}, _B),
    FaultKind(
        "slow_drip", Occasion.REQUEST, "the body arrives in `pieces` over `seconds`", {"pieces": 8, "seconds": 1}
    ),
    FaultKind("truncate", Occasion.REQUEST, "half of the body that Content-Length promises, then a close"),
    FaultKind("half_json", Occasion.REQUEST, "status 200 with the first half of the JSON"),
    FaultKind("html", Occasion.REQUEST, "an HTML page with `status`", {"status": 200}),
    FaultKind("empty", Occasion.REQUEST, "status 200 without a body"),
    FaultKind("empty_object", Occasion.REQUEST, "status 200 with {}"),
    FaultKind("empty_list", Occasion.REQUEST, "status 200 with []"),
    FaultKind("null", Occasion.REQUEST, "status 200 with null"),
    FaultKind("wrong_shape", Occasion.REQUEST, "objects become lists of their values, lists become objects by index"),
    FaultKind("duplicate_fields", Occasion.REQUEST, "every field of the first object comes twice, then as null"),
    FaultKind("null_fields", Occasion.REQUEST, "every value of the answer is null"),
    FaultKind("nan_numbers", Occasion.REQUEST, "every number of the answer is NaN"),
)
REFUSALS = (
    FaultKind(
        "error",
        Occasion.REQUEST,
        "any HTTP `status`, `code` and `msg`; phase says whether it was executed",
        {"status": 400, "code": -1000, "msg": "An unknown error occurred while processing the request."},
        _B,
    ),
    FaultKind("too_many_requests", Occasion.REQUEST, "429 (-1003) with Retry-After", {"retry_after": 5}, _B),
    FaultKind(
        "ban", Occasion.REQUEST, "418 (-1003) for `seconds`, for every call of the address", {"seconds": 120}, _B
    ),
    FaultKind("status_unknown", Occasion.REQUEST, "408 (-1007); after: executed, before: not executed"),
    FaultKind("outside_recv_window", Occasion.REQUEST, "400 (-1021)", {}, _B),
    FaultKind("key_revoked", Occasion.REQUEST, "401 (-2015)", {}, _B),
    FaultKind(
        "reject_order",
        Occasion.REQUEST,
        "400 (-2010) with `msg`",
        {"msg": "This action is disabled on this account."},
        _B,
    ),
    FaultKind("maintenance", Occasion.REQUEST, "503 (-1016)", {}, _B),
    FaultKind("firewall", Occasion.REQUEST, "403 with an HTML page", {}, _B),
)
READS = (
    FaultKind(
        "read_lag",
        Occasion.READ,
        "Memory and Database reads show the account as it was `lag` seconds ago",
        {"lag": 5, "seconds": 30},
        _B,
    ),
    FaultKind(
        "not_found_window",
        Occasion.READ,
        "orders younger than `age` seconds are not found (-2013)",
        {"age": 10, "seconds": 30},
        _B,
    ),
    FaultKind("stale_open_orders", Occasion.READ, "openOrders answers as it did at the match", {"seconds": 30}, _B),
)
CANDLES = (
    FaultKind("kline_late", Occasion.REQUEST, "the newest `rows` closed candles are not there yet", {"rows": 1}),
    FaultKind("kline_missing", Occasion.REQUEST, "the candle `back` rows from the end is missing", {"back": 2}),
    FaultKind("kline_duplicate", Occasion.REQUEST, "the candle `back` rows from the end comes twice", {"back": 2}),
    FaultKind("kline_revised", Occasion.REQUEST, "the candle `back` rows from the end has other prices", {"back": 2}),
    FaultKind("kline_zero_volume", Occasion.REQUEST, "the candle `back` rows from the end traded nothing", {"back": 2}),
    FaultKind(
        "kline_spike",
        Occasion.REQUEST,
        "the candle `back` rows from the end spikes by `factor`",
        {"back": 2, "factor": 10},
    ),
    FaultKind("kline_nan", Occasion.REQUEST, "the candle `back` rows from the end holds NaN", {"back": 2}),
    FaultKind("kline_never_closed", Occasion.EVENT, "kline events keep x=false, also when the candle closes"),
)
SOCKETS = (
    FaultKind("ws_refuse", Occasion.CONNECT, "the handshake is answered with `status`", {"status": 503}),
    FaultKind("ws_drop", Occasion.EVENT, "the connection is reset instead of the message"),
    FaultKind("ws_freeze", Occasion.EVENT, "from now on nothing is read, sent or ponged; the connection stays"),
    FaultKind("ws_no_pong", Occasion.FRAME, "a ping is not answered"),
    FaultKind("ws_silence", Occasion.EVENT, "from now on no data on this connection, pings are answered"),
    FaultKind("ws_duplicate", Occasion.EVENT, "the message comes twice"),
    FaultKind("ws_reorder", Occasion.EVENT, "the message comes after the next one"),
    FaultKind("ws_lose", Occasion.EVENT, "the message is lost"),
    FaultKind(
        "ws_subscribe_error",
        Occasion.FRAME,
        "a subscription is refused with `code` and `msg`",
        {"code": 2, "msg": "Invalid request: unknown stream"},
    ),
    FaultKind(
        "ws_server_shutdown", Occasion.WORLD, "serverShutdown to all sockets, closed `seconds` later", {"seconds": 1}
    ),
    FaultKind("ws_day_close", Occasion.WORLD, "every socket is closed, as after 24 hours"),
    FaultKind("ws_stream_terminated", Occasion.WORLD, "user data streams end with eventStreamTerminated"),
)
ORDERS = (
    FaultKind(
        "partial_fill",
        Occasion.WORLD,
        "another trader fills `percent` of the newest open order",
        {"percent": 50, "account": "", "symbol": ""},
    ),
    FaultKind(
        "fill_during_cancel", Occasion.WORLD, "the order that a cancel names fills just before the cancel", _OWNER
    ),
    FaultKind("expire_order", Occasion.WORLD, "the exchange expires the newest open order", _OWNER),
    FaultKind("exchange_cancel", Occasion.WORLD, "the exchange cancels every open order of the symbol", _OWNER),
    FaultKind(
        "manual_order",
        Occasion.WORLD,
        "the account's owner places an order by hand",
        {"account": "", "symbol": None, "side": None, "quantity": None, "price": ""},
    ),
    FaultKind("manual_cancel", Occasion.WORLD, "the account's owner cancels the newest open order by hand", _OWNER),
)
ACCOUNTS = (
    FaultKind("deposit", Occasion.WORLD, "an amount arrives", _MONEY),
    FaultKind("withdraw", Occasion.WORLD, "an amount leaves", _MONEY),
    FaultKind("external_lock", Occasion.WORLD, "an amount is locked from outside; negative frees it", _MONEY),
    FaultKind("bnb_drained", Occasion.WORLD, "all free BNB leaves", {"account": ""}),
    FaultKind(
        "fee_asset_switch",
        Occasion.WORLD,
        "fees are paid in BNB from now on, or not",
        {"account": "", "pay_in_bnb": True},
    ),
)
SYMBOLS = (
    FaultKind("halt", Occasion.WORLD, "the symbol's status becomes HALT", _SYMBOL),
    FaultKind("break", Occasion.WORLD, "the symbol's status becomes BREAK", _SYMBOL),
    FaultKind("cancel_only", Occasion.WORLD, "the symbol's status becomes CANCEL_ONLY", _SYMBOL),
    FaultKind("trading", Occasion.WORLD, "the symbol's status becomes TRADING", _SYMBOL),
    FaultKind("remove_symbol", Occasion.WORLD, "the symbol vanishes from exchangeInfo; its orders expire", _SYMBOL),
    FaultKind("filter_change", Occasion.WORLD, "filters of the symbol change", {"symbol": None, "filters": None}),
    FaultKind("spike", Occasion.WORLD, "the price jumps by `percent` and comes back", {"symbol": None, "percent": 10}),
    FaultKind("clock_skew", Occasion.WORLD, "the server's clock is off by `offset_ms`", {"offset_ms": None}),
)

KINDS: Mapping[str, FaultKind] = _table(*ANSWERS, *REFUSALS, *READS, *CANDLES, *SOCKETS, *ORDERS, *ACCOUNTS, *SYMBOLS)
