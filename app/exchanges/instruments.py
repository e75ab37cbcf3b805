"""What a market allows, from ccxt's list of markets."""

from collections.abc import Mapping
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from app.domain.errors import ConfigError
from app.domain.instrument import Instrument
from app.domain.values import exact


def instrument_of(markets: Mapping[str, Any], symbol: str, exchange: str) -> Instrument:
    """The market's grid and minimums, from the exchange's own texts where it gives filters.

    Raises:
        ConfigError: the exchange has no such market.
    """
    if symbol not in markets:
        close = get_close_matches(symbol, list(markets), n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else "choose one of its markets"
        raise ConfigError(f"{symbol} is not traded on {exchange}: {hint}")
    market = markets[symbol]
    filters = {row.get("filterType"): row for row in market["info"].get("filters", [])}
    lot, notional = filters.get("LOT_SIZE", {}), filters.get("NOTIONAL", filters.get("MIN_NOTIONAL", {}))
    precision, limits = market["precision"], market["limits"]
    return Instrument(
        symbol,
        price_tick=_decimal(filters.get("PRICE_FILTER", {}).get("tickSize"), precision.get("price")),
        quantity_step=_decimal(lot.get("stepSize"), precision.get("amount")),
        min_quantity=_decimal(lot.get("minQty"), limits["amount"].get("min")),
        min_notional=_decimal(notional.get("minNotional"), limits["cost"].get("min")),
    )


def _decimal(text: str | None, number: float | None) -> Decimal:
    """The exchange's own text; else ccxt's number as a person would write it; else zero, which means no limit."""
    return exact(text if text is not None else number or 0)
