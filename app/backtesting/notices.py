"""What a backtest cannot do with its settings, in sentences: no rule stays without effect in silence."""

from app.config.backtest import FillRule
from app.config.models import BotConfig


def notices_of(config: BotConfig) -> list[str]:
    """One sentence for each setting that is in force live and cannot act on candles."""
    limits, notices = config.risk.limits, []
    if limits.max_spread_pct is not None:
        notices.append("risk.limits.max_spread_pct does not act in a backtest: candles have no bid and ask")
    if limits.price_band_pct is not None and config.backtest.fill is FillRule.CLOSE:
        notices.append(
            'risk.limits.price_band_pct does not act with backtest.fill "close": orders fill at the price that decided'
        )
    if config.orders.entry.type == "limit" and config.backtest.entry_limit_bp is None:
        notices.append(
            'orders.entry.type "limit" does not act in a backtest, it enters at market: '
            "backtest.entry_limit_bp lets an entry rest there"
        )
    if config.orders.exit.type == "limit":
        notices.append('orders.exit.type "limit" does not act in a backtest: a sell signal sells at market there')
    return notices
