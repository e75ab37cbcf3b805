"""What may be asked of an exchange: weights, orders, bans, and what interrupts the traffic."""

import pytest

from app.core.clock import ManualClock
from app.exchanges.budget import Lane, RequestBudget

NOW_MS = 1_700_000_040_000  # a whole minute


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_MS)


@pytest.fixture
def budget(clock) -> RequestBudget:
    return RequestBudget(clock)


def later(clock, seconds):
    clock.wait_until(clock.now_ms() + round(seconds * 1_000), type("Never", (), {"is_set": lambda _: False})())


@pytest.mark.parametrize(
    ("used", "read", "order"),
    [
        pytest.param(0, True, True, id="fresh"),
        pytest.param(4_799, True, True, id="below the reserve"),
        pytest.param(4_800, False, True, id="only the reserve is left"),
        pytest.param(5_999, False, True, id="the last of the reserve"),
        pytest.param(6_000, False, False, id="used up"),
    ],
)
def test_the_last_fifth_of_the_weight_is_for_orders_and_cancels(budget, used, read, order):
    budget.note_headers({"X-MBX-USED-WEIGHT-1M": str(used)})
    assert (budget.refusal(Lane.READ) is None, budget.refusal(Lane.ORDER) is None) == (read, order)


def test_the_weight_is_fresh_when_the_minute_turns(budget, clock):
    budget.note_headers({"x-mbx-used-weight-1m": "6000"})
    assert "6000 of 6000 request weight: wait 60 s" in budget.refusal(Lane.READ)
    later(clock, 60)
    assert budget.refusal(Lane.READ) is None


def test_the_exchanges_own_limits_replace_ours(budget):
    rows = [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 1_200},
        {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 6_100},
    ]
    budget.note_limits(rows)
    budget.note_headers({"X-MBX-USED-WEIGHT-1M": "960"})
    assert "960 of 1200" in budget.refusal(Lane.READ)


def test_an_order_too_many_is_not_sent_but_cancels_and_reads_are(budget, clock):
    budget.note_headers({"X-MBX-ORDER-COUNT-10S": "100", "X-MBX-ORDER-COUNT-1D": "100"})
    assert "100 of 100 orders" in budget.refusal(Lane.ORDER, places_order=True)
    assert budget.refusal(Lane.ORDER) is None
    assert budget.refusal(Lane.READ) is None
    later(clock, 10)
    assert budget.refusal(Lane.ORDER, places_order=True) is None


@pytest.mark.parametrize(
    ("retry_after_s", "until_ms", "seconds"),
    [
        pytest.param(7, None, 7, id="Retry-After"),
        pytest.param(None, NOW_MS + 9_000, 9, id="banned until"),
        pytest.param(None, None, 60, id="neither: a minute"),
    ],
)
def test_a_ban_shuts_every_lane_until_it_ends_and_then_counts_as_an_interruption(
    budget, clock, retry_after_s, until_ms, seconds
):
    budget.note_limit(-1003, retry_after_s, until_ms)
    assert all(budget.refusal(lane) for lane in Lane)
    later(clock, seconds - 0.001)
    assert all(budget.refusal(lane) for lane in Lane)
    later(clock, 0.001)
    assert not any(budget.refusal(lane) for lane in Lane)
    budget.note_success()
    assert budget.interruptions == 1


def test_too_many_orders_shuts_the_lane_of_orders_alone(budget):
    budget.note_limit(-1015, None, None)
    assert budget.refusal(Lane.ORDER)
    assert budget.refusal(Lane.READ) is None


def test_an_outage_is_one_interruption_when_it_ends(budget):
    budget.note_success()
    budget.note_doubt()
    budget.note_doubt()
    assert budget.interruptions == 0
    budget.note_success()
    budget.note_success()
    assert budget.interruptions == 1
