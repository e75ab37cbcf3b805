"""What really happened at the exchange, from its journal, and nothing that the bot has touched."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

SCALE: Final = Decimal(10) ** 8
STOPS: Final = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT"})
OPEN: Final = frozenset({"NEW", "PARTIALLY_FILLED"})


@dataclass(frozen=True, slots=True)
class Execution:
    """One side of a trade that belongs to the account.

    Attributes:
        trade_id: The exchange's.
        client_id: Of the order.
        side: buy or sell.
        price: Quote per base.
        quantity: Base units.
        fee: In units of `fee_asset`.
        fee_asset: Such as BTC.
        at_ms: When, ms UTC.
    """

    trade_id: str
    client_id: str
    side: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    at_ms: int

    def base_change(self, base: str) -> Decimal:
        """By how much it changes the holding of the base asset, after the fee."""
        fee = self.fee if self.fee_asset == base else Decimal(0)
        return (self.quantity if self.side == "buy" else -self.quantity) - fee


@dataclass(slots=True)
class Truth:
    """The account as the exchange has it. Feed it the journal in pieces, in order.

    Attributes:
        external: What came into the account, and left it, without a trade, by asset.
        orders: Last state of every order of the account, by the exchange's id.
        executions: Trades of the account, oldest first.
        strikes: How often each kind of fault has struck.
        seq: Number of the last line that was read.
        doubled: Client ids of stop orders that waited at the same time.
        stops: From when on, ms UTC, how many stop orders waited.
    """

    account: str
    external: dict[str, Decimal] = field(default_factory=dict)
    orders: dict[int, dict[str, Any]] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    strikes: dict[str, int] = field(default_factory=dict)
    seq: int = 0
    doubled: list[str] = field(default_factory=list)
    stops: list[tuple[int, int]] = field(default_factory=list)
    _trades: list[Mapping[str, Any]] = field(default_factory=list)

    def read(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Take in further lines of the journal."""
        for line in lines:
            self.seq, data = line["seq"], line["data"]
            if line["kind"] == "balance_delta" and data["account"] == self.account:
                asset = data["asset"]
                self.external[asset] = self.external.get(asset, Decimal(0)) + data["delta"] / SCALE
            elif line["kind"] == "order" and data["account"] == self.account:
                self.orders[data["id"]] = data
                self._count_stops(line["time_us"] // 1_000)
            elif line["kind"] == "trade":
                self._trades.append({**data, "at_ms": line["time_us"] // 1_000})
            elif line["kind"] == "fault":
                self.strikes[data["fault"]] = self.strikes.get(data["fault"], 0) + 1
        waiting, self._trades = self._trades, []
        for trade in waiting:  # an order's line comes after those of its trades, perhaps in the next piece
            if all(side["account"] != self.account or side["order"] in self.orders for side in _sides(trade)):
                self.executions += self._of_account(trade)
            else:
                self._trades.append(trade)

    def open_stops(self) -> list[Mapping[str, Any]]:
        """Stop orders of the account that wait, or rest at their limit."""
        return [one for one in self.orders.values() if one["type"] in STOPS and one["status"] in OPEN]

    def _count_stops(self, at_ms: int) -> None:
        waiting = self.open_stops()
        if not self.stops or self.stops[-1][1] != len(waiting):
            self.stops.append((at_ms, len(waiting)))
        if len(waiting) > 1:
            self.doubled.append(" and ".join(one["client_id"] for one in waiting))

    def client_ids(self) -> list[str]:
        """Of all orders, one for each order."""
        return [order["client_id"] for order in self.orders.values()]

    def open_client_ids(self) -> set[str]:
        """Of the orders that rest in the book."""
        return {order["client_id"] for order in self.orders.values() if order["status"] in OPEN}

    def _of_account(self, trade: Mapping[str, Any]) -> Iterator[Execution]:
        for side in _sides(trade):
            if side["account"] == self.account:
                yield Execution(
                    trade_id=str(trade["id"]),
                    client_id=self.orders[side["order"]]["client_id"],
                    side=side["side"].lower(),
                    price=trade["price"] / SCALE,
                    quantity=trade["quantity"] / SCALE,
                    fee=side["commission"] / SCALE,
                    fee_asset=side["asset"],
                    at_ms=trade["at_ms"],
                )


def _sides(trade: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    return trade["taker"], trade["maker"]
