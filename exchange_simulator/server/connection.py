"""One WebSocket connection: frames in and out, pings, and the faults that strike frames."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import WSMsgType, web

from exchange_simulator.server.faults.board import FaultBoard
from exchange_simulator.server.faults.kinds import Occasion
from exchange_simulator.server.faults.rule import Rule

MAX_WAITING_FRAMES = 20_000
"""A client that is this far behind is dropped, as a server with bounded memory must."""
PING_EVERY_S = 20.0
PONG_WITHIN_S = 60.0
POLICY_VIOLATION = 1008
GOING_AWAY = 1001

OnText = Callable[[str], Awaitable[None]]


class Connection:
    """A client's socket after its handshake. Messages leave in the order of `push` and `reply`.

    Args:
        socket: The prepared WebSocket.
        transport: What carries it; only it can reset a connection, or stop reading as a frozen process does.
        board: Asked about every event and every ping.
        path: The socket's path, for fault rules.
        opened_us: The exchange's time at the handshake.
        frames_per_second: How many frames a client may send; 0 for no limit.
    """

    def __init__(
        self,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        board: FaultBoard,
        *,
        path: str,
        opened_us: int,
        frames_per_second: int,
    ) -> None:
        self.path = path
        self.opened_us = opened_us
        self._socket = socket
        self._transport = transport
        self._board = board
        self._frames_per_second = frames_per_second
        self._loop = asyncio.get_running_loop()
        self._waiting: list[bytes] = []
        self._wake = asyncio.Event()
        self._held_back: bytes | None = None
        self._silent = False
        self._frozen = False
        self._last_ping_s = self._last_pong_s = self._loop.time()
        self._frame_times: list[float] = []

    async def run(self, on_text: OnText) -> None:
        """Serve the connection until either side ends it."""
        writer = asyncio.create_task(self._write())
        try:
            await self._read(on_text)
        finally:
            writer.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await writer

    def reply(self, message: bytes) -> None:
        """Send the answer to a request of this client."""
        if not self._frozen:
            self._enqueue(message)

    def push(self, name: str, symbol: str, message: bytes) -> None:
        """Send an event, as the faults that strike it leave it.

        Args:
            name: The stream's name or the user event's, which fault rules match as their path.
            symbol: The symbol it is about; empty when it is about none.
            message: The frame's text.
        """
        if self._silent or self._frozen:
            return
        copies = 1
        if self._board.waiting(Occasion.EVENT):
            for rule in self._board.strikes("EVENT", name, symbol, Occasion.EVENT):
                message, copies = self._strike(rule, message, copies)
        for _ in range(copies):
            self._enqueue(message)
        if copies and self._held_back is not None and self._held_back is not message:
            held, self._held_back = self._held_back, None
            self._enqueue(held)

    def keep_alive(self) -> None:
        """Ping when it is time, and drop a client that has stopped answering pings. Called about every second."""
        now_s = self._loop.time()
        if self._frozen or self._socket.closed:
            return
        if now_s - self._last_pong_s > PING_EVERY_S + PONG_WITHIN_S:
            self.reset()
        elif now_s - self._last_ping_s >= PING_EVERY_S:
            self._last_ping_s = now_s
            self._wake.set()

    def close_soon(self, code: int, reason: str) -> None:
        """Close the connection in good order, without waiting for the client."""
        if not self._frozen:
            task = self._loop.create_task(self._socket.close(code=code, message=reason.encode()))
            task.add_done_callback(_forget)

    def reset(self) -> None:
        """Cut the connection without a closing handshake."""
        if self._transport is not None:
            self._transport.abort()

    def _strike(self, rule: Rule, message: bytes, copies: int) -> tuple[bytes, int]:
        name = rule.kind.name
        if name == "ws_duplicate":
            return message, copies * 2
        if name == "kline_never_closed":
            return message.replace(b'"x":true', b'"x":false'), copies
        if name == "ws_drop":
            self.reset()
        elif name == "ws_freeze":
            self._freeze()
        elif name == "ws_silence":
            self._silent = True
        elif name == "ws_reorder":
            self._held_back = message
        return message, 0

    def _freeze(self) -> None:
        self._frozen = True
        self._waiting.clear()
        if self._transport is not None:
            self._transport.pause_reading()

    def _enqueue(self, message: bytes) -> None:
        if len(self._waiting) >= MAX_WAITING_FRAMES:
            self._waiting.clear()
            self.reset()
            return
        self._waiting.append(message)
        self._wake.set()

    async def _write(self) -> None:
        pinged_s = self._last_ping_s
        while not self._socket.closed:
            await self._wake.wait()
            self._wake.clear()
            waiting, self._waiting = self._waiting, []
            for message in waiting:
                await self._socket.send_frame(message, WSMsgType.TEXT)
            if self._last_ping_s > pinged_s:
                pinged_s = self._last_ping_s
                await self._socket.ping(str(int(pinged_s)).encode())

    async def _read(self, on_text: OnText) -> None:
        async for frame in self._socket:
            if self._frozen:
                await asyncio.Event().wait()
            if self._is_flooded():
                self.close_soon(POLICY_VIOLATION, "Too many requests")
                return
            if frame.type is WSMsgType.TEXT:
                await on_text(frame.data)
            elif frame.type is WSMsgType.PONG:
                self._last_pong_s = self._loop.time()
            elif frame.type is WSMsgType.PING:
                await self._pong(frame.data)
            elif frame.type is WSMsgType.BINARY:
                await on_text(frame.data.decode("utf-8", "replace"))

    async def _pong(self, payload: bytes) -> None:
        refused = self._board.waiting(Occasion.FRAME) and self._board.strikes("PING", self.path, "", Occasion.FRAME)
        if not refused:
            await self._socket.pong(payload)

    def _is_flooded(self) -> bool:
        if self._frames_per_second == 0:
            return False
        now_s = self._loop.time()
        self._frame_times = [*(t for t in self._frame_times if now_s - t < 1.0), now_s]
        return len(self._frame_times) > self._frames_per_second


def _forget(task: asyncio.Task[bool]) -> None:
    """Take the result of a close that nobody waits for, so that its failure is no stray error."""
    if not task.cancelled():
        task.exception()
