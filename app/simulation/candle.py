"""What one candle does to orders: the fill rule of paper trading and backtest, on the pessimistic side.

Nobody knows the path of the price inside a candle, so the order of events is stated:

1. A candle without volume fills nothing; what rests goes on resting.
2. A stop is checked first. It is triggered by a touch, and fills at its own price; when the candle opens beyond it (a
   gap), at the open. It is a market order, so slippage comes on top.
3. A target or any other limit order fills at its own price, and only when the price trades through it: a touch to the
   tick may stop in front of us in the queue. A gap through it fills at its price as well, not at the better open.
4. When both lie inside one candle, the stop counts, unless finer candles tell.

Plain functions over floats: the backtester compiles them, paper trading calls them.
"""

from typing import Final

from app.domain.grid import Grid, ceil_to, floor_to

NONE: Final = 0
STOP: Final = 1
TARGET: Final = 2


def first_exit(
    side: int, opened: float, high: float, low: float, volume: float, stop: float, target: float
) -> tuple[int, float]:
    """Which protection of a position a candle reaches first, and its price before slippage.

    Args:
        side: 1 for a long position, -1 for a short one.
        opened: The candle's open, quote per base; for a position that was entered in this candle, its entry.
        high: Its high.
        low: Its low.
        volume: Its volume, base units.
        stop: The armed stop; 0 for none.
        target: Where profit is taken; 0 for nowhere.

    Returns:
        NONE, STOP or TARGET, and the price (0 for NONE).
    """
    if volume <= 0.0:
        return NONE, 0.0
    if stop > 0.0:
        if side * (opened - stop) <= 0.0:
            return STOP, opened
        if (low <= stop) if side > 0 else (high >= stop):
            return STOP, stop
    if target > 0.0 and trades_through(-side, high, low, target):
        return TARGET, target
    return NONE, 0.0


def trades_through(side: int, high: float, low: float, limit: float) -> bool:
    """Whether a resting limit order (side 1 buys, -1 sells) is certain to be filled by a candle's prices."""
    return low < limit if side > 0 else high > limit


def market_fill(side: int, reference: float, slippage: float, ticks: Grid) -> float:
    """What a market order pays: the reference made worse by the slippage, rounded to the tick against the trader.

    The float twin of `app.simulation.fills.market_fill_price`; a test holds them together.

    Args:
        side: 1 buys, -1 sells.
        reference: Quote per base: the next open, the close, or a triggered stop.
        slippage: Fraction of the price (0.0001 is one basis point).
        ticks: The price grid.
    """
    worse = reference * (1.0 + side * slippage)
    return ceil_to(worse, ticks) if side > 0 else floor_to(worse, ticks)
