"""Changes of a book between two beats of a depth stream, with the update ids that let a client notice a gap."""

from exchange_simulator.engine.events import BookChanged
from exchange_simulator.server.wire import market as wire


class DepthChanges:
    """Collects the newest quantity of every price level that changed since the last `take`."""

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol
        self._first_id: int | None = None
        self._last_id = 0
        self._bids: dict[int, int] = {}
        self._asks: dict[int, int] = {}

    def add(self, event: BookChanged) -> None:
        """Take the levels of one change."""
        if self._first_id is None:
            self._first_id = event.first_update_id
        self._last_id = event.last_update_id
        self._bids.update(event.bids)
        self._asks.update(event.asks)

    def take(self, now_ms: int) -> dict[str, object] | None:
        """Return the `depthUpdate` event since the last call, or None when nothing changed."""
        if self._first_id is None:
            return None
        event: dict[str, object] = {
            "e": "depthUpdate",
            "E": now_ms,
            "s": self._symbol,
            "U": self._first_id,
            "u": self._last_id,
            "b": wire.levels(sorted(self._bids.items(), reverse=True)),
            "a": wire.levels(sorted(self._asks.items())),
        }
        self._first_id, self._bids, self._asks = None, {}, {}
        return event
