"""All WebSocket connections: handshakes, the 24-hour limit, pings, and what operators and fate do to all of them."""

import asyncio
from collections import deque
from http import HTTPStatus

import orjson
from aiohttp import web

from exchange_simulator.engine.errors import ApiError
from exchange_simulator.server.connection import GOING_AWAY, Connection
from exchange_simulator.server.faults.kinds import Occasion
from exchange_simulator.server.gateway import Gateway
from exchange_simulator.server.limits import RateLimited
from exchange_simulator.server.market_feed import MarketFeed
from exchange_simulator.server.params import decode_form
from exchange_simulator.server.reply import refusal
from exchange_simulator.server.stream_session import StreamRefusedError, StreamSession
from exchange_simulator.server.user_feed import UserFeed
from exchange_simulator.server.ws_api import WsApiSession

STREAM_FRAMES_PER_SECOND = 5
CONNECTS_PER_5_MINUTES = 300
FIVE_MINUTES_US = 300_000_000
DAY_US = 86_400_000_000
KEEP_ALIVE_EVERY_S = 1.0
WS_API_PATHS = ("/ws-api/v3", "/ws-api/v3/")


class Sockets:
    """The open connections, market streams and WebSocket API alike."""

    def __init__(self, gateway: Gateway, market: MarketFeed, users: UserFeed) -> None:
        self._gateway = gateway
        self._market = market
        self._users = users
        self._open: dict[Connection, bool] = {}
        self._connects_us: deque[int] = deque()
        self._next_keep_alive_s = 0.0

    @staticmethod
    def serves(path: str, request: web.BaseRequest) -> bool:
        """Say whether a request is a WebSocket's handshake."""
        is_upgrade = request.headers.get("Upgrade", "").lower() == "websocket"
        return is_upgrade and (path in WS_API_PATHS or path.startswith(("/ws", "/stream")))

    async def open(self, request: web.BaseRequest, path: str, query: str) -> web.StreamResponse:
        """Shake hands and serve the connection to its end."""
        refused = self._refused(path)
        if refused is not None:
            return refused
        socket = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=1 << 20)
        try:
            await socket.prepare(request)
        except web.HTTPException as bad_handshake:
            return _refusal(ApiError(-1020, bad_handshake.text or "Bad handshake.", bad_handshake.status))
        is_api = path in WS_API_PATHS
        limited = self._gateway.limits.enforced and not is_api
        connection = Connection(
            socket,
            request.transport,
            self._gateway.board,
            path=path,
            opened_us=self._now_us(),
            frames_per_second=STREAM_FRAMES_PER_SECOND if limited else 0,
        )
        self._open[connection] = is_api
        try:
            await (self._serve_api(connection, request) if is_api else self._serve_streams(connection, path, query))
        finally:
            del self._open[connection]
        return socket

    def keep_alive(self) -> None:
        """Look after all connections about once a second. Called on every beat."""
        now_s = asyncio.get_running_loop().time()
        if now_s < self._next_keep_alive_s:
            return
        self._next_keep_alive_s = now_s + KEEP_ALIVE_EVERY_S
        self.look_after_all()

    def look_after_all(self) -> None:
        """Ping, and close what is a day old."""
        now_us = self._now_us()
        for connection in tuple(self._open):
            if now_us - connection.opened_us >= DAY_US:
                connection.close_soon(GOING_AWAY, "24 hours")
            else:
                connection.keep_alive()

    def shut_down(self, seconds: float) -> None:
        """Announce `serverShutdown` on every connection and close them all a little later."""
        event = {"e": "serverShutdown", "E": self._now_us() // 1_000}
        for connection, is_api in tuple(self._open.items()):
            connection.push("serverShutdown", "", orjson.dumps(_announcement(event, connection.path, is_api=is_api)))
        loop = asyncio.get_running_loop()
        for connection in tuple(self._open):
            loop.call_later(seconds, connection.close_soon, GOING_AWAY, "server shutdown")

    def close_after_a_day(self) -> None:
        """Close every connection as if it were 24 hours old."""
        for connection in tuple(self._open):
            connection.close_soon(GOING_AWAY, "24 hours")

    def terminate_user_streams(self) -> None:
        """End every user data stream."""
        self._users.terminate(self._now_us() // 1_000)

    async def close_all(self, code: int, reason: str) -> None:
        """Close every connection and wait until all are gone, a frozen one by force."""
        for connection in tuple(self._open):
            connection.close_soon(code, reason)
        await asyncio.sleep(0)
        for connection in tuple(self._open):
            connection.reset()

    async def _serve_api(self, connection: Connection, request: web.BaseRequest) -> None:
        session = WsApiSession(connection, self._gateway, self._users, address=request.remote or "")

        async def on_text(text: str) -> None:
            await session.on_text(text)
            self._market.flush()

        try:
            await connection.run(on_text)
        finally:
            session.close()

    async def _serve_streams(self, connection: Connection, path: str, query: str) -> None:
        combined = path.startswith("/stream")
        session = StreamSession(connection, self._gateway.board, self._market.change, combined=combined)
        try:
            try:
                session.subscribe(_streams_of(path, query))
            except StreamRefusedError as refused:
                connection.reply(orjson.dumps({"error": {"code": refused.code, "msg": refused.message}}))
            await connection.run(session.on_text)
        finally:
            session.close()

    def _refused(self, path: str) -> web.Response | None:
        board = self._gateway.board
        if board.waiting(Occasion.CONNECT):
            for rule in board.strikes("CONNECT", path, "", Occasion.CONNECT):
                return web.Response(status=int(rule.number("status")), reason="Refused")
        now_us = self._now_us()
        self._connects_us.append(now_us)
        while now_us - self._connects_us[0] > FIVE_MINUTES_US:
            self._connects_us.popleft()
        if self._gateway.limits.enforced and len(self._connects_us) > CONNECTS_PER_5_MINUTES:
            return _refusal(RateLimited(-1034, "Too many new connections.", HTTPStatus.TOO_MANY_REQUESTS, 300))
        return None

    def _now_us(self) -> int:
        return self._gateway.exchange.clock.now_us()


def _refusal(error: ApiError) -> web.Response:
    reply = refusal(error)
    return web.Response(
        status=reply.status, body=reply.body, headers={"Content-Type": reply.content_type, **reply.headers}
    )


def _announcement(event: dict[str, object], path: str, *, is_api: bool) -> dict[str, object]:
    """Wrap an event about the connection itself as each kind of connection expects it."""
    if is_api:
        return {"event": event}
    return {"stream": "!serverShutdown", "data": event} if path.startswith("/stream") else event


def _streams_of(path: str, query: str) -> list[str]:
    """Return the streams that an address asks for: `/ws/a/b`, `/stream?streams=a/b`, and none for `/stream/ws/1`."""
    if path.startswith("/stream"):
        return [name for name in decode_form(query).get("streams", "").split("/") if name]
    return [name for name in path.removeprefix("/ws").split("/") if name]
