"""Self-trade prevention: the taker's mode decides (faqs/stp_faq.md)."""

import pytest

from exchange_simulator.engine.events import OrderUpdate
from exchange_simulator.engine.numbers import to_text
from exchange_simulator.engine.orders import ExecutionType, StpMode


@pytest.mark.parametrize(
    ("mode", "maker_status", "maker_done", "taker_status", "taker_done"),
    [
        pytest.param("NONE", "FILLED", "1", "PARTIALLY_FILLED", "1", id="none: trades with itself"),
        pytest.param("EXPIRE_MAKER", "EXPIRED_IN_MATCH", "0", "NEW", "0", id="the resting order goes"),
        pytest.param("EXPIRE_TAKER", "NEW", "0", "EXPIRED_IN_MATCH", "0", id="the incoming order goes"),
        pytest.param("EXPIRE_BOTH", "EXPIRED_IN_MATCH", "0", "EXPIRED_IN_MATCH", "0", id="both go"),
        pytest.param("DECREMENT", "EXPIRED_IN_MATCH", "0", "NEW", "0", id="both shrink, the smaller one goes"),
    ],
)
def test_what_becomes_of_an_order_that_meets_one_of_its_own(
    floor, mode, maker_status, maker_done, taker_status, taker_done
):
    maker = floor.place(floor.ann, "BUY", quantity="1", price="100")
    taker = floor.place(floor.ann, "SELL", quantity="2", price="100", stp_mode=StpMode(mode))
    assert (maker.status, to_text(maker.executed)) == (maker_status, to_text(int(maker_done) * 10**8))
    assert (taker.status, to_text(taker.executed)) == (taker_status, to_text(int(taker_done) * 10**8))


def test_decrement_takes_the_same_quantity_out_of_both(floor):
    maker = floor.place(floor.ann, "BUY", quantity="3", price="100")
    taker = floor.place(floor.ann, "SELL", quantity="1", price="100", stp_mode=StpMode.DECREMENT)
    assert (to_text(maker.remaining), to_text(maker.prevented), maker.status) == ("2.00000000", "1.00000000", "NEW")
    assert (taker.remaining, taker.status) == (0, "EXPIRED_IN_MATCH")
    kinds = [event.execution for event in floor.events if isinstance(event, OrderUpdate)]
    assert kinds.count(ExecutionType.TRADE_PREVENTION) == 2


def test_orders_of_others_behind_the_own_one_still_trade(floor):
    own = floor.place(floor.ann, "BUY", quantity="1", price="100")
    other = floor.place(floor.bob, "BUY", quantity="1", price="100")
    taker = floor.place(floor.ann, "SELL", quantity="1", price="100")
    assert (own.status, other.status, taker.status) == ("EXPIRED_IN_MATCH", "FILLED", "FILLED")


def test_fill_or_kill_does_not_count_on_the_own_orders(floor):
    floor.place(floor.ann, "BUY", quantity="1", price="100")
    taker = floor.place(floor.ann, "SELL", quantity="1", price="100", time_in_force="FOK")
    assert (taker.status, taker.executed) == ("EXPIRED", 0)


def test_the_house_trades_with_itself(floor):
    floor.trade_at("100", "2")
    assert floor.exchange.engine.desk.books["BTCUSDT"].last_price == 100 * 10**8
