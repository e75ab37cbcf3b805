"""Accounts: keys, balances, commission rates, and the account's own orders and fills."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from exchange_simulator.engine.orders import Fill, Order, OrderList

HOUSE = "house"
"""Name of the account that provides the market: unbounded, free of charge, without history."""


class KeyKind(StrEnum):
    """How a key signs."""

    HMAC = "HMAC"
    ED25519 = "ED25519"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of an account. `secret` is the shared secret, or the PEM public key of an Ed25519 key."""

    key: str
    kind: KeyKind
    secret: str
    can_trade: bool = True
    can_withdraw: bool = False


@dataclass(slots=True)
class Balance:
    """What an account holds of an asset, units of 1e-8. `outside` is the part of `locked` that no order holds."""

    free: int = 0
    locked: int = 0
    outside: int = 0


@dataclass(slots=True, eq=False)
class Account:
    """One customer of the exchange, or the house.

    Attributes:
        name: Identifies the account in events and in the journal.
        keys: API keys that act for it.
        balances: By asset.
        uid: Number shown to clients.
        maker_bp: Commission of resting orders in basis points of the traded amount.
        taker_bp: Commission of orders that take.
        pay_in_bnb: Whether BNB pays the commission, at a discount, as long as there is enough of it.
        orders: Every order by symbol, then by id, oldest first.
        open: Open orders by symbol, then by id.
        by_client_id: The newest order of each (symbol, client id).
        fills: By symbol, oldest first.
        lists: Order lists by id.
        update_us: When balances last changed.
    """

    name: str
    keys: Sequence[ApiKey] = ()
    balances: dict[str, Balance] = field(default_factory=dict)
    uid: int = 0
    maker_bp: int = 10
    taker_bp: int = 10
    pay_in_bnb: bool = False
    can_trade: bool = True
    orders: dict[str, dict[int, Order]] = field(default_factory=dict)
    open: dict[str, dict[int, Order]] = field(default_factory=dict)
    by_client_id: dict[tuple[str, str], Order] = field(default_factory=dict)
    fills: dict[str, list[Fill]] = field(default_factory=dict)
    lists: dict[int, OrderList] = field(default_factory=dict)
    update_us: int = 0
    is_house: bool = False

    def balance(self, asset: str) -> Balance:
        """Return the balance of an asset, an empty one when the account never had any."""
        held = self.balances.get(asset)
        if held is None:
            held = self.balances[asset] = Balance()
        return held
