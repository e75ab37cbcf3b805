"""A symbol and its trading rules (rest-api.md "Exchange information", filters.md). Amounts are units of 1e-8."""

from dataclasses import dataclass
from enum import StrEnum

from exchange_simulator.engine.numbers import SCALE
from exchange_simulator.engine.orders import OrderType, StpMode


class SymbolStatus(StrEnum):
    """Whether a symbol trades (enums.md, "Symbol status")."""

    TRADING = "TRADING"
    END_OF_DAY = "END_OF_DAY"
    HALT = "HALT"
    BREAK = "BREAK"
    CANCEL_ONLY = "CANCEL_ONLY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """What may be traded and how. A limit of 0 is switched off, except `tick_size`, `step_size` and `min_qty`.

    Multipliers and trailing deltas: multipliers are units of 1e-8 (5 is 5 * SCALE), deltas are basis points.
    `max_notional_on_market` and `min_notional_on_market` are applyMaxToMarket and applyMinToMarket of NOTIONAL; a
    market order is valued at the last price (`average_price_minutes` 0).

    Raises:
        ValueError: tick and step do not give whole quote amounts.
    """

    symbol: str
    base: str
    quote: str
    tick_size: int
    step_size: int
    min_price: int
    max_price: int
    min_qty: int
    max_qty: int
    market_min_qty: int = 0
    market_max_qty: int = 0
    market_step_size: int = 0
    min_notional: int = 0
    max_notional: int = 0
    min_notional_on_market: bool = True
    max_notional_on_market: bool = False
    average_price_minutes: int = 0
    bid_multiplier_up: int = 5 * SCALE
    bid_multiplier_down: int = SCALE // 5
    ask_multiplier_up: int = 5 * SCALE
    ask_multiplier_down: int = SCALE // 5
    max_orders: int = 200
    max_algo_orders: int = 5
    max_position: int = 0
    min_trailing_above: int = 10
    max_trailing_above: int = 2_000
    min_trailing_below: int = 10
    max_trailing_below: int = 2_000
    status: SymbolStatus = SymbolStatus.TRADING
    order_types: frozenset[OrderType] = frozenset(OrderType)
    quote_quantity_allowed: bool = True
    oco_allowed: bool = True
    trailing_allowed: bool = True
    cancel_replace_allowed: bool = True
    iceberg_allowed: bool = False
    default_stp_mode: StpMode = StpMode.EXPIRE_MAKER

    def __post_init__(self) -> None:
        if self.tick_size <= 0 or self.step_size <= 0 or self.tick_size * self.step_size % SCALE:
            raise ValueError(
                f"{self.symbol}: tick {self.tick_size} and step {self.step_size} (units of 1e-8) do not give "
                f"whole quote amounts: choose them so that tick * step is a positive multiple of {SCALE}"
            )


def spot_instrument(
    base: str,
    quote: str,
    *,
    tick: int = SCALE // 100,
    step: int = SCALE // 100_000,
    min_notional: int = 5 * SCALE,
    max_quantity: int = 9_000 * SCALE,
) -> Instrument:
    """Return an instrument with rules like those of Binance's large spot pairs.

    Args:
        base: The asset that is bought and sold.
        quote: The asset it is paid in.
        tick: Smallest price difference, units of 1e-8.
        step: Smallest quantity difference, also the smallest quantity, units of 1e-8.
        min_notional: Smallest value of an order in the quote asset, units of 1e-8.
        max_quantity: Largest quantity of a limit order; a market order may have a fiftieth of it.
    """
    return Instrument(
        symbol=base + quote,
        base=base,
        quote=quote,
        tick_size=tick,
        step_size=step,
        min_price=tick,
        max_price=1_000_000 * SCALE // tick * tick,
        min_qty=step,
        max_qty=max_quantity // step * step,
        market_max_qty=max(step, max_quantity // 50 // step * step),
        min_notional=min_notional,
        max_notional=9_000_000 * SCALE,
    )
