"""What an exchange is started with: the same options from the command line and from Python."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_KEY = "simulated-key"
DEFAULT_SECRET = "simulated-secret"  # noqa: S105 - a key of a simulated exchange opens nothing
DEFAULT_BALANCES: Mapping[str, str] = {"USDT": "100000", "BTC": "2", "ETH": "20", "BNB": "10"}


@dataclass(frozen=True, slots=True)
class ExchangeOptions:
    """Everything that decides what an exchange does.

    Attributes:
        symbols: Markets in the form BASE/QUOTE.
        speed: Virtual seconds per real second; 0 for a clock that is stepped by hand.
        seed: Seed of prices, of the house and of fault draws.
        start: First instant, ISO 8601 or `now` (at speed 1 a client's clock then agrees); empty for the present,
            or with files to replay for their first instant.
        keys: API keys with their secrets, or with a PEM public key of Ed25519; each is an account of its own.
        balances: What each account starts with, by asset, as decimal text.
        replay: Candle or trade files to replay instead of synthetic prices, by symbol or for the symbols in order.
        spread_bp: Distance between best bid and ask in basis points.
        depth: Price levels the house quotes on each side.
        read_lag_ms: How far account reads are behind.
        answers_sapi: Whether the `/sapi/v1` calls of clients at start are answered.
        keys_may_withdraw: Whether the exchange says of its keys that they may withdraw.
        checks_timing: Whether timestamps are compared with the exchange's clock; None for only while that clock agrees
            with this machine's.
    """

    symbols: tuple[str, ...] = ("BTC/USDT", "ETH/USDT")
    speed: float = 1.0
    seed: int = 1
    start: str = ""
    keys: Mapping[str, str] = field(default_factory=lambda: {DEFAULT_KEY: DEFAULT_SECRET})
    balances: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULT_BALANCES))
    replay: tuple[Path, ...] = ()
    spread_bp: float = 1.0
    depth: int = 20
    read_lag_ms: int = 0
    answers_sapi: bool = True
    keys_may_withdraw: bool = False
    checks_timing: bool | None = None


class BadOptionError(ValueError):
    """An option that cannot be; the message is one sentence that says which and what to do."""
