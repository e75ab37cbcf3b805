"""What a market is made of: the values that, with the seed, decide every price. A plan can be saved as plain values."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from exchange_simulator.engine.numbers import SCALE
from exchange_simulator.market.house import HouseSettings
from exchange_simulator.market.replay import replay_of
from exchange_simulator.market.synthetic import SyntheticMarket, SyntheticSymbol
from exchange_simulator.market.tape import Grid, PriceSource

_PRICES = {  # in US dollars, of the order of what they were; an asset that is not listed costs ten
    "BTC": 60_000.0, "ETH": 3_000.0, "BNB": 600.0, "SOL": 150.0, "LTC": 80.0, "AVAX": 30.0, "LINK": 15.0, "DOT": 6.0,
    "XRP": 0.6, "ADA": 0.45, "TRX": 0.15, "DOGE": 0.12, "SHIB": 0.00002, "PEPE": 0.00001, "EUR": 1.1,
    "USDT": 1.0, "USDC": 1.0, "FDUSD": 1.0, "BUSD": 1.0, "TUSD": 1.0, "USD": 1.0,
}  # fmt: skip
_OTHER_PRICE = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolPlan:
    """One symbol of the market.

    Attributes:
        symbol: name, for example BTCUSDT.
        grid: tick and step of its instrument.
        price: synthetic price at the start, in quote units.
        daily_volatility: see `SyntheticSymbol`.
        daily_turnover: see `SyntheticSymbol`.
        files: candle or trade files to replay instead of synthetic prices.
        nearest: round values of the files to the grid instead of refusing them.
    """

    symbol: str
    grid: Grid
    price: float = _OTHER_PRICE
    daily_volatility: float = 0.04
    daily_turnover: float = 5e7
    files: tuple[str, ...] = ()
    nearest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketPlan:
    """The whole market.

    Attributes:
        start_us: first instant of the exchange, microseconds since the epoch.
        seed: decides every synthetic price.
        symbols: what is traded.
        correlation: of synthetic returns.
        history_days: length of the synthetic past.
        spread_bp: distance of bid and ask in basis points of the first price, at least a tick.
        house: how the house quotes.
    """

    start_us: int
    seed: int
    symbols: tuple[SymbolPlan, ...]
    correlation: float = 0.6
    history_days: int = 1500
    spread_bp: float = 1.0
    house: HouseSettings = field(default_factory=HouseSettings)

    def sources(self) -> dict[str, PriceSource]:
        """The prices of each symbol.

        Raises:
            ValueError: a setting is out of range, or a file cannot be replayed.
        """
        shared = SyntheticMarket(self.seed, self.start_us, correlation=self.correlation, history_days=self.history_days)
        return {plan.symbol: self._source(plan, shared) for plan in self.symbols}

    def as_values(self) -> dict[str, Any]:
        """The plan as plain values, for saving."""
        return asdict(self)

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """The plan that was saved."""
        symbols = tuple(
            SymbolPlan(**{**symbol, "grid": Grid(**symbol["grid"]), "files": tuple(symbol["files"])})
            for symbol in values["symbols"]
        )
        return cls(**{**values, "symbols": symbols, "house": HouseSettings(**values["house"])})

    def _source(self, plan: SymbolPlan, shared: SyntheticMarket) -> PriceSource:
        if plan.files:
            return replay_of([Path(name) for name in plan.files], plan.grid, nearest=plan.nearest)
        return shared.source(
            SyntheticSymbol(
                name=plan.symbol,
                grid=plan.grid,
                price=plan.price,
                daily_volatility=plan.daily_volatility,
                spread_bp=self.spread_bp,
                daily_turnover=plan.daily_turnover,
            )
        )


def usual_symbol(base: str, quote: str, files: Sequence[Path] = ()) -> SymbolPlan:
    """The plan of a symbol with nothing chosen: its usual price and grid, or the grid that its files lie on.

    Raises:
        ValueError: a file cannot be replayed.
    """
    price = usual_price(base, quote)
    if not files:
        return SymbolPlan(symbol=base + quote, grid=usual_grid(price), price=price)
    return SymbolPlan(symbol=base + quote, grid=replay_of(files).grid, files=tuple(str(path) for path in files))


def usual_price(base: str, quote: str) -> float:
    """A plausible price of `base` in `quote`, to start a synthetic symbol with."""
    return _PRICES.get(base, _OTHER_PRICE) / _PRICES.get(quote, _OTHER_PRICE)


def usual_grid(price: float) -> Grid:
    """Tick and step as Binance chooses them for a price: about five digits, and a step worth less than a dollar."""
    magnitude = math.floor(math.log10(price))
    tick = 10 ** min(max(magnitude - 4 + 8, 0), 6)
    step = 10 ** min(max(8 - magnitude - 1, 0), 8)
    while tick * step % SCALE:
        step *= 10
    return Grid(tick, step)
