import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from app.domain.order import TRANSITIONS, IllegalTransitionError, OrderEvent, OrderStatus, after

FILLS = (OrderEvent.FILL, OrderEvent.COMPLETE)


@pytest.mark.parametrize(
    ("events", "status"),
    [
        pytest.param("submit accept fill complete", "filled", id="the ordinary way"),
        pytest.param("submit complete", "filled", id="a market order"),
        pytest.param("submit reject", "rejected", id="refused"),
        pytest.param("submit doubt accept complete", "filled", id="the answer was lost, the order was not"),
        pytest.param("submit doubt absent", "rejected", id="the order was lost"),
        pytest.param("submit accept cancel fill", "canceled", id="a fill overtook the cancel"),
        pytest.param("submit accept cancel complete", "filled", id="all was traded before the cancel"),
        pytest.param("submit complete accept", "filled", id="the acknowledgement comes after the fill"),
        pytest.param("submit accept complete cancel", "filled", id="a cancel that came too late"),
        pytest.param("doubt complete", "filled", id="killed before sending was recorded, but it was sent"),
        pytest.param("submit doubt absent complete", "filled", id="thought absent, then it was found"),
        pytest.param("submit fill expire", "expired", id="a market order in a thin book"),
    ],
)
def test_an_order_lives_as_the_table_says(events, status):
    state = OrderStatus.CREATED
    for event in events.split():
        state = after(state, OrderEvent(event))
    assert state == status


@pytest.mark.parametrize(
    ("status", "event"),
    [
        pytest.param("created", "fill", id="filled before it was sent"),
        pytest.param("submitted", "absent", id="absence is proven only after a doubt"),
        pytest.param("open", "absent", id="an open order was seen"),
        pytest.param("filled", "reject", id="refused after it was traded"),
        pytest.param("open", "submit", id="sent twice"),
        pytest.param("unknown", "submit", id="sent again without knowing"),
    ],
)
def test_what_cannot_happen_raises(status, event):
    with pytest.raises(IllegalTransitionError, match=f"{status} cannot {event}"):
        after(OrderStatus(status), OrderEvent(event))


@given(st.sampled_from(OrderStatus))
def test_a_fill_is_never_refused_once_the_order_may_have_been_sent(status):
    if status is not OrderStatus.CREATED:
        assert all((status, event) in TRANSITIONS for event in FILLS)


def test_no_row_sends_an_order_a_second_time():
    assert [row for row in TRANSITIONS if row[1] is OrderEvent.SUBMIT] == [(OrderStatus.CREATED, OrderEvent.SUBMIT)]


class OrderLife(RuleBasedStateMachine):
    """Arbitrary events in arbitrary order: whatever comes, what was traded stays traded."""

    def __init__(self):
        super().__init__()
        self.status = OrderStatus.CREATED
        self.sent = self.traded = self.complete = False

    @rule(event=st.sampled_from(OrderEvent))
    def happen(self, event):
        try:
            self.status = after(self.status, event)
        except IllegalTransitionError:
            return
        self.sent |= event is OrderEvent.SUBMIT
        self.traded |= event in FILLS
        self.complete |= event is OrderEvent.COMPLETE

    @invariant()
    def what_was_traded_is_never_called_rejected(self):
        if self.traded and self.status is OrderStatus.REJECTED:
            raise AssertionError("a traded order was called rejected")

    @invariant()
    def what_was_traded_completely_stays_filled(self):
        assert not self.complete or self.status is OrderStatus.FILLED

    @invariant()
    def an_order_never_goes_back_to_created(self):
        assert not self.sent or self.status is not OrderStatus.CREATED


test_any_sequence_of_events_keeps_what_was_traded = OrderLife.TestCase
