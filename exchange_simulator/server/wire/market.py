"""Market data answers (rest-api.md, "Market data endpoints")."""

from collections.abc import Iterable
from functools import lru_cache

import orjson

from exchange_simulator.engine.instrument import Instrument
from exchange_simulator.engine.market_data import AggTrade, Average, BookTicker, Depth, Kline, Ticker
from exchange_simulator.engine.numbers import to_text
from exchange_simulator.engine.orders import OrderType, StpMode, Trade

Json = dict[str, object]
Levels = list[list[str]]

PLACES = 8
KEPT_CANDLES = 20_000
"""Candles whose JSON is kept, about 0.5 kB each."""


def levels(pairs: Iterable[tuple[int, int]]) -> Levels:
    """Price levels: price and quantity."""
    return [[to_text(price), to_text(quantity)] for price, quantity in pairs]


def depth(book: Depth) -> Json:
    """GET /depth."""
    return {"lastUpdateId": book.last_update_id, "bids": levels(book.bids), "asks": levels(book.asks)}


def trade(print_: Trade) -> Json:
    """A row of GET /trades."""
    return {
        "id": print_.trade_id,
        "price": to_text(print_.price),
        "qty": to_text(print_.quantity),
        "quoteQty": to_text(print_.quote),
        "time": print_.time_us // 1_000,
        "isBuyerMaker": print_.is_buyer_maker,
        "isBestMatch": True,
    }


def agg_trade(row: AggTrade) -> Json:
    """A row of GET /aggTrades."""
    return {
        "a": row.agg_id,
        "p": to_text(row.price),
        "q": to_text(row.quantity),
        "f": row.first_id,
        "l": row.last_id,
        "T": row.time_us // 1_000,
        "m": row.is_buyer_maker,
        "M": True,
    }


@lru_cache(maxsize=KEPT_CANDLES)
def kline(row: Kline) -> orjson.Fragment:
    """A row of GET /klines, ready to be put into the answer: the same candles are asked for again and again."""
    cells = (
        row.open_ms,
        to_text(row.open),
        to_text(row.high),
        to_text(row.low),
        to_text(row.close),
        to_text(row.volume),
        row.close_ms,
        to_text(row.quote_volume),
        row.trades,
        to_text(row.taker_base),
        to_text(row.taker_quote),
        "0",
    )
    return orjson.Fragment(orjson.dumps(cells))


def average_price(average: Average) -> Json:
    """GET /avgPrice."""
    return {"mins": average.mins, "price": to_text(average.price), "closeTime": average.close_ms}


def ticker(one: Ticker, *, mini: bool = False) -> Json:
    """GET /ticker/24hr, in its FULL or its MINI form."""
    tail: Json = {
        "openPrice": to_text(one.open),
        "highPrice": to_text(one.high),
        "lowPrice": to_text(one.low),
        "volume": to_text(one.volume),
        "quoteVolume": to_text(one.quote_volume),
        "openTime": one.open_ms,
        "closeTime": one.close_ms,
        "firstId": one.first_id,
        "lastId": one.last_id,
        "count": one.count,
    }
    head: Json = {"symbol": one.symbol, "lastPrice": to_text(one.last)}
    if mini:
        return head | tail
    return {
        **head,
        "priceChange": to_text(one.change),
        "priceChangePercent": one.change_percent,
        "weightedAvgPrice": to_text(one.weighted),
        "prevClosePrice": to_text(one.prev_close),
        "lastQty": to_text(one.last_qty),
        "bidPrice": to_text(one.bid),
        "bidQty": to_text(one.bid_qty),
        "askPrice": to_text(one.ask),
        "askQty": to_text(one.ask_qty),
        **tail,
    }


def last_price(one: Ticker) -> Json:
    """GET /ticker/price."""
    return {"symbol": one.symbol, "price": to_text(one.last)}


def book_ticker(quote: BookTicker) -> Json:
    """GET /ticker/bookTicker."""
    return {
        "symbol": quote.symbol,
        "bidPrice": to_text(quote.bid),
        "bidQty": to_text(quote.bid_qty),
        "askPrice": to_text(quote.ask),
        "askQty": to_text(quote.ask_qty),
    }


def instrument(one: Instrument) -> Json:
    """A symbol of GET /exchangeInfo."""
    return {
        "symbol": one.symbol,
        "status": one.status.value,
        "baseAsset": one.base,
        "baseAssetPrecision": PLACES,
        "quoteAsset": one.quote,
        "quotePrecision": PLACES,
        "quoteAssetPrecision": PLACES,
        "baseCommissionPrecision": PLACES,
        "quoteCommissionPrecision": PLACES,
        "orderTypes": [kind.value for kind in OrderType if kind in one.order_types],
        "icebergAllowed": one.iceberg_allowed,
        "ocoAllowed": one.oco_allowed,
        "otoAllowed": False,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": one.quote_quantity_allowed,
        "allowTrailingStop": one.trailing_allowed,
        "cancelReplaceAllowed": one.cancel_replace_allowed,
        "amendAllowed": False,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters(one),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": one.default_stp_mode.value,
        "allowedSelfTradePreventionModes": [mode.value for mode in StpMode],
    }


def filters(one: Instrument) -> list[Json]:
    """The filters of a symbol (filters.md)."""
    shown: list[Json] = [
        _filter("PRICE_FILTER", minPrice=one.min_price, maxPrice=one.max_price, tickSize=one.tick_size),
        _filter("LOT_SIZE", minQty=one.min_qty, maxQty=one.max_qty, stepSize=one.step_size),
        _filter("MARKET_LOT_SIZE", minQty=one.market_min_qty, maxQty=one.market_max_qty, stepSize=one.market_step_size),
        {
            **_filter("NOTIONAL", minNotional=one.min_notional),
            "applyMinToMarket": one.min_notional_on_market,
            "maxNotional": to_text(one.max_notional),
            "applyMaxToMarket": one.max_notional_on_market,
            "avgPriceMins": one.average_price_minutes,
        },
        {
            **_filter(
                "PERCENT_PRICE_BY_SIDE",
                bidMultiplierUp=one.bid_multiplier_up,
                bidMultiplierDown=one.bid_multiplier_down,
                askMultiplierUp=one.ask_multiplier_up,
                askMultiplierDown=one.ask_multiplier_down,
            ),
            "avgPriceMins": one.average_price_minutes,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": one.max_orders},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": one.max_algo_orders},
        {
            "filterType": "TRAILING_DELTA",
            "minTrailingAboveDelta": one.min_trailing_above,
            "maxTrailingAboveDelta": one.max_trailing_above,
            "minTrailingBelowDelta": one.min_trailing_below,
            "maxTrailingBelowDelta": one.max_trailing_below,
        },
    ]
    if one.max_position:
        shown.append(_filter("MAX_POSITION", maxPosition=one.max_position))
    return shown


def _filter(kind: str, **amounts: int) -> Json:
    return {"filterType": kind, **{name: to_text(amount) for name, amount in amounts.items()}}
