"""From the settings to the numbers that the rules are given."""

from typing import Final

from app.config.base import fraction
from app.config.risk import RiskConfig
from app.domain.grid import grid_of
from app.domain.instrument import Instrument
from app.risk.exits import STAGES, ExitRules, needs_atr
from app.risk.limits import Limits
from app.risk.sizing import (
    EQUITY_SHARE,
    FIXED_AMOUNT,
    KELLY,
    RISK_PER_TRADE,
    VOLATILITY_TARGET,
    Market,
    SizingRules,
)

METHODS: Final = {
    "amount": FIXED_AMOUNT,
    "equity": EQUITY_SHARE,
    "risk": RISK_PER_TRADE,
    "volatility": VOLATILITY_TARGET,
    "kelly": KELLY,
}


def exit_rules(risk: RiskConfig) -> ExitRules:
    """The exits of the settings."""
    exits = risk.exits
    stages = [(fraction(stage.profit_pct), stage.close_share) for stage in exits.take_profit_stages]
    first, second, third = [*stages, *[(0.0, 0.0)] * (STAGES - len(stages))]
    return ExitRules(
        stop=fraction(risk.stop_loss_pct),
        target=fraction(risk.take_profit_pct),
        trail=fraction(exits.trailing_stop_pct),
        trail_from=fraction(exits.trailing_from_pct),
        break_even=fraction(exits.break_even_pct),
        stop_atr=exits.stop_loss_atr or 0.0,
        target_atr=exits.take_profit_atr or 0.0,
        trail_atr=exits.trailing_stop_atr or 0.0,
        max_hold=exits.max_hold_candles or 0,
        stage_at=(first[0], second[0], third[0]),
        stage_part=(first[1], second[1], third[1]),
    )


def sizing_rules(risk: RiskConfig) -> SizingRules:
    """The sizing of the settings."""
    sizing = risk.sizing
    most = float(risk.max_position_size_usd)
    uses_risk = sizing.method in ("risk", "volatility")
    return SizingRules(
        method=METHODS[sizing.method],
        amount=most / risk.max_entries if sizing.amount_usd is None else float(sizing.amount_usd),
        most=most,
        share=fraction(sizing.risk_pct) if uses_risk else sizing.equity_share or 0.0,
        kelly_part=sizing.kelly_part,
        kelly_trades=sizing.kelly_trades,
    )


def limits_of(risk: RiskConfig) -> Limits:
    """The limits of the settings."""
    limits = risk.limits
    return Limits(
        max_positions=limits.max_open_positions or 0,
        max_entries=risk.max_entries,
        symbol_share=limits.max_symbol_share or 0.0,
        total_share=limits.max_total_share or 0.0,
        orders_per_minute=limits.max_orders_per_minute or 0,
        band=fraction(limits.price_band_pct),
        max_spread=fraction(limits.max_spread_pct),
        daily_loss=fraction(limits.max_daily_loss_pct),
        drawdown=fraction(limits.max_drawdown_pct),
        losses_in_a_row=limits.max_consecutive_losses or 0,
        cooldown=limits.cooldown_candles or 0,
        max_correlation=limits.max_correlation or 0.0,
        close_on_drawdown=int(limits.close_on_drawdown),
    )


def market_of(instrument: Instrument) -> Market:
    """What a market allows, as floats."""
    return Market(
        grid_of(instrument.price_tick),
        grid_of(instrument.quantity_step),
        float(instrument.min_quantity),
        float(instrument.min_notional),
    )


def atr_candles(risk: RiskConfig) -> int:
    """Over how many candles the rules need an average true range, a plain mean; 0 when none needs it."""
    is_needed = needs_atr(exit_rules(risk)) or risk.sizing.method == "volatility"
    return risk.exits.atr_candles if is_needed else 0


def candles_before_entry(risk: RiskConfig) -> int:
    """Closed candles without which no decision is made: a true range needs the close before."""
    needed = atr_candles(risk)
    return needed + 1 if needed else 0
