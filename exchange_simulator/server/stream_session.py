"""A market stream connection: what it subscribed to, and the requests it may send (web-socket-streams.md)."""

from collections.abc import Callable, Mapping

import orjson

from exchange_simulator.server.connection import Connection
from exchange_simulator.server.faults.board import FaultBoard
from exchange_simulator.server.faults.kinds import Occasion
from exchange_simulator.server.stream_names import Stream, parse_stream

MAX_STREAMS = 1_024
METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_ID_LENGTH = 36


class StreamRefusedError(Exception):
    """A request that the stream server refuses, with the stream server's own small codes."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class StreamSession:
    """The subscriptions of one connection.

    Args:
        connection: Where events and answers go.
        board: Asked whether a subscription is to fail.
        changed: Called with the session and a stream when it starts (True) or ends (False) to be wanted.
        combined: Whether events are wrapped in `{"stream": ..., "data": ...}`.
    """

    def __init__(
        self,
        connection: Connection,
        board: FaultBoard,
        changed: Callable[["StreamSession", Stream, bool], None],
        *,
        combined: bool,
    ) -> None:
        self.connection = connection
        self.combined = combined
        self._board = board
        self._changed = changed
        self._streams: dict[str, Stream] = {}

    def subscribe(self, names: list[str]) -> None:
        """Add streams. Names that are no stream are taken and stay silent, as on Binance.

        Raises:
            StreamRefusedError: more than 1024 streams, or a fault says so.
        """
        if self._board.waiting(Occasion.FRAME):
            for rule in self._board.strikes("SUBSCRIBE", self.connection.path, "", Occasion.FRAME):
                if rule.kind.name == "ws_subscribe_error":
                    raise StreamRefusedError(int(rule.number("code")), rule.text("msg"))
        if len(self._streams.keys() | set(names)) > MAX_STREAMS:
            raise StreamRefusedError(2, f"Invalid request: too many streams, at most {MAX_STREAMS}")
        for name in names:
            stream = parse_stream(name)
            if name not in self._streams and stream is not None:
                self._streams[name] = stream
                self._changed(self, stream, True)  # noqa: FBT003 - the callback's second fact

    def unsubscribe(self, names: list[str]) -> None:
        """Drop streams; names that are not subscribed are passed over."""
        for name in names:
            stream = self._streams.pop(name, None)
            if stream is not None:
                self._changed(self, stream, False)  # noqa: FBT003 - the callback's second fact

    def close(self) -> None:
        """Drop every stream."""
        self.unsubscribe(list(self._streams))

    def send(self, stream: Stream, symbol: str, data: bytes) -> None:
        """Send an event of a stream."""
        if self.combined:
            data = b'{"stream":"%s","data":%s}' % (stream.name.encode(), data)
        self.connection.push(stream.name, symbol, data)

    async def on_text(self, text: str) -> None:
        """Answer one request frame; a bad one gets the stream server's error JSON and the connection stays."""
        request_id: object = None
        try:
            request = _decode(text)
            request_id = _request_id(request)
            answer: dict[str, object] = {"result": self._answer(request), "id": request_id}
        except StreamRefusedError as refused:
            answer = {"error": {"code": refused.code, "msg": refused.message}, "id": request_id}
        self.connection.reply(orjson.dumps(answer))

    def _answer(self, request: Mapping[str, object]) -> object:
        method = request.get("method")
        if method is None:
            raise StreamRefusedError(2, "Invalid request: missing field `method`")
        if method not in METHODS:
            expected = ", ".join(f"`{name}`" for name in METHODS)
            raise StreamRefusedError(2, f"Invalid request: unknown variant `{method}`, expected one of {expected}")
        params = request.get("params", [])
        if method == "LIST_SUBSCRIPTIONS":
            return list(self._streams)
        if not isinstance(params, list):
            raise StreamRefusedError(2, "Invalid request: params must be a list")
        if method in {"SET_PROPERTY", "GET_PROPERTY"}:
            return self._property(str(method), params)
        if not all(isinstance(name, str) for name in params):
            raise StreamRefusedError(2, "Invalid request: stream name must be a string")
        if method == "SUBSCRIBE":
            self.subscribe(params)
        else:
            self.unsubscribe(params)
        return None

    def _property(self, method: str, params: list[object]) -> object:
        if not params or not isinstance(params[0], str):
            raise StreamRefusedError(2, "Invalid request: property name must be a string")
        if params[0] != "combined":
            raise StreamRefusedError(0, "Unknown property")
        if method == "GET_PROPERTY":
            if len(params) > 1:
                raise StreamRefusedError(2, "Invalid request: too many parameters")
            return self.combined
        if len(params) != 2 or not isinstance(params[1], bool):
            raise StreamRefusedError(1, "Invalid value type: expected Boolean")
        self.combined = params[1]
        return None


def _decode(text: str) -> dict[str, object]:
    try:
        request = orjson.loads(text)
    except ValueError as wrong:
        raise StreamRefusedError(3, f"Invalid JSON: {wrong}") from None
    if not isinstance(request, dict):
        raise StreamRefusedError(2, "Invalid request: expected an object")
    return request


def _request_id(request: Mapping[str, object]) -> object:
    value = request.get("id")
    is_number = isinstance(value, int) and not isinstance(value, bool)
    is_short_text = isinstance(value, str) and len(value) <= _ID_LENGTH
    if value is None or is_number or is_short_text:
        return value
    raise StreamRefusedError(2, "Invalid request: request ID must be an unsigned integer")
