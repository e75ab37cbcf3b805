"""What a market allows, from ccxt's list of markets."""

from collections.abc import Mapping
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Final

from app.domain.errors import ConfigError
from app.domain.instrument import NO_STOPS, TRADING, Bounds, Instrument, Stops
from app.domain.values import exact

# Where a stop order can be asked for like any other. Elsewhere it lives apart, and one whose answer is lost cannot be
# found again.
STOPS_ON: Final = frozenset({"binance"})


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
        status=str(market["info"].get("status") or (TRADING if market.get("active") is not False else "not active")),
        bounds=_bounds(filters, limits),
        stops=_stops(market["info"]) if exchange in STOPS_ON else NO_STOPS,
    )


def _stops(info: Mapping[str, Any]) -> Stops:
    """As Binance's exchangeInfo tells it: https://developers.binance.com/docs/binance-spot-api-docs/enums."""
    kinds = info.get("orderTypes") or []
    at_market, at_limit = "STOP_LOSS" in kinds, "STOP_LOSS_LIMIT" in kinds
    has_both = (at_market or at_limit) and "LIMIT_MAKER" in kinds
    return Stops(at_market, at_limit, oco=has_both and info.get("ocoAllowed") is True)


def _bounds(filters: Mapping[str, Any], limits: Mapping[str, Any]) -> Bounds:
    lot, market_lot = filters.get("LOT_SIZE", {}), filters.get("MARKET_LOT_SIZE", {})
    both_sides, by_side = filters.get("PERCENT_PRICE", {}), filters.get("PERCENT_PRICE_BY_SIDE", {})
    return Bounds(
        max_quantity=_bound(lot.get("maxQty"), limits["amount"].get("max")),
        market_min_quantity=_bound(market_lot.get("minQty")),
        market_max_quantity=_bound(market_lot.get("maxQty"), limits.get("market", {}).get("max")),
        market_quantity_step=_bound(market_lot.get("stepSize")),
        max_notional=_bound(filters.get("NOTIONAL", {}).get("maxNotional"), limits["cost"].get("max")),
        max_position=_bound(filters.get("MAX_POSITION", {}).get("maxPosition")),
        bid_down=_bound(by_side.get("bidMultiplierDown", both_sides.get("multiplierDown"))),
        bid_up=_bound(by_side.get("bidMultiplierUp", both_sides.get("multiplierUp"))),
        ask_down=_bound(by_side.get("askMultiplierDown", both_sides.get("multiplierDown"))),
        ask_up=_bound(by_side.get("askMultiplierUp", both_sides.get("multiplierUp"))),
    )


def _bound(text: str | None, number: float | str | None = None) -> Decimal | None:
    """A bound; None where there is none, which exchanges also write as zero."""
    return _decimal(text, number) or None


def _decimal(text: str | None, number: float | str | None) -> Decimal:
    """The exchange's own text; else ccxt's number as a person would write it; else zero, which means no limit."""
    return exact(text if text is not None else number or 0)
