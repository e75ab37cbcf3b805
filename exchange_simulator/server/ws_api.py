"""The WebSocket API: REST's operations in frames, a session of its own, and user data (web-socket-api.md)."""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from exchange_simulator.engine.account import Account, KeyKind
from exchange_simulator.engine.errors import ApiError
from exchange_simulator.server.auth import signed_params
from exchange_simulator.server.connection import Connection
from exchange_simulator.server.gateway import Gateway, Incoming
from exchange_simulator.server.operation import Call, Operation, Security, names
from exchange_simulator.server.params import decode_json
from exchange_simulator.server.reply import Delivery, Reply, refusal
from exchange_simulator.server.routes import WS_API
from exchange_simulator.server.user_feed import UserFeed

_ID_LENGTH = 36


@dataclass(frozen=True, slots=True)
class _Request:
    request_id: object
    method: str
    params: dict[str, str]
    payload: bytes


class WsApiSession:
    """One WebSocket API connection: its logon, its user data subscriptions, its requests."""

    def __init__(self, connection: Connection, gateway: Gateway, feed: UserFeed, *, address: str) -> None:
        self._connection = connection
        self._gateway = gateway
        self._feed = feed
        self._address = address
        self._opened_ms = connection.opened_us // 1_000
        self._account: Account | None = None
        self._api_key = ""
        self._logged_on_ms: int | None = None
        self._next_subscription = 0
        self._operations = {**WS_API, **self._session_operations()}

    async def on_text(self, text: str) -> None:
        """Answer one request frame; every request gets exactly one answer, unless a fault takes it."""
        request_id: object = None
        try:
            request = _read(text)
            request_id = request.request_id
            reply = await self._gateway.answer(self._incoming(request))
            with_limits = request.params.get("returnRateLimits") != "false"
        except ApiError as error:
            reply, with_limits = refusal(error), True
        match reply.delivery:
            case Delivery.WHOLE | Delivery.DRIP:
                self._connection.reply(self._frame(request_id, reply, with_limits=with_limits))
            case Delivery.TRUNCATE:
                frame = self._frame(request_id, reply, with_limits=with_limits)
                self._connection.reply(frame[: len(frame) // 2])
            case Delivery.RESET | Delivery.CLOSE:
                self._connection.reset()
            case Delivery.SILENCE:
                pass

    def close(self) -> None:
        """End every user data subscription."""
        for number in self._feed.of(self._connection):
            self._feed.remove(self._connection, number)

    def _incoming(self, request: _Request) -> Incoming:
        operation = self._operations.get(request.method)
        if operation is None:
            raise ApiError(-1020, "This operation is not supported.", 400)
        values = {name: value for name, value in request.params.items() if name != "returnRateLimits"}
        return Incoming(
            operation,
            request.method,
            request.method,
            values,
            payload=request.payload,
            api_key=values.get("apiKey", ""),
            address=self._address,
            session=self._account,
        )

    def _frame(self, request_id: object, reply: Reply, *, with_limits: bool) -> bytes:
        """Put an answer into its envelope. The body goes in as it is: a fault may have made it no JSON at all."""
        head = b'{"id":%s,"status":%d,' % (orjson.dumps(request_id), reply.status)
        member = b"result" if reply.status == 200 else b"error"
        tail = b',"rateLimits":' + orjson.dumps(self._rate_limits()) if with_limits else b""
        return head + b'"%s":%s' % (member, reply.body) + tail + b"}"

    def _rate_limits(self) -> list[dict[str, object]]:
        limits, now_us = self._gateway.limits, self._gateway.exchange.clock.now_us()
        shown = [{**limits.limits.as_json()[0], "count": limits.weight_used(self._address, now_us)}]
        if self._account is not None:
            counts = limits.orders_used(self._account.name, now_us)
            shown += [{**limit, "count": n} for limit, n in zip(limits.limits.order_limits(), counts, strict=True)]
        return shown

    def _session_operations(self) -> Mapping[str, Operation]:
        signed = Security.USER_DATA
        return {
            "session.logon": Operation(self._logon, names(), 2, signed),
            "session.status": Operation(self._status, names(), 2),
            "session.logout": Operation(self._logout, names(), 2),
            "session.subscriptions": Operation(self._list, names(), 2),
            "userDataStream.subscribe": Operation(self._subscribe_session, names(), 2),
            "userDataStream.subscribe.signature": Operation(self._subscribe_signed, names(), 2, signed),
            "userDataStream.unsubscribe": Operation(self._unsubscribe, names("subscriptionId"), 2),
        }

    def _logon(self, call: Call) -> object:
        key = call.exchange.key_of(call.params.need_text("apiKey"))
        if key.kind is not KeyKind.ED25519:
            raise ApiError(-4056, "HMAC_SHA256 API key is not supported.")
        self._account, self._api_key = call.account, key.key
        self._logged_on_ms = call.now_us // 1_000
        return self._status(call)

    def _logout(self, call: Call) -> object:
        self._account, self._api_key, self._logged_on_ms = None, "", None
        return self._status(call)

    def _status(self, call: Call) -> object:
        return {
            "apiKey": self._api_key or None,
            "authorizedSince": self._logged_on_ms,
            "connectedSince": self._opened_ms,
            "returnRateLimits": True,
            "serverTime": call.now_us // 1_000,
            "userDataStream": bool(self._feed.of(self._connection)),
        }

    def _subscribe_session(self, _: Call) -> object:
        if self._account is None:
            raise ApiError(-1002, "You are not authorized to execute this request.", 401)
        return self._subscribe(self._account)

    def _subscribe_signed(self, call: Call) -> object:
        return self._subscribe(call.account)

    def _subscribe(self, account: Account) -> object:
        if account.name in self._feed.of(self._connection).values():
            raise ApiError(-2035, "User Data Stream subscription already active.")
        number, self._next_subscription = self._next_subscription, self._next_subscription + 1
        self._feed.add(account, self._connection, number)
        return {"subscriptionId": number}

    def _unsubscribe(self, call: Call) -> object:
        wanted, active = call.params.integer("subscriptionId"), self._feed.of(self._connection)
        if wanted is not None and wanted not in active:
            raise ApiError(-2036, "User Data Stream subscription not active.")
        for number in active if wanted is None else (wanted,):
            self._feed.remove(self._connection, number)
        return {}

    def _list(self, _: Call) -> object:
        return [{"subscriptionId": number} for number in self._feed.of(self._connection)]


def _read(text: str) -> _Request:
    try:
        request = orjson.loads(text)
    except ValueError:
        raise ApiError(-1135, "Invalid JSON Request") from None
    if not isinstance(request, dict):
        raise ApiError(-1135, "Invalid JSON Request")
    method, params = request.get("method"), request.get("params") or {}
    if not isinstance(method, str):
        raise ApiError(-1102, "Mandatory parameter 'method' was not sent, was empty/null, or malformed.")
    if not isinstance(params, dict):
        raise ApiError(-1135, "JSON sent for parameter 'params' is not valid")
    return _Request(_request_id(request.get("id")), method, decode_json(params), signed_params(params))


def _request_id(value: object) -> object:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if value is None or is_number or (isinstance(value, str) and len(value) <= _ID_LENGTH):
        return value
    raise ApiError(-1102, "Mandatory parameter 'id' was not sent, was empty/null, or malformed.")
