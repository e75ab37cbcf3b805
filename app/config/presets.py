"""Named sets of risk settings to begin with; docs/risk.md says what each of their limits does."""

from collections.abc import Mapping
from typing import Any, Final

PRESETS: Final[dict[str, dict[str, Any]]] = {
    "cautious": {
        "stop_loss_pct": 0.02,
        "exits": {"break_even_pct": 0.02},
        "sizing": {"method": "risk", "risk_pct": 0.005},
        "limits": {
            "max_open_positions": 3,
            "max_symbol_share": 0.25,
            "max_total_share": 0.5,
            "max_orders_per_minute": 4,
            "price_band_pct": 0.01,
            "max_spread_pct": 0.002,
            "max_daily_loss_pct": 0.02,
            "max_drawdown_pct": 0.1,
            "max_consecutive_losses": 3,
            "cooldown_candles": 10,
            "max_correlation": 0.7,
        },
    },
    "balanced": {
        "stop_loss_pct": 0.04,
        "exits": {"trailing_stop_pct": 0.04, "trailing_from_pct": 0.04},
        "sizing": {"method": "risk", "risk_pct": 0.01},
        "limits": {
            "max_open_positions": 5,
            "max_symbol_share": 0.5,
            "max_total_share": 1.0,
            "max_orders_per_minute": 10,
            "price_band_pct": 0.02,
            "max_spread_pct": 0.005,
            "max_daily_loss_pct": 0.05,
            "max_drawdown_pct": 0.2,
            "max_consecutive_losses": 5,
            "cooldown_candles": 3,
            "max_correlation": 0.9,
        },
    },
}

# Two distances for one exit: who sets the second does not want the preset's first.
_RIVALS: Final = {"stop_loss_pct": "stop_loss_atr", "trailing_stop_pct": "trailing_stop_atr"}


def beneath(document: Mapping[str, Any], preset: Mapping[str, Any]) -> dict[str, Any]:
    """The document of risk settings with the preset's values where it has none of its own."""
    exits = document.get("exits")
    rivals = {mine for mine, other in _RIVALS.items() if isinstance(exits, Mapping) and other in exits}
    merged = {
        key: {name: part for name, part in value.items() if name not in rivals} if isinstance(value, dict) else value
        for key, value in preset.items()
        if key not in rivals
    }
    for key, value in document.items():
        under = merged.get(key)
        merged[key] = {**under, **value} if isinstance(under, dict) and isinstance(value, Mapping) else value
    return merged
