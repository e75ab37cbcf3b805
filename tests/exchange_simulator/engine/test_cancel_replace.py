"""cancelReplace: what each mode does when the cancel or the new order is refused (-2021, -2022)."""

import pytest

from exchange_simulator.engine.errors import ApiError
from exchange_simulator.engine.orders import CancelReplaceMode, Order, OrderResult

STOP, ALLOW = CancelReplaceMode.STOP_ON_FAILURE, CancelReplaceMode.ALLOW_FAILURE
GOOD, BAD = {"quantity": "1", "price": "90"}, {"quantity": "1", "price": "90.001"}


@pytest.mark.parametrize("mode", [STOP, ALLOW])
def test_both_halves_succeed(floor, mode):
    old = floor.place(floor.ann, "BUY", quantity="1", price="100")
    done = floor.exchange.cancel_replace(
        floor.ann, floor.request("BUY", **GOOD), mode=mode, order_id=old.order_id, new_client_id="away"
    )
    assert (done.canceled, old.status, old.cancel_id) == (old, "CANCELED", "away")
    assert floor.exchange.open_orders(floor.ann) == [done.placed.order]


def test_a_symbol_may_not_allow_it(floor):
    floor.exchange.set_filters("BTCUSDT", cancel_replace_allowed=False)
    old = floor.place(floor.ann, "BUY", quantity="1", price="100")
    with pytest.raises(ApiError, match="-2010: Order cancel-replace is not supported for this symbol"):
        floor.exchange.cancel_replace(floor.ann, floor.request("BUY", **GOOD), mode=STOP, order_id=old.order_id)
    assert old.status == "NEW"


@pytest.mark.parametrize(
    ("mode", "exists", "values", "code", "status", "canceled", "placed"),
    [
        pytest.param(STOP, False, GOOD, -2022, 400, ApiError, type(None), id="no cancel, so no order"),
        pytest.param(ALLOW, False, GOOD, -2021, 409, ApiError, OrderResult, id="no cancel, but an order"),
        pytest.param(ALLOW, False, BAD, -2022, 400, ApiError, ApiError, id="neither"),
        pytest.param(STOP, True, BAD, -2021, 409, Order, ApiError, id="canceled, no order"),
        pytest.param(ALLOW, True, BAD, -2021, 409, Order, ApiError, id="canceled, no order, failure allowed"),
    ],
)
def test_a_half_that_fails_is_told(floor, mode, exists, values, code, status, canceled, placed):
    order_id = floor.place(floor.ann, "BUY", quantity="1", price="100").order_id if exists else 99
    with pytest.raises(ApiError) as failed:
        floor.exchange.cancel_replace(floor.ann, floor.request("BUY", **values), mode=mode, order_id=order_id)
    data = failed.value.data
    assert (failed.value.code, failed.value.http_status) == (code, status)
    assert (type(data.canceled), type(data.placed)) == (canceled, placed)
