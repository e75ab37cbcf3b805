"""Accounts: keys, balances, commission rates, and the account's own orders and fills."""

from dataclasses import dataclass, field
from enum import StrEnum

from exchange_simulator.engine.numbers import SCALE
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
    secret: str
    kind: KeyKind = KeyKind.HMAC
    can_trade: bool = True
    can_withdraw: bool = False


@dataclass(slots=True)
class Balance:
    """What an account holds of an asset, units of 1e-8. `outside` is the part of `locked` that no order holds."""

    free: int = 0
    locked: int = 0
    outside: int = 0


@dataclass(frozen=True, slots=True)
class Commission:
    """Commission rates, units of 1e-8 of the traded amount (faqs/commission_faq.md).

    Attributes:
        maker: Rate of the resting side.
        taker: Rate of the other.
        pays_in_bnb: Whether BNB pays, as long as there is enough of it.
        bnb_rate: What of the fee remains when BNB pays.
    """

    maker: int = SCALE // 1_000
    taker: int = SCALE // 1_000
    pays_in_bnb: bool = False
    bnb_rate: int = SCALE * 3 // 4


@dataclass(slots=True, eq=False)
class Account:
    """One customer of the exchange, or the house.

    Attributes:
        name: Identifies the account in events and in the journal.
        keys: API keys that act for it.
        uid: Number shown to clients.
        balances: By asset.
        orders: Every order by symbol, then by id, oldest first.
        open: Open orders by symbol, then by id.
        by_client_id: The newest order of each (symbol, client id).
        fills: By symbol, oldest first.
        lists: Order lists by id.
        update_us: When balances last changed.
    """

    name: str
    keys: tuple[ApiKey, ...] = ()
    uid: int = 0
    commission: Commission = field(default_factory=Commission)
    can_trade: bool = True
    balances: dict[str, Balance] = field(default_factory=dict)
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
