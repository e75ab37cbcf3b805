"""Faults that hurt an answer: refusals instead of it, garbage in it, and deliveries that fail."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

import orjson

from exchange_simulator.engine.errors import ApiError
from exchange_simulator.server.faults.candles import CANDLE_FAULTS
from exchange_simulator.server.faults.rule import Rule
from exchange_simulator.server.limits import RateLimited
from exchange_simulator.server.reply import HTML_TYPE, Delivery, Reply, refusal

HTML_PAGE = b"<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>"


def hurt(reply: Reply, rule: Rule) -> Reply:
    """Return `reply` as the fault of `rule` leaves it."""
    name = rule.kind.name
    if name in _DELIVERIES:
        return _DELIVERIES[name](reply, rule)
    if name in _REFUSALS:
        return refusal(_REFUSALS[name](rule))
    if name in _PAGES:
        return Reply(_PAGES[name](rule), HTML_PAGE, reply.headers, HTML_TYPE)
    if name in _FIXED:
        return replace(reply, status=200, body=_FIXED[name])
    if name in CANDLE_FAULTS:
        return _hurt_candles(reply, rule)
    return replace(reply, body=_GARBLERS[name](reply.body)) if name in _GARBLERS else reply


def _hurt_candles(reply: Reply, rule: Rule) -> Reply:
    rows = orjson.loads(reply.body)
    if reply.status != 200 or not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        return reply
    return replace(reply, body=json.dumps(CANDLE_FAULTS[rule.kind.name](rows, rule)).encode())


def _unknown(_: Rule) -> ApiError:
    text = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
    return ApiError(-1007, text, 408)


def _too_many(rule: Rule) -> ApiError:
    text = "Too many requests; please use WebSocket Streams for live updates."
    return RateLimited(-1003, text, 429, int(rule.number("retry_after")))


_DELIVERIES: Mapping[str, Callable[[Reply, Rule], Reply]] = {
    "reset": lambda reply, _: replace(reply, delivery=Delivery.RESET),
    "close": lambda reply, _: replace(reply, delivery=Delivery.CLOSE),
    "no_answer": lambda reply, rule: replace(reply, delivery=Delivery.SILENCE, seconds=rule.number("seconds")),
    "slow_drip": lambda reply, rule: replace(
        reply, delivery=Delivery.DRIP, seconds=rule.number("seconds"), pieces=max(1, int(rule.number("pieces")))
    ),
    "truncate": lambda reply, _: replace(reply, delivery=Delivery.TRUNCATE),
}

_REFUSALS: Mapping[str, Callable[[Rule], ApiError]] = {
    "error": lambda rule: ApiError(int(rule.number("code")), rule.text("msg"), int(rule.number("status"))),
    "too_many_requests": _too_many,
    "status_unknown": _unknown,
    "outside_recv_window": lambda _: ApiError(-1021, "Timestamp for this request is outside of the recvWindow."),
    "key_revoked": lambda _: ApiError(-2015, "Invalid API-key, IP, or permissions for action.", 401),
    "reject_order": lambda rule: ApiError(-2010, rule.text("msg")),
    "maintenance": lambda _: ApiError(-1016, "This service is no longer available.", 503),
}

_PAGES: Mapping[str, Callable[[Rule], int]] = {
    "html": lambda rule: int(rule.number("status")),
    "firewall": lambda _: 403,
}

_FIXED: Mapping[str, bytes] = {"empty": b"", "empty_object": b"{}", "empty_list": b"[]", "null": b"null"}


def _half(body: bytes) -> bytes:
    return body[: max(1, len(body) // 2)]


def _wrong_shape(body: bytes) -> bytes:
    value = orjson.loads(body)
    if isinstance(value, dict):
        return orjson.dumps(list(value.values()))
    return orjson.dumps({str(index): item for index, item in enumerate(value)})


def _duplicate_fields(body: bytes) -> bytes:
    value = orjson.loads(body)
    first = value[0] if isinstance(value, list) and value else value
    if not isinstance(first, dict):
        return body
    twice = [f"{json.dumps(name)}:{json.dumps(item)},{json.dumps(name)}:null" for name, item in first.items()]
    text = "{" + ",".join(twice) + "}"
    return (text if first is value else f"[{text}]").encode()


def _null_fields(body: bytes) -> bytes:
    return orjson.dumps(_map_leaves(orjson.loads(body), lambda _: None))


def _nan_numbers(body: bytes) -> bytes:
    return json.dumps(_map_leaves(orjson.loads(body), _nan_for_number)).encode()


def _nan_for_number(leaf: object) -> object:
    if isinstance(leaf, str):
        return "NaN" if leaf.replace(".", "", 1).lstrip("-").isdigit() else leaf
    return float("nan") if isinstance(leaf, int | float) and not isinstance(leaf, bool) else leaf


def _map_leaves(value: object, change: Callable[[object], object]) -> object:
    if isinstance(value, dict):
        return {name: _map_leaves(item, change) for name, item in value.items()}
    if isinstance(value, list):
        return [_map_leaves(item, change) for item in value]
    return change(value)


_GARBLERS: Mapping[str, Callable[[bytes], bytes]] = {
    "half_json": _half,
    "wrong_shape": _wrong_shape,
    "duplicate_fields": _duplicate_fields,
    "null_fields": _null_fields,
    "nan_numbers": _nan_numbers,
}
