"""What the bot believes, from its database, and what it did, from the traces of its lives."""

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Final, Self

from app.chaos.bareness import Arm, Noted

UNRESOLVED: Final = frozenset({"created", "submitted", "unknown"})
RESTING: Final = frozenset({"open", "partially_filled"})
CLOCK_CODE: Final = "-1021"  # refused before the engine because of the clock: the one order that may be sent again


@dataclass(frozen=True, slots=True)
class Booked:
    """A trade in the ledger; the fields are those of `truth.Execution`."""

    trade_id: str
    client_id: str
    side: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str


@dataclass(slots=True)
class Books:
    """The bot's ledger.

    Attributes:
        integrity: What the database says of itself: `ok`.
        statuses: Of every order, by client id.
        trades: All booked trades.
        position: Base units that it thinks are its own.
        written_off: Base units that it gave up.
    """

    integrity: str
    statuses: dict[str, str] = field(default_factory=dict)
    trades: list[Booked] = field(default_factory=list)
    position: Decimal = Decimal(0)
    written_off: Decimal = Decimal(0)

    @classmethod
    def read(cls, path: Path) -> Self:
        """From the database file, which nobody has open."""
        with closing(sqlite3.connect(path)) as connection:
            ask = connection.execute
            books = cls(str(ask("PRAGMA integrity_check").fetchone()[0]))
            books.statuses = dict(ask("SELECT id, status FROM orders"))
            rows = ask("SELECT trade_id, order_id, side, price, quantity, fee, fee_asset FROM trades ORDER BY id")
            books.trades = [_booked(row) for row in rows]
            for bought, sold in ask("SELECT total_buys, total_sells FROM holdings"):
                books.position += Decimal(bought) - Decimal(sold)
            books.written_off = sum((Decimal(row[0]) for row in ask("SELECT quantity FROM adjustments")), Decimal(0))
        return books


@dataclass(slots=True)
class Trace:
    """What one life of the bot did.

    Attributes:
        points: Labels of the points that it passed, in order.
        end: Label of the point at which it was killed; None when it was not killed at a point.
        sent: Client ids of the orders that left, once for each time.
        unwritten: Client ids that left although no order had been written down since the last one left.
        cycles: What was noted of its own stop in its cycles.
    """

    points: list[str] = field(default_factory=list)
    end: str | None = None
    sent: Counter[str] = field(default_factory=Counter)
    unwritten: list[str] = field(default_factory=list)
    cycles: list[Noted] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Self:
        """From its file; an order that was refused because of the clock counts as not sent."""
        trace = cls()
        is_written = False
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            kind, *words = line.split("\t")
            if kind == "point":
                trace.points.append(words[1])
                is_written |= words[1].startswith("commit") and "insert orders" in words[1]
            elif kind == "cycle":
                trace.cycles.append(Noted(int(words[0]), Arm(words[1])))
            elif kind == "end":
                trace.end = words[0]
            elif kind == "sent":
                for client_id in words:
                    trace.sent[client_id] += 1
                    if not is_written and trace.sent[client_id] == 1:
                        trace.unwritten.append(client_id)
                is_written = False
            elif kind == "answer" and f'"code":{CLOCK_CODE}' in words[2].replace(" ", ""):
                trace.sent[words[0]] -= 1
                is_written = True
        return trace


def _booked(row: tuple[str, ...]) -> Booked:
    trade_id, client_id, side, price, quantity, fee, fee_asset = row
    return Booked(trade_id, client_id, side, Decimal(price), Decimal(quantity), Decimal(fee), fee_asset)
