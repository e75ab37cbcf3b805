"""How orders are sent: at the market's price or with a limit, and what becomes of a limit order that is not filled."""

from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import Field

from app.config.base import Amount, Settings
from app.domain.resting import OrderStyle, OrderStyles

Offset = Annotated[Amount, Field(ge=-1_000, le=1_000)]
Seconds = Annotated[float, Field(gt=0, le=30 * 86_400)]
Times = Annotated[int, Field(ge=0, le=1_000)]
MS: Final = 1_000


class ExitOrdersConfig(Settings):
    """Orders that leave a position. What a limit order leaves over is sold at the market's price in the end."""

    type: Literal["market", "limit"] = Field(default="market", description='"market", or "limit" for orders that rest.')
    limit_offset_bp: Offset = Field(
        default=Decimal(0),
        description="How much better than the candle's close the limit is, in basis points; negative is worse.",
    )
    time_to_live_s: Seconds = Field(
        default=60.0, description="How long a limit order rests before it is cancelled, by the exchange's clock."
    )
    max_repricings: Times = Field(
        default=3, description="How often what is left of it is ordered again with a new limit."
    )

    def style(self) -> OrderStyle:
        """As the rule for resting orders wants it."""
        return OrderStyle(
            is_limit=self.type == "limit",
            offset_bp=self.limit_offset_bp,
            time_to_live_ms=int(self.time_to_live_s * MS),
            most_repricings=self.max_repricings,
        )


class EntryOrdersConfig(ExitOrdersConfig):
    """Orders that enter a position."""

    fallback: Literal["market", "cancel"] = Field(
        default="market",
        description='What comes last: "market" buys the rest at the market\'s price, "cancel" gives it up.',
    )
    max_chase_bp: Annotated[Amount, Field(ge=0)] = Field(
        default=Decimal(100),
        description="How far above its first limit an entry may follow the market, in basis points; then it ends.",
    )

    def style(self) -> OrderStyle:
        """As the rule for resting orders wants it."""
        return OrderStyle(
            is_limit=self.type == "limit",
            offset_bp=self.limit_offset_bp,
            time_to_live_ms=int(self.time_to_live_s * MS),
            most_repricings=self.max_repricings,
            falls_back=self.fallback == "market",
            chase_bp=self.max_chase_bp,
        )


class OrdersConfig(Settings):
    """How orders are sent and looked after."""

    entry: EntryOrdersConfig = Field(default_factory=EntryOrdersConfig, description="Orders that enter a position.")
    exit: ExitOrdersConfig = Field(default_factory=ExitOrdersConfig, description="Orders that leave a position.")
    compare_every_s: Annotated[float, Field(ge=0, le=86_400)] = Field(
        default=300.0,
        description="Live: longest time between two full comparisons with the exchange; 0 compares in each cycle.",
    )

    def styles(self) -> OrderStyles:
        """As the rule for resting orders wants it."""
        return OrderStyles(self.entry.style(), self.exit.style())
