"""Seeded synthetic prices: several correlated symbols, each a scaled sum of a shared walk and one of its own.

log price = log(first price) + volatility * (sqrt(correlation) * shared + sqrt(1 - correlation) * own), so that the
returns of two symbols correlate at about `correlation`. The present and the past are the same function of time:
asking for history is reading the tape further to the left.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from exchange_simulator.market.intervals import DAY_US, HOUR_US
from exchange_simulator.market.tape import Grid, Ints, Tape
from exchange_simulator.market.walk import SLOT_US, SLOTS_PER_HOUR, Floats, Streams, Walk

_FLOW_LEVEL = 3
_SIZES = 1024  # quantiles in the table of print sizes
_LEAN = 0.3  # how much likelier than not the taker follows the price
_SLOTS_PER_DAY = DAY_US // SLOT_US


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticSymbol:
    """How one synthetic symbol behaves.

    Attributes:
        name: symbol, for example BTCUSDT; it also names the random numbers.
        grid: tick and step of the instrument.
        price: price at the start of the exchange, in quote units.
        daily_volatility: standard deviation of the log return of an ordinary day.
        spread_bp: distance of bid and ask, in basis points of the first price; at least a tick.
        daily_turnover: traded per ordinary day, in quote units.
    """

    name: str
    grid: Grid
    price: float
    daily_volatility: float = 0.04
    spread_bp: float = 1.0
    daily_turnover: float = 5e7

    def __post_init__(self) -> None:
        for field in ("price", "daily_volatility", "daily_turnover"):
            value = getattr(self, field)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{self.name}: {field} is {value}, give a positive number")
        if not (math.isfinite(self.spread_bp) and self.spread_bp >= 0):
            raise ValueError(f"{self.name}: spread_bp is {self.spread_bp}, give basis points, 0 for one tick")


class SyntheticMarket:
    """The common part of all synthetic symbols of a seed.

    Args:
        seed: decides every number, not negative.
        start_us: instant at which each symbol has its configured price.
        correlation: of the symbols' returns, from 0 to 1.
        history_days: days before the start from which on there are prices. The whole day counts.
    """

    def __init__(self, seed: int, start_us: int, *, correlation: float = 0.6, history_days: int = 1500) -> None:
        if seed < 0:
            raise ValueError(f"the seed is {seed}: give a whole number from 0 on")
        if not 0 <= correlation <= 1:
            raise ValueError(f"the correlation is {correlation}: give a number from 0 to 1")
        self.seed = seed
        self.start_us = start_us
        self.correlation = correlation
        self.first_day = max(start_us // DAY_US - history_days, 0)
        self._shared = Walk(seed, "shared", self.first_day)
        self.shared_slots = lru_cache(maxsize=4)(self._shared.slots)

    def source(self, symbol: SyntheticSymbol) -> "SyntheticSource":
        """The prices of one symbol."""
        return SyntheticSource(self, symbol)


class SyntheticSource:
    """Tape of one synthetic symbol: one print in each slot of three seconds. A `PriceSource`."""

    def __init__(self, market: SyntheticMarket, symbol: SyntheticSymbol) -> None:
        self.symbol = symbol
        self.grid = symbol.grid
        self.first_us = market.first_day * DAY_US
        self._market = market
        self._own = Walk(market.seed, f"own {symbol.name}", market.first_day)
        self._flow = Streams(market.seed, f"flow {symbol.name}")
        first_ticks = symbol.price * 1e8 / symbol.grid.tick
        self._spread = symbol.grid.spread(symbol.spread_bp, round(first_ticks))
        mean = symbol.daily_turnover / symbol.price * 1e8 / symbol.grid.step / _SLOTS_PER_DAY
        self.typical_quantity = max(1, round(mean))
        self._sizes = np.maximum(1, np.rint(mean * _size_quantiles())).astype(np.int64)
        self._offset = 0.0
        self._offset = math.log(first_ticks) - self._log_ticks_at(market.start_us)

    def tape(self, from_us: int, to_us: int) -> Tape:
        """All prints with from_us <= time < to_us."""
        from_us = max(from_us, self.first_us)
        hours = range(from_us // HOUR_US, -(-to_us // HOUR_US))
        return Tape.joined([self._hour(hour) for hour in hours]).between(from_us, to_us)

    def holes(self, from_us: int, to_us: int) -> list[tuple[int, int]]:  # noqa: ARG002 - the port's signature
        """None: this market is never down by itself."""
        return []

    def _hour(self, hour: int) -> Tape:
        log_ticks, activity, lean = self._path(hour)
        raw = self._flow.at(_FLOW_LEVEL, hour).bit_generator.random_raw(SLOTS_PER_HOUR)
        begins = hour * HOUR_US + SLOT_US * np.arange(SLOTS_PER_HOUR)
        time_us = begins + ((raw & 0xFFFFF) * SLOT_US >> 20).astype(np.int64)
        buyer = ((raw >> 20) & 0xFFFF) < (0.5 + _LEAN * lean) * 0x10000
        sizes = self._sizes[(raw >> 40) & (_SIZES - 1)]
        ask = np.rint(np.exp(log_ticks) + self._spread / 2).astype(np.int64)
        np.maximum(ask, 2 * self._spread + 1, out=ask)
        return Tape(time_us, ask - self._spread * ~buyer, _scaled(sizes, activity), buyer)

    def _path(self, hour: int) -> tuple[Floats, Floats, Floats]:
        """Log price in ticks, activity (1 is ordinary) and which way the price went (-1 to 1), per slot of an hour."""
        shared, own = self._market.shared_slots(hour), self._own.slots(hour)
        together = self._mixed(shared.level, own.level)
        sigma = np.sqrt(self._market.correlation * shared.sigma**2 + (1 - self._market.correlation) * own.sigma**2)
        step = np.diff(together, prepend=together[0])
        log_ticks = self._offset + self.symbol.daily_volatility * together
        return log_ticks, sigma * math.sqrt(_SLOTS_PER_DAY), np.clip(step / sigma, -1.0, 1.0)

    def _mixed(self, shared: Floats, own: Floats) -> Floats:
        correlation = self._market.correlation
        return math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * own

    def _log_ticks_at(self, instant_us: int) -> float:
        log_ticks, _, _ = self._path(instant_us // HOUR_US)
        return float(log_ticks[instant_us % HOUR_US // SLOT_US])


def _size_quantiles() -> Floats:
    """Relative print sizes: quantiles of an exponential distribution, scaled to a mean of one."""
    middles = (np.arange(_SIZES) + 0.5) / _SIZES
    sizes = -np.log1p(-middles)
    relative: Floats = sizes / sizes.mean()
    return relative


def _scaled(sizes: Ints, activity: Floats) -> Ints:
    return np.maximum(1, np.rint(sizes * activity)).astype(np.int64)
