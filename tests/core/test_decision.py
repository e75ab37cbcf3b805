from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.decision import Action, Signal, around_resting, decide
from app.core.enums import OrderSide
from app.domain.resting import Purpose, RestingOrder

FLAT, LONG = Decimal(0), Decimal("0.5")


@pytest.mark.parametrize(
    ("signal", "last", "held", "action", "reason"),
    [
        pytest.param(1, None, FLAT, "enter", "buy signal while flat", id="first buy"),
        pytest.param(1, 0, FLAT, "enter", "buy signal while flat", id="buy after neutral"),
        pytest.param(1, -1, FLAT, "enter", "buy signal while flat", id="buy after sell"),
        pytest.param(1, 1, FLAT, "hold", "unchanged", id="the same buy again while flat"),
        pytest.param(1, 1, LONG, "hold", "unchanged", id="the same buy again while long"),
        pytest.param(1, 0, LONG, "hold", "already long 0.5", id="buy while long"),
        pytest.param(-1, 0, LONG, "exit", "sell signal while long 0.5", id="sell while long"),
        pytest.param(-1, 1, LONG, "exit", "sell signal while long 0.5", id="sell after buy"),
        pytest.param(-1, -1, LONG, "hold", "unchanged", id="the same sell again"),
        pytest.param(-1, None, FLAT, "hold", "nothing is held", id="sell while flat"),
        pytest.param(0, None, FLAT, "hold", "neutral", id="neutral while flat"),
        pytest.param(0, 1, LONG, "hold", "neutral", id="neutral while long"),
    ],
)
def test_the_decision_follows_from_signal_last_signal_and_position(signal, last, held, action, reason):
    decision = decide(Signal(signal), None if last is None else Signal(last), held)
    assert decision.action == action
    assert reason in decision.reason


@pytest.mark.parametrize(
    ("entries", "max_entries", "action", "reason"),
    [
        pytest.param(1, 1, "hold", "already long 0.5", id="one entry is all"),
        pytest.param(1, 2, "enter", "added to 0.5", id="a second entry"),
        pytest.param(2, 2, "hold", "already long 0.5", id="no third one"),
    ],
)
def test_a_new_buy_signal_adds_to_a_position_that_may_have_more_entries(entries, max_entries, action, reason):
    decision = decide(Signal.BUY, Signal.NEUTRAL, LONG, entries=entries, max_entries=max_entries)
    assert (decision.action, reason in decision.reason) == (action, True)


@given(
    st.sampled_from(Signal),
    st.none() | st.sampled_from(Signal),
    st.decimals(min_value=0, max_value=100, allow_nan=False),
)
def test_an_order_always_changes_the_position_towards_the_signal(signal, last, held):
    side = decide(signal, last, held).action.side
    assert side is None or (side is OrderSide.BUY and signal == 1 and held == 0) or (
        side is OrderSide.SELL and signal == -1 and held > 0
    )  # fmt: skip


def test_only_enter_and_exit_need_an_order():
    assert {action: action.side for action in Action} == {
        Action.ENTER: OrderSide.BUY,
        Action.EXIT: OrderSide.SELL,
        Action.CANCEL: None,
        Action.HOLD: None,
        Action.NO_DECISION: None,
    }


def _resting(purpose: Purpose | None) -> RestingOrder | None:
    return None if purpose is None else RestingOrder("keel-1", purpose, Decimal("0.4"), Decimal(1))


@pytest.mark.parametrize(
    ("resting", "signal", "held", "action", "words"),
    [
        pytest.param(None, 1, 0, Action.ENTER, "entered", id="nothing rests"),
        pytest.param(
            Purpose.ENTRY, 1, 0, Action.HOLD, "buy order keel-1 is resting, 40 % filled", id="no second entry"
        ),
        pytest.param(Purpose.ENTRY, 0, 0, Action.HOLD, "is resting", id="it goes on resting"),
        pytest.param(
            Purpose.ENTRY, -1, 0, Action.CANCEL, "cancelled: sell signal", id="nothing held yet: no more entry"
        ),
        pytest.param(Purpose.ENTRY, -1, 1, Action.EXIT, "and is cancelled first", id="the exit goes first"),
        pytest.param(Purpose.EXIT, -1, 1, Action.HOLD, "sell order keel-1 is resting", id="no second exit"),
        pytest.param(Purpose.EXIT, 0, 1, Action.HOLD, "sell order keel-1 is resting", id="the exit goes on"),
        pytest.param(
            Purpose.EXIT, 1, 1, Action.NO_DECISION, "buy signal, but sell order", id="decided when it is done"
        ),
    ],
)
def test_beside_an_order_that_rests(resting, signal, held, action, words):
    decision = around_resting(decide(Signal(signal), None, Decimal(held)), Signal(signal), _resting(resting))
    assert decision.action is action
    assert words in decision.reason
