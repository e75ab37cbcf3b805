"""The server: one HTTP port for REST, streams and the WebSocket API, and the beat that moves the market along."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp import web

from exchange_simulator.engine.errors import ApiError
from exchange_simulator.engine.events import Event, OrderUpdate
from exchange_simulator.engine.orders import ExecutionType
from exchange_simulator.exchange import Exchange
from exchange_simulator.market.clock import VirtualClock
from exchange_simulator.server.auth import signed_payload
from exchange_simulator.server.connection import GOING_AWAY
from exchange_simulator.server.delivery import deliver
from exchange_simulator.server.faults.board import FaultBoard
from exchange_simulator.server.faults.rule import Rule
from exchange_simulator.server.faults.world import World
from exchange_simulator.server.gateway import Gateway, Incoming
from exchange_simulator.server.limits import Limits, RateLimiter
from exchange_simulator.server.market_feed import MarketFeed
from exchange_simulator.server.params import decode_form
from exchange_simulator.server.protocol import ApiServer
from exchange_simulator.server.readlag import AccountReads
from exchange_simulator.server.reply import refusal
from exchange_simulator.server.routes import REST, SAPI, WITHDRAWING_KEYS
from exchange_simulator.server.sockets import Sockets
from exchange_simulator.server.user_feed import UserFeed

BEAT_S = 0.05
MAX_BODY = 256 * 1024
GOODBYE_S = 1.0  # for answers under way when the server stops; a fault may hold one back for minutes
REAL_TIME = 1.0
CLOCKS_AGREE_US = 1_000_000


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How the server treats its clients.

    Attributes:
        checks_timing: Compare timestamps with the exchange's clock; None for only while that clock agrees with this
            machine's: a client's clock knows no other speed and no other date.
        enforces_limits: Refuse what exceeds the limits; None for whenever the clock runs by itself.
        limits: Request and order limits.
        answers_sapi: Answer the `/sapi/v1` calls that clients make at start, instead of 404.
        keys_may_withdraw: Say so when a client asks for its key's rights.
        read_lag_ms: How far Memory and Database reads are behind.
        fault_seed: Seed of the fault board's draws.
    """

    checks_timing: bool | None = None
    enforces_limits: bool | None = None
    limits: Limits = field(default_factory=Limits)
    answers_sapi: bool = True
    keys_may_withdraw: bool = False
    read_lag_ms: int = 0
    fault_seed: int = 0


class ExchangeServer:
    """Serves an exchange over HTTP and WebSocket.

    Args:
        exchange: What is served.
        settings: How clients are treated.
    """

    def __init__(self, exchange: Exchange, settings: ServerSettings) -> None:
        self.exchange = exchange
        self.settings = settings
        speed = exchange.clock.speed
        timing = _is_real_time(exchange.clock) if settings.checks_timing is None else settings.checks_timing
        enforced = speed > 0 if settings.enforces_limits is None else settings.enforces_limits
        self.limits = RateLimiter(settings.limits, enforced=enforced)
        self.users = UserFeed()
        self.market = MarketFeed(exchange)
        self.reads = AccountReads(exchange, lag_us=settings.read_lag_ms * 1_000)
        self.world = World(exchange)
        self.faults = FaultBoard(
            settings.fault_seed,
            now_us=exchange.clock.now_us,
            record=self._record_fault,
            strike_now=self.world.strike,
            strike_later=self.world.strike_or_note,
        )
        self.gateway = Gateway(exchange, self.limits, self.faults, self.world, self.reads, timing_checked=timing)
        self.sockets = Sockets(self.gateway, self.market, self.users)
        self.world.sockets = self.sockets
        self._unsubscribe = exchange.subscribe(self._on_event)
        self._runner = web.ServerRunner(ApiServer(self._handle), shutdown_timeout=GOODBYE_S)
        self._routes = {**REST, **SAPI} if settings.answers_sapi else REST
        if settings.answers_sapi and settings.keys_may_withdraw:
            self._routes = {**self._routes, **WITHDRAWING_KEYS}
        self._beat: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen and return the port; 0 lets the system choose one.

        Raises:
            OSError: the port is taken.
        """
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, reuse_address=True)
        await site.start()
        self._beat = asyncio.create_task(self._run_beat())
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        if self._beat is not None:
            self._beat.cancel()
            with suppress(asyncio.CancelledError):
                await self._beat
        self._unsubscribe()
        await self.sockets.close_all(GOING_AWAY, "server stopped")
        await self._runner.cleanup()

    def step(self) -> None:
        """Move the market up to the clock's present and send what follows from it."""
        self.exchange.advance()
        self.faults.strike_due()
        self.market.flush()
        self.sockets.keep_alive()

    async def _run_beat(self) -> None:
        while True:
            self.step()
            await asyncio.sleep(BEAT_S)

    def _on_event(self, event: Event) -> None:
        self.reads.on_event(event)
        self.users.on_event(event)
        self.market.on_event(event)
        if isinstance(event, OrderUpdate) and event.execution is ExecutionType.TRADE and event.is_first_fill:
            self.limits.give_back_orders(event.account, 1, event.time_us)

    def _record_fault(self, rule: Rule) -> None:
        self.exchange.journal.record("fault", {"id": rule.id, "fault": rule.kind.name, "strike": rule.fired})

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        if self.sockets.serves(path, request):
            return await self.sockets.open(request, path, query)
        try:
            incoming = await self._read(request, path, query)
        except ApiError as error:
            return await deliver(request, refusal(error))
        reply = await self.gateway.answer(incoming)
        self.market.flush()
        return await deliver(request, reply)

    async def _read(self, request: web.BaseRequest, path: str, query: str) -> Incoming:
        body = await _read_body(request) if request.can_read_body else ""
        operation = self._routes.get((request.method, path))
        if operation is None:
            known = any(known_path == path for _, known_path in self._routes)
            raise ApiError(-1020, "This operation is not supported.", 405 if known else 404)
        values = decode_form(query)
        if body:
            values = decode_form(body) | values
        return Incoming(
            operation,
            request.method,
            path,
            values,
            payload=signed_payload(query, body),
            api_key=request.headers.get("X-MBX-APIKEY", ""),
            address=request.remote or "",
        )


def _is_real_time(clock: VirtualClock) -> bool:
    """Say whether a client on this machine has the exchange's time."""
    return clock.speed == REAL_TIME and abs(VirtualClock.from_now().now_us() - clock.now_us()) < CLOCKS_AGREE_US


async def _read_body(request: web.BaseRequest) -> str:
    body = bytearray()
    try:
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > MAX_BODY:
                raise ApiError(-1101, "Too many parameters sent for this endpoint.", 413)
        return body.decode()
    except (UnicodeDecodeError, web.RequestPayloadError):  # no UTF-8, or not in the encoding that it claims
        raise ApiError(-1100, "Illegal characters found in a parameter.") from None
