"""Settings of risk: exits, sizes, limits. Contradictions are one sentence each; nothing is switched off silently.

`..._pct` is a fraction below 1 and percent from 1 on; `..._share` is a fraction of the equity.
"""

from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from app.config.base import Amount, Percentage, Settings, Share, fraction
from app.config.presets import PRESETS, beneath

MOST_STAGES: Final = 3
Candles = Annotated[int, Field(ge=1, le=1_000_000)]
Ranges = Annotated[float, Field(gt=0, le=1_000)]


class StageConfig(Settings):
    """A part of the position that is closed at a profit."""

    profit_pct: Percentage = Field(description="Profit over the average entry price at which it is closed.")
    close_share: Share = Field(description="Which part of the opening quantity is closed, up to 1.")


class ExitsConfig(Settings):
    """Exits beyond the stop loss and the profit target."""

    stop_loss_atr: Ranges | None = Field(
        default=None, description="Distance of the stop in average true ranges; instead of risk.stop_loss_pct."
    )
    take_profit_atr: Ranges | None = Field(
        default=None, description="Distance of the target in average true ranges; instead of risk.take_profit_pct."
    )
    trailing_stop_pct: Percentage | None = Field(
        default=None, description="How far a stop follows the best price since the entry, of closed candles."
    )
    trailing_stop_atr: Ranges | None = Field(
        default=None, description="The same distance in average true ranges; instead of trailing_stop_pct."
    )
    trailing_from_pct: float | None = Field(
        default=None, ge=0, lt=100, description="Profit from which on the trailing stop follows; 0 for at once."
    )
    break_even_pct: Percentage | None = Field(
        default=None, description="Profit from which on the stop is not below the average entry price."
    )
    max_hold_candles: Candles | None = Field(
        default=None, description="Candles after which the position is closed, whatever it is worth."
    )
    take_profit_stages: list[StageConfig] = Field(
        default_factory=list, max_length=MOST_STAGES, description="Up to three partial exits, profits ascending."
    )
    atr_candles: int = Field(
        default=14, ge=1, le=1_000, description="Over how many candles the average true range is taken (plain mean)."
    )

    @model_validator(mode="after")
    def _trailing_is_complete(self) -> Self:
        if self.trailing_stop_pct is not None and self.trailing_stop_atr is not None:
            raise ValueError("trailing_stop_pct and trailing_stop_atr are two distances for one stop: keep one of them")
        is_trailing = self.trailing_stop_pct is not None or self.trailing_stop_atr is not None
        if is_trailing and self.trailing_from_pct is None:
            raise ValueError(
                "a trailing stop needs trailing_from_pct, the profit from which on it follows: 0 lets it follow at once"
            )
        if not is_trailing and self.trailing_from_pct is not None:
            raise ValueError("trailing_from_pct has no trailing stop: add trailing_stop_pct or trailing_stop_atr")
        return self

    @model_validator(mode="after")
    def _stages_are_in_order(self) -> Self:
        profits = [fraction(stage.profit_pct) for stage in self.take_profit_stages]
        if any(later <= earlier for earlier, later in pairwise(profits)):
            raise ValueError(
                f"take_profit_stages have profits of {_listed(profits)}: sort them ascending, each above the one before"
            )
        total = sum(stage.close_share for stage in self.take_profit_stages)
        if total > 1.0 + 1e-9:
            raise ValueError(f"take_profit_stages close {total:g} of the position together: at most 1 can be closed")
        return self


class SizingConfig(Settings):
    """How much an entry buys; always cut to `max_position_size_usd`, cash, exposure and the market's grid."""

    method: Literal["amount", "equity", "risk", "volatility", "kelly"] = Field(
        default="amount",
        description=(
            '"amount": a fixed amount; "equity": a share of the equity; "risk": so much that the stop loses a share of '
            'the equity; "volatility": so much that one average true range moves the equity by a share; "kelly": '
            "Kelly's fraction of the recent trades."
        ),
    )
    amount_usd: Amount | None = Field(
        default=None,
        gt=0,
        description='Quote units of one entry, for "amount", and for "kelly" while it knows too few trades; default: '
        "max_position_size_usd divided by max_entries.",
    )
    equity_share: Share | None = Field(default=None, description='What "equity" buys; the most that "kelly" buys.')
    risk_pct: Percentage | None = Field(
        default=None, description='What "risk" loses at the stop, and what one true range is worth for "volatility".'
    )
    kelly_part: Share = Field(default=0.5, description="Which part of Kelly's fraction is used.")
    kelly_trades: int = Field(
        default=30, ge=2, le=10_000, description="Closed trades before Kelly is used; older ones fade over as many."
    )

    @model_validator(mode="after")
    def _method_has_its_number(self) -> Self:
        needed = {"equity": "equity_share", "kelly": "equity_share", "risk": "risk_pct", "volatility": "risk_pct"}
        key = needed.get(self.method)
        if key is not None and getattr(self, key) is None:
            raise ValueError(f'method "{self.method}" needs {key}: add it')
        return self


class LimitsConfig(Settings):
    """What no strategy can pass. Exits are never refused by a limit."""

    max_open_positions: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Symbols that may be held at once."
    )
    max_symbol_share: Share | None = Field(default=None, description="Of the equity, in one symbol.")
    max_total_share: Share | None = Field(default=None, description="Of the equity, in all symbols together.")
    max_orders_per_minute: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="No entry when so many orders were sent within the last minute."
    )
    price_band_pct: Percentage | None = Field(
        default=None,
        description="No entry when the market's price, in a backtest the next open, is farther from the last close.",
    )
    max_spread_pct: Percentage | None = Field(
        default=None, description="No entry when bid and ask are farther apart; backtests know none."
    )
    max_daily_loss_pct: Percentage | None = Field(
        default=None, description="Loss since the UTC day's start after which only exits are made until the next day."
    )
    max_drawdown_pct: Percentage | None = Field(
        default=None, description="Fall from the highest equity after which nothing is bought until `keel resume`."
    )
    close_on_drawdown: bool = Field(
        default=True, description="Sell what is held on that fall; otherwise its own exits are awaited."
    )
    max_consecutive_losses: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Losing trades in a row after which only exits are made until the next UTC day."
    )
    cooldown_candles: Candles | None = Field(
        default=None, description="Candles at whose close no entry is made after a stop; the stop's is the first."
    )
    max_correlation: Share | None = Field(
        default=None, description="No entry when its returns correlate more with those of another held symbol."
    )

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        if self.max_symbol_share and self.max_total_share and self.max_symbol_share > self.max_total_share:
            raise ValueError(
                f"max_symbol_share {self.max_symbol_share:g} is more than max_total_share {self.max_total_share:g}: "
                "one symbol cannot hold more than all together"
            )
        return self


class RiskConfig(Settings):
    """How much may be put at risk."""

    preset: Literal["cautious", "balanced"] | None = Field(
        default=None, description="Exits, sizes and limits to begin with; what is set beside it wins. See docs/risk.md."
    )
    max_position_size_usd: Amount = Field(
        default=Decimal(100), gt=0, description="What one position may cost, in quote units."
    )
    stop_loss_pct: float | None = Field(
        default=None,
        gt=0,
        lt=100,
        description="Loss at which to leave: a fraction below 1, or percent from 1 on (0.02, 2).",
    )
    take_profit_pct: float | None = Field(
        default=None,
        gt=0,
        description="Profit at which to leave: a fraction below 1, or percent from 1 on.",
    )
    max_entries: int = Field(
        default=1, ge=1, le=100, description="Purchases of which one position may consist: a new buy signal adds one."
    )
    exits: ExitsConfig = Field(default_factory=ExitsConfig, description="Trailing, break-even, time, stages.")
    sizing: SizingConfig = Field(default_factory=SizingConfig, description="How much an entry buys.")
    limits: LimitsConfig = Field(default_factory=LimitsConfig, description="What no strategy can pass.")

    @model_validator(mode="before")
    @classmethod
    def _begin_with_the_preset(cls, document: Any) -> Any:  # noqa: ANN401  whatever stands in the file
        """Lay the document over its preset."""
        if not isinstance(document, dict) or document.get("preset") not in PRESETS:
            return document
        return beneath(document, PRESETS[document["preset"]])

    @model_validator(mode="after")
    def _one_distance_each(self) -> Self:
        for mine, theirs in (("stop_loss_pct", "stop_loss_atr"), ("take_profit_pct", "take_profit_atr")):
            if getattr(self, mine) is not None and getattr(self.exits, theirs) is not None:
                raise ValueError(f"{mine} and exits.{theirs} are two distances for one exit: keep one of them")
        return self

    @model_validator(mode="after")
    def _profits_come_before_the_target(self) -> Self:
        if self.take_profit_pct is None:
            return self
        target = fraction(self.take_profit_pct)
        earlier = {
            "exits.trailing_from_pct": fraction(self.exits.trailing_from_pct),
            "exits.break_even_pct": fraction(self.exits.break_even_pct),
            "the last of exits.take_profit_stages": max(
                (fraction(stage.profit_pct) for stage in self.exits.take_profit_stages), default=0.0
            ),
        }
        for key, profit in earlier.items():
            if profit >= target:
                raise ValueError(
                    f"{key} is {profit:.2%}, but take_profit_pct closes everything at {target:.2%}: "
                    "choose a smaller profit or a farther target"
                )
        return self

    @model_validator(mode="after")
    def _risk_needs_a_stop(self) -> Self:
        if self.sizing.method == "risk" and self.stop_loss_pct is None and self.exits.stop_loss_atr is None:
            raise ValueError(
                'sizing.method "risk" measures the distance to the stop: add stop_loss_pct or exits.stop_loss_atr'
            )
        if self.sizing.amount_usd is not None and self.sizing.amount_usd > self.max_position_size_usd:
            raise ValueError(
                f"sizing.amount_usd {self.sizing.amount_usd:f} is more than max_position_size_usd "
                f"{self.max_position_size_usd:f}: an entry is cut to the position's size"
            )
        return self

    def refuse_ruinous(self, cash: Decimal) -> None:
        """A single stop must not lose more than the account may lose at all.

        Args:
            cash: The account in quote units.

        Raises:
            ValueError: one sentence that names stop, share and limit.
        """
        largest = min(float(self.max_position_size_usd) / float(cash), self.limits.max_symbol_share or 1.0, 1.0)
        loss = fraction(self.stop_loss_pct) * largest
        for key in ("max_daily_loss_pct", "max_drawdown_pct"):
            allowed = fraction(getattr(self.limits, key))
            if self.sizing.method != "risk" and 0.0 < allowed < loss:
                raise ValueError(
                    f"risk.stop_loss_pct {fraction(self.stop_loss_pct):.2%} of a position of up to {largest:.0%} "
                    f"of the account loses {loss:.2%}, more than risk.limits.{key} {allowed:.2%}: choose a nearer "
                    "stop, a smaller max_position_size_usd or max_symbol_share, or a wider limit"
                )


def _listed(profits: list[float]) -> str:
    return ", ".join(f"{profit:.2%}" for profit in profits)
