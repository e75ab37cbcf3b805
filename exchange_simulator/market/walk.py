"""A random walk that can be asked for any hour without walking there: days, hours and slots, each inside the other.

Daily levels are drawn first and fast. The 24 hours of a day are a bridge between two daily levels, the slots of an
hour a bridge between two hourly ones; every block draws from a substream of its own, found by its number. Hence any
hour of any year costs the same, and is the same however it was reached.

The walk looks like a market: the daily volatility follows an autoregression, hours and minutes share the variance
unevenly (clusters), now and then a jump takes a large part of an hour's variance in one slot, and a slow drift makes
trends. Increments of a day have a variance of about one; whoever uses the walk scales it.
"""

import hashlib
import math
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from exchange_simulator.market.intervals import HOUR_US

Floats = NDArray[np.float64]

SLOT_US = 3_000_000
SLOTS_PER_HOUR = HOUR_US // SLOT_US
HOURS_PER_DAY = 24

_DAYS_PER_BLOCK = 512
_DRAWS_PER_BLOCK = 20  # as a power of two: the substreams of two blocks lie this far apart
_VOLATILITY_MEMORY, _VOLATILITY_NOISE = 0.92, 0.16
_VOLATILITY_VARIANCE = _VOLATILITY_NOISE**2 / (1 - _VOLATILITY_MEMORY**2)
_DRIFT_MEMORY, _DRIFT_NOISE = 0.97, 0.05
_PULL = 0.004  # of the level per day: keeps prices of many years within a few multiples of the first
_HOUR_CLUSTER, _TEN_MINUTE_CLUSTER, _TWO_MINUTE_CLUSTER = 0.45, 0.35, 0.25
_JUMPS_PER_HOUR, _JUMP_VARIANCE = 1 / 48, 0.6


class Streams:
    """Substreams of random numbers of one seed and name, addressed by level and block.

    Args:
        seed: the market's seed, not negative.
        name: what the numbers are for; every name has its own.
    """

    def __init__(self, seed: int, name: str) -> None:
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
        self._bits = np.random.PCG64(np.random.SeedSequence([seed, key]))
        self._origin = self._bits.state
        self._generator = np.random.Generator(self._bits)

    def at(self, level: int, block: int) -> np.random.Generator:
        """The generator, set to the beginning of a block; valid until the next call."""
        self._bits.state = self._origin
        self._bits.advance((level << 60) + (block << _DRAWS_PER_BLOCK))
        return self._generator


@dataclass(frozen=True, slots=True)
class Slots:
    """One hour of a walk. Both columns are (SLOTS_PER_HOUR,).

    Attributes:
        level: the walk at the end of each slot.
        sigma: standard deviation of each slot's increment; about 1/sqrt(28,800) on an ordinary day.
    """

    level: Floats
    sigma: Floats


class Walk:
    """The walk of one name. Level 0 at the beginning of `first_day`; nothing exists before it.

    Args:
        seed: the market's seed.
        name: which walk of the seed.
        first_day: number of the first day since the epoch.
    """

    def __init__(self, seed: int, name: str, first_day: int) -> None:
        self.first_day = first_day
        self._streams = Streams(seed, name)
        self._levels = [0.0]
        self._sigmas: list[float] = []
        self._volatility = self._drift = 0.0
        self.hours = lru_cache(maxsize=4)(self._hours)

    def slots(self, hour: int) -> Slots:
        """The slots of one hour, numbered since the epoch."""
        levels, sigmas, jumps = self.hours(hour // HOURS_PER_DAY)
        place = hour % HOURS_PER_DAY
        random = self._streams.at(2, hour)
        noise = random.standard_normal(SLOTS_PER_HOUR)
        share = _between(np.exp(2 * _minute_heights(random)), SLOTS_PER_HOUR)
        if jumps[place] >= 0:
            share[int(jumps[place] * SLOTS_PER_HOUR)] += _JUMP_VARIANCE * share.sum()
        share /= share.sum()
        sigma = sigmas[place] * np.sqrt(share)
        increments = _bridge(sigma * noise, share, levels[place + 1] - levels[place])
        return Slots(levels[place] + np.cumsum(increments), sigma)

    def _hours(self, day: int) -> tuple[Floats, Floats, Floats]:
        """(25,) levels, (24,) deviations and (24,) instants of jumps as a part of their hour, negative for none."""
        index = day - self.first_day
        if index < 0:
            raise ValueError(f"day {day} lies before the first day {self.first_day} of this walk")
        while len(self._sigmas) <= index:
            self._draw_days()
        random = self._streams.at(1, day)
        noise = random.standard_normal(HOURS_PER_DAY)
        noise[1:] += 0.25 * noise[:-1]  # an hour leans a little towards the one before: intraday trends
        share = np.exp(2 * _HOUR_CLUSTER * _between(random.standard_normal(9), HOURS_PER_DAY))
        jumping = random.random(HOURS_PER_DAY) < _JUMPS_PER_HOUR
        share *= 1 + _JUMP_VARIANCE * jumping
        share /= share.sum()
        sigma = self._sigmas[index] * np.sqrt(share)
        increments = _bridge(sigma * noise, share, self._levels[index + 1] - self._levels[index])
        levels = self._levels[index] + np.concatenate(([0.0], np.cumsum(increments)))
        return levels, sigma, np.where(jumping, random.random(HOURS_PER_DAY), -1.0)

    def _draw_days(self) -> None:
        noise = self._streams.at(0, len(self._sigmas)).standard_normal((_DAYS_PER_BLOCK, 3)).tolist()
        level = self._levels[-1]
        for step, of_volatility, of_drift in noise:
            self._volatility = _VOLATILITY_MEMORY * self._volatility + _VOLATILITY_NOISE * of_volatility
            self._drift = _DRIFT_MEMORY * self._drift + _DRIFT_NOISE * of_drift
            sigma = math.exp(self._volatility - _VOLATILITY_VARIANCE)
            level += sigma * (step + self._drift) - _PULL * level
            self._sigmas.append(sigma)
            self._levels.append(level)


def _bridge(noise: Floats, share: Floats, total: float) -> Floats:
    """Increments with the wanted sum: what is missing is spread in proportion to each increment's variance."""
    bridged: Floats = noise + share * (total - noise.sum())
    return bridged


def _minute_heights(random: np.random.Generator) -> Floats:
    """(31,) log volatility every two minutes of an hour: its own noise upon that of every ten minutes."""
    ten_minutes = _between(random.standard_normal(7), 31)
    heights: Floats = _TWO_MINUTE_CLUSTER * random.standard_normal(31) + _TEN_MINUTE_CLUSTER * ten_minutes
    return heights


def _between(heights: Floats, length: int) -> Floats:
    """(length,) values on straight lines between the heights."""
    values: Floats = np.interp(*_places(len(heights), length), heights)
    return values


@cache
def _places(heights: int, length: int) -> tuple[Floats, Floats]:
    """Where the values and where the heights stand, both counted in heights."""
    places = np.arange(length, dtype=np.float64) * ((heights - 1) / length)
    return places, np.arange(heights, dtype=np.float64)
