"""User data: the engine's events about an account, on every connection that subscribed to it (user-data-stream.md)."""

from collections import defaultdict

import orjson

from exchange_simulator.engine.account import Account
from exchange_simulator.engine.events import BalanceChanged, BalanceDelta, Event, ListUpdate, OrderUpdate
from exchange_simulator.server.connection import Connection
from exchange_simulator.server.wire import events as wire

Sink = tuple[Connection, int]
"""A connection and the number of its subscription."""


class UserFeed:
    """Who listens to which account."""

    def __init__(self) -> None:
        self._sinks: dict[str, list[Sink]] = defaultdict(list)

    def add(self, account: Account, connection: Connection, number: int) -> None:
        """Send an account's events to a connection from now on."""
        self._sinks[account.name].append((connection, number))

    def remove(self, connection: Connection, number: int) -> None:
        """Stop sending to a subscription; one that has ended already is passed over."""
        for name, sinks in tuple(self._sinks.items()):
            left = [sink for sink in sinks if sink != (connection, number)]
            if left:
                self._sinks[name] = left
            else:
                del self._sinks[name]

    def of(self, connection: Connection) -> dict[int, str]:
        """Return the subscriptions of a connection: their numbers, and the accounts' names."""
        return {number: name for name, sinks in self._sinks.items() for held, number in sinks if held is connection}

    @property
    def subscriptions(self) -> int:
        """How many subscriptions there are."""
        return sum(len(sinks) for sinks in self._sinks.values())

    def on_event(self, event: Event) -> None:
        """Pass an event of the engine on to those who asked for its account."""
        if not self._sinks or not isinstance(event, OrderUpdate | BalanceChanged | BalanceDelta | ListUpdate):
            return
        sinks = self._sinks.get(event.account)
        if sinks:
            self._send(sinks, wire.user(event))

    def terminate(self, now_ms: int) -> None:
        """End every user data stream with `eventStreamTerminated`."""
        for sinks in list(self._sinks.values()):
            self._send(sinks, {"e": "eventStreamTerminated", "E": now_ms})
        self._sinks.clear()

    @staticmethod
    def _send(sinks: list[Sink], event: dict[str, object]) -> None:
        body = orjson.dumps(event)
        name, symbol = str(event["e"]), str(event.get("s", ""))
        for connection, number in tuple(sinks):
            connection.push(name, symbol, b'{"subscriptionId":%d,"event":%s}' % (number, body))
