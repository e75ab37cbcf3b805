"""The rule for the newest order of a market, as a table; and the prices at which orders are sent again."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.instrument import Instrument
from app.domain.order import OrderStatus
from app.domain.resting import (
    FollowUp,
    Move,
    OrderStyle,
    Plan,
    Purpose,
    RestingOrder,
    Standing,
    limit_price,
    next_move,
    runs_away,
)

PATIENT = OrderStyle(is_limit=True, time_to_live_ms=60_000, most_repricings=2)
GIVES_UP = OrderStyle(is_limit=True, time_to_live_ms=60_000, most_repricings=0, falls_back=False)
NOTHING, WAIT = Plan(Move.NOTHING), Plan(Move.WAIT)
REPRICE, MARKET, STOP = (Plan(Move.CANCEL, follow_up) for follow_up in FollowUp)

ROWS = [
    # purpose, status, limit?, age s, attempt, follow-up, style, what to do
    pytest.param("entry", "unknown", 1, 999, 1, None, PATIENT, WAIT, id="in doubt: it must be found first"),
    pytest.param("exit", "submitted", 1, 999, 1, None, PATIENT, WAIT, id="on its way"),
    pytest.param("entry", "open", 1, 59, 1, None, PATIENT, WAIT, id="its time is not over"),
    pytest.param("entry", "open", 1, 60, 1, None, PATIENT, REPRICE, id="its time is over: a new price"),
    pytest.param("entry", "partially_filled", 1, 60, 2, None, PATIENT, REPRICE, id="also what is left of it"),
    pytest.param("entry", "open", 1, 60, 3, None, PATIENT, MARKET, id="often enough: the market's price"),
    pytest.param("entry", "open", 1, 60, 1, None, GIVES_UP, STOP, id="an entry may be given up"),
    pytest.param("exit", "open", 1, 60, 1, None, GIVES_UP, MARKET, id="an exit never is"),
    pytest.param("entry", "open", 0, 999, 1, None, PATIENT, WAIT, id="a market order that is slow"),
    pytest.param(None, "open", 1, 999, 1, None, PATIENT, WAIT, id="adopted: its wish is not known"),
    pytest.param("entry", "open", 1, 1, 1, "stop", PATIENT, STOP, id="the cancel is not confirmed: again"),
    pytest.param("exit", "partially_filled", 1, 1, 1, "market", PATIENT, MARKET, id="also after a restart"),
    pytest.param("entry", "canceled", 1, 99, 1, "reprice", PATIENT, "reprice", id="cancelled: what follows, follows"),
    pytest.param("entry", "canceled", 1, 99, 3, "market", PATIENT, "market", id="cancelled: the market's price"),
    pytest.param("entry", "canceled", 1, 99, 1, "stop", PATIENT, NOTHING, id="given up"),
    pytest.param("entry", "filled", 1, 99, 1, "reprice", PATIENT, NOTHING, id="filled while it was cancelled"),
    pytest.param("exit", "filled", 0, 99, 1, None, PATIENT, NOTHING, id="filled"),
    pytest.param("entry", "canceled", 1, 99, 1, None, PATIENT, NOTHING, id="an entry that the owner cancelled is over"),
    pytest.param(
        "entry", "expired", 0, 99, 1, None, PATIENT, NOTHING, id="an entry that found no more sellers is over"
    ),
    pytest.param("exit", "canceled", 1, 99, 1, None, PATIENT, "market", id="an exit that was cancelled comes again"),
    pytest.param("exit", "expired", 0, 99, 1, None, PATIENT, "market", id="an exit that found no more buyers, too"),
    pytest.param("exit", "rejected", 0, 99, 1, None, PATIENT, NOTHING, id="refused: the bot decides again"),
    pytest.param("exit", "rejected", 0, 0, 2, None, PATIENT, "market", id="the second attempt was refused: again"),
    pytest.param("exit", "rejected", 0, 59, 4, None, PATIENT, WAIT, id="again and again: once a minute"),
    pytest.param("exit", "rejected", 0, 60, 4, None, PATIENT, "market", id="a minute later"),
    pytest.param("entry", "rejected", 1, 99, 2, None, PATIENT, NOTHING, id="an entry that is refused is over"),
    pytest.param(None, "canceled", 1, 99, 1, None, PATIENT, NOTHING, id="adopted and over"),
]


@pytest.mark.parametrize(("purpose", "status", "is_limit", "age", "attempt", "follow_up", "style", "plan"), ROWS)
def test_what_to_do_with_the_newest_order(purpose, status, is_limit, age, attempt, follow_up, style, plan):
    standing = Standing(
        purpose=None if purpose is None else Purpose(purpose),
        status=OrderStatus(status),
        is_limit=bool(is_limit),
        age_ms=age * 1_000,
        attempt=attempt,
        follow_up=None if follow_up is None else FollowUp(follow_up),
    )
    expected = Plan(Move.REPLACE, FollowUp(plan)) if isinstance(plan, str) else plan
    assert next_move(standing, style) == expected


@given(
    purpose=st.sampled_from(Purpose),
    status=st.sampled_from(OrderStatus),
    age=st.integers(0, 10**9),
    attempt=st.integers(1, 50),
    follow_up=st.none() | st.sampled_from(FollowUp),
)
def test_nothing_is_ordered_while_an_order_rests_or_is_in_doubt(purpose, status, age, attempt, follow_up):
    plan = next_move(Standing(purpose, status, True, age, attempt, follow_up), PATIENT)
    if plan.move is Move.REPLACE:
        assert not status.rests
        assert not status.is_unresolved
        assert status is not OrderStatus.FILLED


GRID = Instrument("BTC/USDT", price_tick=Decimal("0.5"))


@pytest.mark.parametrize(
    ("purpose", "offset_bp", "price"),
    [
        pytest.param(Purpose.ENTRY, 0, "10000", id="at the close"),
        pytest.param(Purpose.ENTRY, 10, "9990", id="a buy is cheaper"),
        pytest.param(Purpose.EXIT, 10, "10010", id="a sale is dearer"),
        pytest.param(Purpose.ENTRY, -5, "10005", id="worse, so that it fills at once"),
        pytest.param(Purpose.ENTRY, "0.3", "9999.5", id="a buy is rounded down"),
        pytest.param(Purpose.EXIT, "0.3", "10000.5", id="a sale is rounded up"),
    ],
)
def test_a_limit_is_better_than_the_price_by_basis_points_and_never_worse_than_asked(purpose, offset_bp, price):
    assert limit_price(purpose, Decimal(10_000), Decimal(offset_bp), GRID) == Decimal(price)


@pytest.mark.parametrize(("market", "away"), [("100", False), ("101", False), ("101.01", True), ("90", False)])
def test_an_entry_follows_the_market_only_so_far(market, away):
    assert runs_away(Decimal(100), Decimal(market), Decimal(100)) is away
    assert not runs_away(Decimal(100), Decimal(market), None)


def test_a_resting_order_says_how_far_it_is():
    order = RestingOrder("keel-1-00000007", Purpose.ENTRY, Decimal("0.004"), Decimal("0.01"))
    assert str(order) == "buy order keel-1-00000007 is resting, 40 % filled"
