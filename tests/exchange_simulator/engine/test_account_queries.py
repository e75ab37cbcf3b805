"""Reading orders and fills: by id, from an id on, in a window, and how many."""

import pytest

HOUR_MS = 3_600_000


@pytest.fixture
def history(floor):
    """Ten fills and ten orders of ann, an hour apart; the exchange and when it began."""
    start_ms = floor.exchange.clock.now_us() // 1_000
    floor.quote(("SELL", "100", "50"))
    for _ in range(10):
        floor.place(floor.ann, "BUY", "MARKET", quantity="0.1")
        floor.exchange.clock.advance_by(HOUR_MS * 1_000)
    return floor.exchange, floor.ann, start_ms


def hours(rows, start_ms):
    return [(row.time_us // 1_000 - start_ms) // HOUR_MS for row in rows]


@pytest.mark.parametrize(
    ("first", "last", "limit", "expected"),
    [
        pytest.param(None, None, 500, list(range(10)), id="everything"),
        pytest.param(None, None, 3, [7, 8, 9], id="the newest when nothing is said"),
        pytest.param(4, None, 3, [4, 5, 6], id="from a start on"),
        pytest.param(None, 4, 3, [2, 3, 4], id="up to an end"),
        pytest.param(2, 4, 500, [2, 3, 4], id="a window with both its ends"),
        pytest.param(20, 30, 500, [], id="a window without any"),
    ],
)
def test_orders_and_fills_of_a_window(history, first, last, limit, expected):
    exchange, ann, start_ms = history
    window = {
        "start_ms": None if first is None else start_ms + first * HOUR_MS,
        "end_ms": None if last is None else start_ms + last * HOUR_MS,
        "limit": limit,
    }
    assert hours(exchange.all_orders(ann, "BTCUSDT", **window), start_ms) == expected
    assert hours(exchange.my_trades(ann, "BTCUSDT", **window), start_ms) == expected


def test_rows_from_an_id_on_come_oldest_first(history):
    exchange, ann, _ = history
    orders, fills = exchange.all_orders(ann, "BTCUSDT"), exchange.my_trades(ann, "BTCUSDT")
    assert exchange.all_orders(ann, "BTCUSDT", order_id=orders[6].order_id, limit=2) == orders[6:8]
    assert exchange.my_trades(ann, "BTCUSDT", from_id=fills[6].trade_id, limit=2) == fills[6:8]
    assert exchange.my_trades(ann, "BTCUSDT", order_id=orders[6].order_id) == [fills[6]]
    assert exchange.all_orders(ann, "BNBUSDT") == []


def test_open_orders_of_all_symbols_come_oldest_first(floor):
    placed = [
        floor.place(floor.ann, "BUY", symbol=symbol, quantity="1", price="50")
        for symbol in ("BTCUSDT", "BNBUSDT", "BTCUSDT")
    ]
    assert floor.exchange.open_orders(floor.ann) == placed
    assert floor.exchange.open_orders(floor.ann, "BNBUSDT") == [placed[1]]


def test_an_order_is_found_by_either_id_and_by_its_key_holder_only(floor):
    order = floor.place(floor.ann, "BUY", quantity="1", price="50", client_id="mine")
    exchange = floor.exchange
    assert exchange.order(exchange.account_of("key-ann"), "BTCUSDT", order_id=order.order_id) is order
    assert exchange.order(floor.ann, "BTCUSDT", client_id="mine") is order
    assert exchange.key_of("key-bob").can_trade
