"""The journal: every request, order, fill and balance change as one line of canonical JSON, appended and never changed.

The digest chains the lines: two exchanges with the same digest have lived through the same, to the byte.
"""

import hashlib
import json
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

import orjson

from exchange_simulator.engine.events import (
    BalanceDelta,
    Event,
    InstrumentChanged,
    ListUpdate,
    OrderUpdate,
    TradePrinted,
)

KEPT_LINES = 100_000
_NO_DIGEST = "0" * 64


class Journal:
    """An append-only record.

    Args:
        now_us: The clock that stamps lines.
        keep: How many of the newest lines stay in memory.
        path: File that gets every line at once, appended; None for none.
    """

    def __init__(self, now_us: Callable[[], int], *, keep: int = KEPT_LINES, path: Path | None = None) -> None:
        self._now_us = now_us
        self._lines: deque[bytes] = deque(maxlen=keep)
        self._file = None if path is None else path.open("ab", buffering=0)
        self.seq = 0
        self.digest = _NO_DIGEST

    def record(self, kind: str, data: Mapping[str, object]) -> None:
        """Append one line: `seq`, `time_us`, `kind` and `data`."""
        self.seq += 1
        entry = {"seq": self.seq, "time_us": self._now_us(), "kind": kind, "data": data}
        line = _line(entry)
        self._lines.append(line)
        self.digest = hashlib.sha256(self.digest.encode() + line).hexdigest()
        if self._file is not None:
            self._file.write(line + b"\n")

    def since(self, seq: int) -> list[bytes]:
        """Return the lines after line number `seq` that are still in memory, oldest first."""
        first = self.seq - len(self._lines)
        return [line for number, line in enumerate(self._lines, first + 1) if number > seq]

    def on_event(self, event: Event) -> None:
        """Record what an event says. Levels and absolute balances follow from the rest and are left out."""
        match event:
            case OrderUpdate():
                self.record("order", _order(event))
            case TradePrinted():
                self.record("trade", _trade(event))
            case BalanceDelta(account, asset, delta, _, is_lock):
                kind = "external_lock" if is_lock else "balance_delta"
                self.record(kind, {"account": account, "asset": asset, "delta": delta})
            case ListUpdate(account, order_list, _, _):
                data = {"account": account, "list": order_list.list_id, "status": order_list.order_status}
                self.record("list", data | {"orders": [order.order_id for order in order_list.orders]})
            case InstrumentChanged(symbol, instrument, _):
                self.record("instrument", {"symbol": symbol, "status": instrument.status if instrument else None})
            case _:
                pass

    def state(self) -> dict[str, object]:
        """Return what `resume` needs."""
        return {"seq": self.seq, "digest": self.digest}

    def resume(self, state: Mapping[str, object]) -> None:
        """Go on after a saved journal: numbers and digest continue, older lines stay where they were written."""
        self.seq, self.digest = int(str(state["seq"])), str(state["digest"])
        self._lines.clear()

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file is not None:
            self._file.close()


def _line(entry: Mapping[str, object]) -> bytes:
    """Return canonical JSON in a buffer of its own size: orjson's keeps kilobytes for a line of hundreds of bytes."""
    try:
        return bytes(memoryview(orjson.dumps(entry, option=orjson.OPT_SORT_KEYS)))
    except TypeError:  # an amount beyond 64 bits; the standard library knows no such bound
        return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _order(event: OrderUpdate) -> dict[str, object]:
    order = event.order
    return {
        "account": event.account,
        "symbol": order.symbol,
        "id": order.order_id,
        "client_id": order.client_id,
        "execution": event.execution,
        "status": order.status,
        "side": order.side,
        "type": order.type,
        "price": order.price,
        "stop_price": order.stop_price,
        "quantity": order.quantity,
        "executed": order.executed,
        "executed_quote": order.executed_quote,
        "prevented": order.prevented,
        "locked": order.locked,
        "reject": event.reject,
    }


def _trade(event: TradePrinted) -> dict[str, object]:
    trade = event.trade
    sides = [
        {
            "account": fill.account,
            "order": fill.order_id,
            "side": fill.side,
            "commission": fill.commission,
            "asset": fill.commission_asset,
        }
        for fill in (event.taker, event.maker)
    ]
    return {
        "symbol": trade.symbol,
        "id": trade.trade_id,
        "price": trade.price,
        "quantity": trade.quantity,
        "quote": trade.quote,
        "taker": sides[0],
        "maker": sides[1],
    }
