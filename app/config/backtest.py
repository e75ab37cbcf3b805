"""How a backtest fills orders."""

from enum import StrEnum

from pydantic import Field

from app.config.base import Amount, Settings


class FillRule(StrEnum):
    """When an order that a candle's close decided fills in a backtest."""

    NEXT_OPEN = "next_open"
    CLOSE = "close"


class BacktestConfig(Settings):
    """How a backtest fills orders; cash, fee and slippage are those of `paper`."""

    fill: FillRule = Field(
        default=FillRule.NEXT_OPEN,
        description='Where a market order fills: "next_open", or at the decision\'s "close" as in paper trading.',
    )
    maker_fee_rate: Amount | None = Field(
        default=None, ge=0, lt=1, description="Fee of limit orders and targets; default: `paper.fee_rate`."
    )
    volume_share: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Part of a candle's volume that an order takes at most; the rest of it fills in later candles.",
    )
    entry_limit_bp: float | None = Field(
        default=None,
        ge=0,
        lt=10_000,
        description="Enter by a limit order so many basis points better than the close; default: at market.",
    )
    entry_limit_candles: int = Field(default=1, ge=1, description="Candles for which an entry's limit order rests.")
    shorts: bool = Field(
        default=False, description="A sell signal also opens a short position, secured by cash of its size."
    )
    funding_pct_per_day: float = Field(
        default=0.0, ge=-100, le=100, description="What holders of long positions pay those of short ones, in percent."
    )
    borrow_pct_per_year: float = Field(
        default=0.0, ge=0, le=10_000, description="What a short position pays for what it borrowed, in percent."
    )
