"""The admin port: journal, faults, clock, oracle and saving, for tests and operators. Off by default, loopback only."""

from collections.abc import Awaitable, Callable

import orjson
from aiohttp import web

from exchange_simulator.server.app import ExchangeServer
from exchange_simulator.server.faults.kinds import KINDS
from exchange_simulator.server.faults.rule import BadRuleError

LOOPBACK = "127.0.0.1"
MAX_STEP_S = 400 * 86_400
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class AdminPort:
    """Serves `/admin/...` beside an exchange.

    Args:
        server: The server to steer.
        save: Saves the exchange and returns where; None when it was started without a state file.
    """

    def __init__(self, server: ExchangeServer, save: Callable[[], str] | None = None) -> None:
        self._server = server
        self._save = save
        application = web.Application(middlewares=[_in_words])
        application.add_routes(
            [
                web.get("/admin/journal", self.journal),
                web.get("/admin/oracle", self.oracle),
                web.get("/admin/faults", self.list_faults),
                web.get("/admin/faults/kinds", self.list_kinds),
                web.post("/admin/faults", self.add_fault),
                web.delete("/admin/faults", self.clear_faults),
                web.delete("/admin/faults/{id:[0-9]+}", self.remove_fault),
                web.post("/admin/clock/advance", self.advance_clock),
                web.post("/admin/save", self.save),
            ]
        )
        self._runner = web.AppRunner(application, access_log=None)

    async def start(self, port: int) -> int:
        """Listen on loopback and return the port."""
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, port).start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def journal(self, request: web.Request) -> web.Response:
        """GET: the journal's lines after `since`, as JSON lines."""
        since = request.query.get("since", "0")
        if not since.isdecimal():
            raise BadRuleError(f"since is a line number, not {since!r}")
        lines = self._server.exchange.journal.since(int(since))
        return web.Response(body=b"".join(line + b"\n" for line in lines), content_type="application/x-ndjson")

    async def oracle(self, _: web.Request) -> web.Response:
        """GET: whether the independent ledger agrees with every balance, and where it does not."""
        return _json(self._server.exchange.oracle.report())

    async def list_faults(self, _: web.Request) -> web.Response:
        """GET: the rules, with how often each matched and struck."""
        return _json([rule.as_json() for rule in self._server.faults.rules()])

    async def list_kinds(self, _: web.Request) -> web.Response:
        """GET: every kind of fault with its arguments."""
        return _json(
            [
                {"kind": k.name, "occasion": k.occasion, "does": k.text, "arguments": dict(k.arguments)}
                for k in KINDS.values()
            ]
        )

    async def add_fault(self, request: web.Request) -> web.Response:
        """POST {"kind": ..., matching and arguments}: put up a rule; a world fault without condition strikes now."""
        wanted = await _body(request)
        kind = wanted.pop("kind", "")
        rule = self._server.faults.add(str(kind), **wanted)
        self._server.market.flush()
        return _json(rule.as_json())

    async def clear_faults(self, _: web.Request) -> web.Response:
        """DELETE: take down all rules."""
        self._server.faults.clear()
        return _json({})

    async def remove_fault(self, request: web.Request) -> web.Response:
        """DELETE one rule."""
        rule_id = int(request.match_info["id"])
        if not self._server.faults.remove(rule_id):
            return _json({"error": f"there is no fault {rule_id}"}, 404)
        return _json({})

    async def advance_clock(self, request: web.Request) -> web.Response:
        """POST {"seconds": n}: let time pass, and answer the exchange's new time."""
        wanted = await _body(request)
        seconds = wanted.get("seconds")
        if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 <= seconds <= MAX_STEP_S:
            raise BadRuleError(f"seconds is a number from 0 to {MAX_STEP_S}, not {seconds!r}")
        self._server.exchange.clock.advance_by(round(seconds * 1_000_000))
        self._server.step()
        return _json({"serverTime": self._server.exchange.clock.now_us() // 1_000})

    async def save(self, _: web.Request) -> web.Response:
        """POST: write the state file now."""
        if self._save is None:
            return _json({"error": "the exchange was started without a state file (--state)"}, 409)
        return _json({"saved": self._save()})


@web.middleware
async def _in_words(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer what cannot be done with one sentence."""
    try:
        return await handler(request)
    except BadRuleError as refused:
        return _json({"error": str(refused)}, 400)


async def _body(request: web.Request) -> dict[str, object]:
    try:
        value = orjson.loads(await request.read())
    except ValueError:
        raise BadRuleError("the body must be a JSON object") from None
    if not isinstance(value, dict):
        raise BadRuleError("the body must be a JSON object")
    return value


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")
