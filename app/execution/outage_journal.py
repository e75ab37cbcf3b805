"""What happened while the database could not be written: one JSON object per line in a file beside the database.

The file takes its room at the start of live trading, so that a full disk cannot stop it: lines overwrite zeros that are
on the disk already. (File systems that copy on write may need room nevertheless.)
"""

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from app.domain.errors import DatabaseError, OrderRejected
from app.domain.order import OrderEvent
from app.domain.reports import FillReport, OrderReport, OrderTicket

RESERVED_BYTES: Final = 256 * 1024  # some five hundred orders
DECIMAL: Final = "decimal"


class NotWrittenError(OrderRejected):
    """Not even the journal can be written, so nothing was sent."""


class OutageJournal:
    """Facts in the order in which they happened; each is on the disk when its call returns.

    Args:
        path: The file.
        reserve: Whether to take the room for what may come; False only looks.

    Raises:
        DatabaseError: it cannot be made.
    """

    def __init__(self, path: Path, *, reserve: bool = True) -> None:
        self.path = path
        try:
            if reserve:
                _reserve(path)
            self._lines = [line for line in path.read_bytes().rstrip(b"\0").split(b"\n") if _fact(line) is not None]
        except OSError as error:
            raise DatabaseError(f"the journal {path} cannot be made ({error}): free some disk space") from error
        self._end = sum(len(line) + 1 for line in self._lines)
        self._written = len(self._lines)

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits to be booked."""
        return not self._lines

    def facts(self) -> list[dict[str, Any]]:
        """All facts, oldest first."""
        return [fact for line in self._lines if (fact := _fact(line)) is not None]

    def sent(self, ticket: OrderTicket, at_ms: int) -> None:
        """An order is about to be sent.

        Raises:
            NotWrittenError: this could not be written down, so it must not be sent.
        """
        try:
            self._append({"kind": "sent", "at_ms": at_ms, "ticket": asdict(ticket)})
        except OSError as error:
            self._lines.pop()
            raise NotWrittenError(
                f"order {ticket.client_id} was not sent: neither the database nor {self.path} can be written ({error})"
            ) from error

    def was_sent(self, ticket: OrderTicket, at_ms: int) -> None:
        """An order was sent before the outage was noticed. Raises OSError; it is remembered nevertheless."""
        self._append({"kind": "sent", "at_ms": at_ms, "ticket": asdict(ticket)})

    def answered(self, client_id: str, report: OrderReport, fills: list[FillReport]) -> None:
        """The exchange's answer. Raises OSError; it is remembered nevertheless."""
        found = [asdict(fill) for fill in fills]
        self._append({"kind": "answered", "client_id": client_id, "report": asdict(report), "fills": found})

    def refused(self, client_id: str, reason: str) -> None:
        """The exchange's definitive refusal. Raises OSError; it is remembered nevertheless."""
        self._append({"kind": "refused", "client_id": client_id, "reason": reason})

    def clear(self) -> None:
        """Everything is booked: begin anew."""
        with _opened(self.path) as descriptor:
            _write(descriptor, bytes(self._end), 0)
        self._lines, self._end, self._written = [], 0, 0

    def remove(self) -> None:
        """At the end, when nothing waits to be booked."""
        if self.is_empty:
            self.path.unlink(missing_ok=True)

    def _append(self, fact: dict[str, Any]) -> None:
        """Also what could not be written before is tried again."""
        self._lines.append(json.dumps(fact, default=_written, separators=(",", ":")).encode())
        text = b"".join(line + b"\n" for line in self._lines[self._written :])
        with _opened(self.path) as descriptor:
            _write(descriptor, text, self._end)
        self._end += len(text)
        self._written = len(self._lines)


def ticket_of(fact: dict[str, Any]) -> OrderTicket:
    """The order of a `sent` line."""
    return OrderTicket(**fact["ticket"])


def answer_of(fact: dict[str, Any]) -> tuple[OrderReport, list[FillReport]]:
    """What an `answered` line holds."""
    report = {**fact["report"], "event": OrderEvent(fact["report"]["event"])}
    return OrderReport(**report), [FillReport(**fill) for fill in fact["fills"]]


def _written(value: object) -> dict[str, str]:
    if isinstance(value, Decimal):
        return {DECIMAL: f"{value:f}"}
    raise TypeError(f"{value!r} has no place in the journal")


def _read(document: dict[str, Any]) -> Any:  # noqa: ANN401  what JSON holds
    return Decimal(document[DECIMAL]) if document.keys() == {DECIMAL} else document


def _fact(line: bytes) -> dict[str, Any] | None:
    """None for a line that a dying process left unfinished: what it was about to say did not happen."""
    try:
        fact = json.loads(line, object_hook=_read)
    except ValueError:
        return None
    return fact if isinstance(fact, dict) else None


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _reserve(path: Path) -> None:
    """Make the file as long as the journal may become."""
    with _opened(path) as descriptor:
        missing = RESERVED_BYTES - os.fstat(descriptor).st_size
        if missing > 0:
            _write(descriptor, bytes(missing), RESERVED_BYTES - missing)


def _write(descriptor: int, text: bytes, offset: int) -> None:
    """All of it, durably, or OSError."""
    if os.pwrite(descriptor, text, offset) < len(text):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(descriptor)
