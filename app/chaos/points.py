"""Kill points: every write and every network point of a running bot, counted; at the n-th the process kills itself.

A seam watches one kind of point. A new kind (a file, a socket) is one more function in `SEAMS`.
"""

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from select import select
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import requests
import urllib3.connection
from sqlalchemy import Engine, event
from sqlalchemy.engine.default import DefaultDialect

from app.chaos.bareness import Arm
from app.core.bot import TradingBot
from app.core.clock import SystemClock
from app.core.exits import Exits
from app.domain.errors import KeelError
from app.domain.resting import Purpose
from app.repositories import OrderRepository

ORDERS: Final = frozenset({"POST /api/v3/order", "POST /api/v3/orderList/oco"})
CLIENT_IDS: Final = ("newClientOrderId", "aboveClientOrderId", "belowClientOrderId")
ALONG: Final = frozenset({"days", "equity", "risk_accounts", "risk_positions"})
ANSWER_S: Final = 0.2  # how long a process that dies with the answer unread waits for the answer
_WRITE: Final = re.compile(
    r"\s*(?:(INSERT) INTO|(UPDATE)|(DELETE) FROM|(CREATE|ALTER|DROP))\s+[\"`]?(\w+)", re.IGNORECASE
)


class Points:
    """Counts the points that the process passes, and dies at one of them.

    Args:
        trace: File to which every point, order and answer is appended at once, so that it survives the kill.
        kill_at: Number of the point, counted from 1; None survives all.
        since: Counting for the kill begins with the first point whose label holds this text; empty counts all.
        number: The signal.
    """

    def __init__(self, trace: Path, kill_at: int | None, *, since: str = "", number: int = signal.SIGKILL) -> None:
        self._trace = os.open(trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._kill_at = kill_at
        self._since = since
        self._number = number
        self._passed = self._counted = 0
        self._looks_away = False

    def reach(self, label: str, last_wish: Callable[[], object] | None = None) -> None:
        """Pass a point, or die there after the last wish."""
        if self._looks_away:
            return
        self._passed += 1
        self.note("point", str(self._passed), label)
        if self._counted or self._since in label:
            self._counted += 1
        if self._counted == self._kill_at:
            if last_wish is not None:
                last_wish()
            self.note("end", label)
            os.kill(os.getpid(), self._number)

    @contextmanager
    def looking_away(self) -> Iterator[None]:
        """What is done meanwhile is no part of the bot's life."""
        self._looks_away = True
        try:
            yield
        finally:
            self._looks_away = False

    def note(self, *words: str) -> None:
        """Append a line to the trace."""
        os.write(self._trace, ("\t".join(word.replace("\n", " ") for word in words) + "\n").encode())


def watch_commits(points: Points) -> None:
    """Before and after every commit that changes the database; the label names the tables.

    What is written along with something else (levels, equity) is left out: one kind of write is one kind of point.
    """
    written: dict[str, None] = {}
    commit, rollback = DefaultDialect.do_commit, DefaultDialect.do_rollback

    def statement(_connection: object, _cursor: object, text: str, *_: object) -> None:
        if (found := _WRITE.match(text)) is not None:
            insert, update, delete, _schema, table = found.groups()
            verb = insert or update or delete
            written["schema" if verb is None else f"{verb.lower()} {table}"] = None

    def do_commit(dialect: DefaultDialect, connection: Any) -> None:  # noqa: ANN401  # a DB-API connection
        told = [write for write in written if write.split()[-1] not in ALONG] or list(written)
        label = "commit schema" if "schema" in written else "commit " + ", ".join(told)
        is_write = bool(written)
        written.clear()
        if is_write:
            points.reach(f"{label}: before")
        commit(dialect, connection)  # type: ignore[no-untyped-call]
        if is_write:
            points.reach(f"{label}: after")

    def do_rollback(dialect: DefaultDialect, connection: Any) -> None:  # noqa: ANN401  # a DB-API connection
        written.clear()
        rollback(dialect, connection)  # type: ignore[no-untyped-call]

    event.listen(Engine, "before_cursor_execute", statement)
    setattr(DefaultDialect, "do_commit", do_commit)  # noqa: B010  # mypy forbids the assignment
    setattr(DefaultDialect, "do_rollback", do_rollback)  # noqa: B010


def watch_requests(points: Points) -> None:
    """Before a request leaves, with its answer waiting unread, and after it; orders go to the trace."""
    send, getresponse = requests.Session.send, urllib3.connection.HTTPConnection.getresponse
    under_way: list[str] = []

    def watched_send(
        session: requests.Session,
        request: requests.PreparedRequest,
        **options: Any,  # noqa: ANN401  # as requests has it
    ) -> requests.Response:
        parts = urlsplit(str(request.url))
        label = f"{request.method} {parts.path}"
        points.reach(f"{label}: unsent")
        orders = _client_ids(parts.query, request.body) if label in ORDERS else []
        if orders:
            points.note("sent", *orders)
        under_way[:] = [label]
        try:
            answer = send(session, request, **options)
        finally:
            under_way.clear()
        for order in orders:
            points.note("answer", order, str(answer.status_code), answer.text[:80])
        points.reach(f"{label}: read")
        return answer

    def watched_getresponse(connection: HTTPConnection) -> object:
        if under_way:
            points.reach(f"{under_way[0]}: unread", lambda: select([connection.sock], [], [], ANSWER_S))
        return getresponse(connection)  # type: ignore[arg-type]  # it is urllib3's

    setattr(requests.Session, "send", watched_send)  # noqa: B010
    setattr(urllib3.connection.HTTPConnection, "getresponse", watched_getresponse)  # noqa: B010


def watch_files(points: Points) -> None:
    """Before and after a file of the bot's own is forced to the disk."""
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        points.reach("fsync: before")
        fsync(descriptor)
        points.reach("fsync: after")

    os.fsync = watched  # type: ignore[assignment]  # a file object is not used


def watch_cycles(points: Points) -> None:
    """In each cycle, when the bot's own stop meets the candles and at the end, whether it could act."""
    run_once, pass_candles = TradingBot.run_once, Exits.pass_candles
    alive: list[TradingBot] = []

    def note() -> None:
        with points.looking_away():
            points.note("cycle", str(SystemClock().monotonic_ms()), _arm_of(alive[-1]))

    def watched_cycle(bot: TradingBot) -> None:
        alive[:] = [bot]
        try:
            run_once(bot)
        finally:
            note()

    def watched_exits(exits: Exits, candles: pd.DataFrame, length_ms: int) -> None:
        note()
        pass_candles(exits, candles, length_ms)

    setattr(TradingBot, "run_once", watched_cycle)  # noqa: B010
    setattr(Exits, "pass_candles", watched_exits)  # noqa: B010


SEAMS: Final[tuple[Callable[[Points], None], ...]] = (watch_commits, watch_requests, watch_files, watch_cycles)


def _arm_of(bot: TradingBot) -> Arm:
    doubtful = OrderRepository(bot.trade_repo.session).unresolved(bot.symbol)
    if not doubtful:
        return Arm.ARMED
    if any(order.purpose != Purpose.PROTECTION.value for order in doubtful):
        return Arm.LEAVING
    try:
        return Arm.FROZEN if bot.executor.why_no_exit(bot.symbol) else Arm.ARMED
    except KeelError:
        return Arm.FROZEN


def _client_ids(query: str, body: object) -> list[str]:
    """Of the orders in a request: one, or the two of a list."""
    text = body.decode() if isinstance(body, bytes) else str(body or "")
    values = parse_qs(query) | parse_qs(text)
    return [identity for name in CLIENT_IDS for identity in values.get(name, [])]
