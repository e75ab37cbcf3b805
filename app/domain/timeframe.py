"""Candle lengths: `1m`, `4h`, `1d`. A candle covers [open time, open time + length)."""

from dataclasses import dataclass
from typing import Final, Self

from app.domain.errors import ConfigError

_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
SUPPORTED: Final = ("1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w")
# Binance's weeks begin on Monday, the epoch on a Thursday: https://developers.binance.com/docs/binance-spot-api-docs
_WEEK_OFFSET_MS: Final = 4 * _MS["d"]


@dataclass(frozen=True, slots=True)
class Timeframe:
    """The length of a candle.

    Attributes:
        name: As exchanges and ccxt write it, one of `SUPPORTED`.
        ms: Length in milliseconds.
    """

    name: str
    ms: int

    @classmethod
    def parse(cls, name: str) -> Self:
        """Read a timeframe such as `1m`; raises ConfigError that lists what is known."""
        if name not in SUPPORTED:
            raise ConfigError(f"timeframe {name!r} is not known: use one of {', '.join(SUPPORTED)}")
        return cls(name, int(name[:-1]) * _MS[name[-1]])

    def open_of(self, at_ms: int) -> int:
        """Open time (ms UTC) of the candle that contains the instant `at_ms`."""
        offset = _WEEK_OFFSET_MS if self.name.endswith("w") else 0
        return at_ms - (at_ms - offset) % self.ms

    def last_closed_open(self, now_ms: int) -> int:
        """Open time (ms UTC) of the newest candle that is closed at `now_ms`."""
        return self.open_of(now_ms) - self.ms

    def next_close(self, now_ms: int) -> int:
        """The first instant after `now_ms` at which a candle closes, in ms UTC."""
        return self.open_of(now_ms) + self.ms

    def __str__(self) -> str:
        return self.name
