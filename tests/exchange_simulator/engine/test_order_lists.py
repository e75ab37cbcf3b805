"""OCO: one of two orders cancels the other, and together they hold what one needs."""

import pytest

from exchange_simulator.engine.errors import ApiError
from exchange_simulator.engine.events import ListUpdate
from exchange_simulator.engine.numbers import parse
from exchange_simulator.engine.orders import ListOrderStatus, ListStatusType, OrderStatus

TAKE = {"kind": "LIMIT_MAKER", "quantity": "1", "price": "110"}
STOP = {"kind": "STOP_LOSS_LIMIT", "quantity": "1", "price": "89", "stop_price": "90"}


@pytest.fixture
def bracket(floor):
    """A sold bracket around the price of 100: profit at 110, stop at 90."""
    floor.trade_at("100")
    return floor.exchange.place_oco(floor.ann, floor.oco("SELL", TAKE, STOP))


def test_the_two_orders_lock_the_quantity_once(floor, bracket):
    assert floor.held(floor.ann, "BTC") == (parse("9"), parse("1"))
    assert [leg.list_id for leg in bracket.orders] == [bracket.list_id] * 2


def test_a_bought_bracket_locks_what_the_dearer_order_needs(floor):
    floor.trade_at("100")
    above = {"kind": "STOP_LOSS_LIMIT", "quantity": "1", "price": "112", "stop_price": "110"}
    below = {"kind": "LIMIT_MAKER", "quantity": "1", "price": "90"}
    order_list = floor.exchange.place_oco(floor.ann, floor.oco("BUY", above, below))
    assert floor.held(floor.ann, "USDT")[1] == parse("112")
    floor.trade_at("110")
    assert [leg.status for leg in order_list.orders] == [OrderStatus.NEW, OrderStatus.EXPIRED]
    assert floor.held(floor.ann, "USDT")[1] == parse("112")


def test_the_first_fill_of_the_limit_order_expires_the_stop(floor, bracket):
    floor.place(floor.bob, "BUY", quantity="0.4", price="110")
    above, below = bracket.orders
    assert (above.status, below.status) == (OrderStatus.PARTIALLY_FILLED, OrderStatus.EXPIRED)
    assert bracket.is_open
    floor.place(floor.bob, "BUY", quantity="0.6", price="110")
    assert (above.status, bracket.order_status) == (OrderStatus.FILLED, ListOrderStatus.ALL_DONE)
    floor.trade_at("85")
    assert (below.is_working, below.executed) == (False, 0)


def test_the_stop_expires_the_limit_order_when_it_fires(floor, bracket):
    floor.trade_at("90")
    above, below = bracket.orders
    assert (above.status, below.status, below.is_working) == (OrderStatus.EXPIRED, OrderStatus.NEW, True)
    assert floor.exchange.depth("BTCUSDT").asks == [(parse("89"), parse("1"))]


@pytest.mark.parametrize("index", [0, 1])
def test_canceling_one_order_cancels_the_list(floor, bracket, index):
    floor.exchange.cancel(floor.ann, "BTCUSDT", order_id=bracket.orders[index].order_id)
    assert [leg.status for leg in bracket.orders] == [OrderStatus.CANCELED] * 2
    assert floor.held(floor.ann, "BTC") == (parse("10"), 0)


def test_cancel_all_answers_a_list_as_one(floor, bracket):
    order = floor.place(floor.ann, "BUY", quantity="1", price="50")
    assert floor.exchange.cancel_all(floor.ann, "BTCUSDT") == [bracket, order]


def test_a_list_is_canceled_by_its_client_id_and_reported_twice(floor):
    floor.trade_at("100")
    order_list = floor.exchange.place_oco(floor.ann, floor.oco("SELL", TAKE, STOP, client_id="pair"))
    assert floor.exchange.open_order_lists(floor.ann) == [order_list]
    floor.exchange.cancel_list(floor.ann, "BTCUSDT", client_id="pair", new_client_id="away")
    updates = [event for event in floor.events if isinstance(event, ListUpdate)]
    assert [event.order_list for event in updates] == [order_list] * 2
    assert (order_list.status_type, order_list.cancel_id) == (ListStatusType.ALL_DONE, "away")
    assert floor.exchange.open_order_lists(floor.ann) == []


@pytest.mark.parametrize(
    ("side", "above", "below", "code", "message"),
    [
        pytest.param(
            "SELL",
            {**TAKE, "price": "95"},
            STOP,
            -2010,
            "The relationship of the prices for the orders is not correct.",
            id="profit below the market",
        ),
        pytest.param(
            "SELL",
            TAKE,
            {**STOP, "stop_price": "105"},
            -2010,
            "The relationship of the prices for the orders is not correct.",
            id="stop above the market",
        ),
        pytest.param(
            "BUY",
            TAKE,
            STOP,
            -1165,
            "A limit order in a buy OCO must be below.",
            id="legs of a sale in a purchase",
        ),
        pytest.param(
            "SELL",
            {"kind": "STOP_LOSS", "quantity": "1", "stop_price": "110"},
            {**TAKE, "price": "90"},
            -1166,
            "A limit order in a sell OCO must be above.",
            id="legs of a purchase in a sale",
        ),
        pytest.param(
            "SELL", TAKE, {**TAKE, "price": "90"}, -1168, "At least one OCO order must be contingent.", id="two profits"
        ),
        pytest.param(
            "SELL",
            {"kind": "LIMIT", "quantity": "1", "price": "110"},
            STOP,
            -1158,
            "Order type not supported in OCO.",
            id="a plain limit order",
        ),
        pytest.param(
            "SELL",
            {**TAKE, "quantity": "11"},
            {**STOP, "quantity": "11"},
            -2010,
            "Account has insufficient balance for requested action.",
            id="more than there is",
        ),
        pytest.param(
            "SELL", TAKE, {**STOP, "price": "89.001"}, -1013, "Filter failure: PRICE_FILTER", id="a leg off the tick"
        ),
    ],
)
def test_a_list_that_cannot_be_is_refused_as_a_whole(floor, side, above, below, code, message):
    floor.trade_at("100")
    before = floor.exchange.save()
    with pytest.raises(ApiError) as refused:
        floor.exchange.place_oco(floor.ann, floor.oco(side, above, below))
    assert (refused.value.code, refused.value.message) == (code, message)
    assert floor.exchange.save() == before


def test_lists_are_queried_by_id_client_id_and_range(floor):
    floor.trade_at("100")
    lists = [
        floor.exchange.place_oco(floor.ann, floor.oco("SELL", TAKE, STOP, client_id=f"pair-{n}")) for n in range(3)
    ]
    exchange, ann = floor.exchange, floor.ann
    assert exchange.order_list(ann, list_id=lists[1].list_id) is lists[1]
    assert exchange.order_list(ann, client_id="pair-2") is lists[2]
    assert exchange.order_lists(ann, from_id=lists[1].list_id) == lists[1:]
    assert exchange.order_lists(ann, limit=1) == lists[2:]
