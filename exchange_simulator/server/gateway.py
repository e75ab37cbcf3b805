"""The one way in for every request: limits, keys, signatures, timing, faults, execution, journal.

REST and the WebSocket API hand in the same `Incoming` and get the same `Reply`.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import orjson

from exchange_simulator.engine.account import Account
from exchange_simulator.engine.errors import ApiError
from exchange_simulator.exchange import Exchange
from exchange_simulator.server.auth import DEFAULT_RECV_WINDOW_MS, MAX_RECV_WINDOW_MS, check_timing, verify
from exchange_simulator.server.faults.answers import hurt
from exchange_simulator.server.faults.board import STANDING_FOR_REQUESTS, FaultBoard
from exchange_simulator.server.faults.kinds import Occasion, Phase
from exchange_simulator.server.faults.rule import Rule
from exchange_simulator.server.faults.world import World
from exchange_simulator.server.limits import RateLimiter
from exchange_simulator.server.operation import SIGNED, Answer, Call, Operation, Security
from exchange_simulator.server.params import Params, illegal, missing
from exchange_simulator.server.readlag import AccountReads
from exchange_simulator.server.reply import Reply, refusal

MAX_RECV_WINDOW_DECIMALS = 3
_UNJOURNALED = frozenset({"signature", "timestamp", "recvWindow", "apiKey"})


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as a transport read it.

    Attributes:
        operation: What is asked for.
        method: HTTP method, or the WebSocket API method.
        path: REST path, or the WebSocket API method again; what fault rules match.
        values: Parameters by name.
        payload: The bytes that the signature is of.
        api_key: The key that was sent; empty for none.
        address: Where the request comes from; weight counts by it.
        session: The account that a WebSocket API session is logged on to.
    """

    operation: Operation
    method: str
    path: str
    values: dict[str, str]
    payload: bytes = b""
    api_key: str = ""
    address: str = ""
    session: Account | None = None


@dataclass(slots=True)
class Gateway:
    """Answers requests. `timing_checked` says whether timestamps are compared with the exchange's clock."""

    exchange: Exchange
    limits: RateLimiter
    board: FaultBoard
    world: World
    reads: AccountReads
    timing_checked: bool

    async def answer(self, incoming: Incoming) -> Reply:
        """Answer one request. Bad input of any kind becomes Binance's error JSON."""
        if incoming.operation.prepare is not None:
            with suppress(ApiError):  # execution meets it again, and answers it
                for _ in incoming.operation.prepare(self.exchange, Params(incoming.values)):
                    await asyncio.sleep(0)
        if not self.board.waiting(*STANDING_FOR_REQUESTS):
            return self._execute(incoming)
        symbol = incoming.values.get("symbol", "")
        rules = self.board.strikes(incoming.method, incoming.path, symbol, *STANDING_FOR_REQUESTS)
        if not rules:
            return self._execute(incoming)
        before = [rule for rule in rules if rule.phase is Phase.BEFORE]
        after = [rule for rule in rules if rule.phase is Phase.AFTER]
        refused = await self._strike_before(incoming, before)
        reply = self._execute(incoming) if refused is None else refused
        return await self._strike_after(incoming, reply, after)

    async def _strike_before(self, incoming: Incoming, rules: Sequence[Rule]) -> Reply | None:
        refused: Reply | None = None
        for rule in rules:
            if rule.kind.occasion is Occasion.READ:
                self.reads.disturb(rule)
            elif rule.kind.occasion is Occasion.WORLD:
                self.world.strike_or_note(rule, incoming.values)
            elif rule.kind.name == "delay":
                refused = self._refused_now(incoming)
                await asyncio.sleep(rule.number("seconds"))
            elif rule.kind.name == "ban":
                self.limits.ban(incoming.address, int(rule.number("seconds")), self.exchange.clock.now_us())
            else:
                refused = hurt(Reply(200, b"{}"), rule)
            if refused is not None:
                return refused
        return None

    async def _strike_after(self, incoming: Incoming, reply: Reply, rules: Sequence[Rule]) -> Reply:
        for rule in rules:
            if rule.kind.occasion is Occasion.WORLD:
                self.world.strike_or_note(rule, incoming.values)
            elif rule.kind.name == "delay":
                await asyncio.sleep(rule.number("seconds"))
            else:
                reply = hurt(reply, rule)
        return reply

    def _refused_now(self, incoming: Incoming) -> Reply | None:
        """Check a request that is about to wait: Binance checks timing on arrival and again before the engine."""
        try:
            self._authorise(incoming, Params(incoming.values))
        except ApiError as error:
            return refusal(error)
        return None

    def _execute(self, incoming: Incoming) -> Reply:
        operation, params = incoming.operation, Params(incoming.values)
        headers: dict[str, str] = {}
        account: Account | None = None
        self.exchange.advance()
        now_us = self.exchange.clock.now_us()
        try:
            used = self.limits.charge(incoming.address, operation.weight_of(params), now_us)
            headers["X-MBX-USED-WEIGHT-1M"] = headers["X-MBX-USED-WEIGHT"] = str(used)
            account = self._authorise(incoming, params)
            params.accept_only(operation.accepts if account is None else operation.accepts | SIGNED)
            call = Call(self.exchange, params, self.limits, self.reads, self.world.shown_us(), account)
            answer = self._run(operation, call, now_us)
            if operation.orders and account is not None:
                headers.update(self.limits.order_headers(account.name, now_us))
            reply = Reply(200, orjson.dumps(answer), headers)
        except ApiError as error:
            reply = self._refuse(error, incoming, headers, now_us)
        self._record(incoming, reply, account)
        return reply

    def _run(self, operation: Operation, call: Call, now_us: int) -> Answer:
        """Carry out an operation; the orders it adds count against the account's limits unless it is refused."""
        if not operation.orders:
            return operation.run(call)
        self.limits.count_orders(call.account.name, operation.orders, now_us)
        try:
            return operation.run(call)
        except ApiError:
            self.limits.give_back_orders(call.account.name, operation.orders, now_us)
            raise

    def _refuse(self, error: ApiError, incoming: Incoming, headers: Mapping[str, str], now_us: int) -> Reply:
        extra = incoming.operation.weight_when_refused
        sent = dict(headers)
        if extra is not None and headers:
            used = self.limits.add_weight(incoming.address, extra, now_us)
            sent["X-MBX-USED-WEIGHT-1M"] = sent["X-MBX-USED-WEIGHT"] = str(used)
        reply = refusal(error)
        return replace(reply, headers={**sent, **reply.headers})

    def _authorise(self, incoming: Incoming, params: Params) -> Account | None:
        if incoming.operation.security is Security.NONE:
            return None
        if incoming.session is not None and not incoming.api_key:
            self._check_time(params)
            return incoming.session
        if not incoming.api_key:
            raise ApiError(-2014, "API-key format invalid.", 401)
        key = self.exchange.key_of(incoming.api_key)
        signature = params.need_text("signature")
        if "timestamp" not in params:
            raise missing("timestamp")
        verify(key, incoming.payload, signature)
        self._check_time(params)
        if incoming.operation.security is Security.TRADE and not key.can_trade:
            raise ApiError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        return self.exchange.account_of(incoming.api_key)

    def _check_time(self, params: Params) -> None:
        timestamp = params.integer("timestamp")
        if timestamp is None:
            raise missing("timestamp")
        window = _recv_window_ms(params)
        if self.timing_checked:
            check_timing(timestamp, window, self.world.shown_us())

    def _record(self, incoming: Incoming, reply: Reply, account: Account | None) -> None:
        values = {name: value for name, value in incoming.values.items() if name not in _UNJOURNALED}
        self.exchange.journal.record(
            "request",
            {
                "method": incoming.method,
                "path": incoming.path,
                "params": values,
                "account": account.name if account else None,
                "status": reply.status,
                "code": reply.error.code if reply.error else None,
            },
        )


def _recv_window_ms(params: Params) -> float:
    text = params.text("recvWindow")
    if text is None:
        return DEFAULT_RECV_WINDOW_MS
    whole, _, fraction = text.partition(".")
    if not (whole.isdecimal() and (fraction.isdecimal() or not fraction)) or len(fraction) > MAX_RECV_WINDOW_DECIMALS:
        raise illegal("recvWindow", r"^([0-9]{1,5})(\.[0-9]{1,3})?$")
    window = float(text)
    if window > MAX_RECV_WINDOW_MS:
        raise ApiError(-1131, "recvWindow must be less than 60000")
    return window
