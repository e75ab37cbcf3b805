"""What to do with the protection that rests, given what should: one row for each case."""

from decimal import Decimal

import pytest

from app.domain.guarding import Guard, GuardMove, Leg, guard_move, guard_of, stop_limit
from app.domain.instrument import Instrument, Stops
from app.domain.order import OrderStatus
from app.domain.protection import Protection

ONE, HALF = Decimal(1), Decimal("0.5")
ALL = Stops(at_market=True, at_limit=True, oco=True)
PLAIN = Stops(at_market=True)
OPEN, PARTLY, UNKNOWN = OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED, OrderStatus.UNKNOWN


def stop(price=90, quantity=ONE, status=OPEN, *, limit=None, leaving=False):
    return Leg(status, quantity, Decimal(price), limit, leaving)


def target(price=120, quantity=ONE, status=OPEN, *, leaving=False):
    return Leg(status, quantity, None, Decimal(price), leaving)


STRANGE = Leg(OPEN, ONE, None, None, is_leaving=False)  # adopted: what it is was not told
STOP_ONLY, BOTH = Guard(ONE, Decimal(90), None), Guard(ONE, Decimal(90), Decimal(120))


@pytest.mark.parametrize(
    ("wanted", "legs", "move"),
    [
        pytest.param(None, [], GuardMove.KEEP, id="nothing is held and nothing rests"),
        pytest.param(STOP_ONLY, [], GuardMove.PLACE, id="an entry was filled, or protection was lost"),
        pytest.param(STOP_ONLY, [stop()], GuardMove.KEEP, id="the stop rests"),
        pytest.param(BOTH, [stop(), target()], GuardMove.KEEP, id="both rest"),
        pytest.param(STOP_ONLY, [stop(limit=Decimal(88))], GuardMove.KEEP, id="a stop with a limit is a stop"),
        pytest.param(None, [stop()], GuardMove.CANCEL, id="the position is gone"),
        pytest.param(None, [stop(leaving=True)], GuardMove.CANCEL, id="a cancel that nobody confirmed"),
        pytest.param(None, [stop(), target()], GuardMove.CANCEL, id="the position is gone, both rest"),
        pytest.param(STOP_ONLY, [stop(89)], GuardMove.REPLACE, id="the stop trails"),
        pytest.param(BOTH, [stop(), target(119)], GuardMove.REPLACE, id="the target moved"),
        pytest.param(STOP_ONLY, [stop(quantity=HALF)], GuardMove.REPLACE, id="more was bought"),
        pytest.param(BOTH, [stop(), target(quantity=HALF)], GuardMove.REPLACE, id="the target was filled in part"),
        pytest.param(BOTH, [target()], GuardMove.REPLACE, id="the stop alone is gone"),
        pytest.param(BOTH, [target(quantity=HALF, status=PARTLY)], GuardMove.REPLACE, id="partly taken, no stop"),
        pytest.param(BOTH, [stop()], GuardMove.REPLACE, id="the target alone is gone"),
        pytest.param(STOP_ONLY, [stop(), target()], GuardMove.REPLACE, id="a target that is not wanted"),
        pytest.param(STOP_ONLY, [stop(), stop()], GuardMove.REPLACE, id="two where one should be"),
        pytest.param(STOP_ONLY, [stop(leaving=True)], GuardMove.REPLACE, id="it was to be replaced already"),
        pytest.param(STOP_ONLY, [STRANGE], GuardMove.REPLACE, id="adopted, of an unknown kind"),
        pytest.param(STOP_ONLY, [stop(status=UNKNOWN)], GuardMove.WAIT, id="in doubt"),
        pytest.param(BOTH, [stop(), target(status=UNKNOWN)], GuardMove.WAIT, id="one of two in doubt"),
        pytest.param(None, [stop(status=UNKNOWN)], GuardMove.WAIT, id="in doubt, and not wanted any more"),
        pytest.param(BOTH, [stop(status=OrderStatus.CREATED)], GuardMove.WAIT, id="died before it was sent"),
    ],
)
def test_the_move(wanted, legs, move):
    assert guard_move(wanted, legs) is move


def market(stops=ALL):
    return Instrument("BTC/USDT", Decimal("0.01"), Decimal("0.001"), stops=stops)


def held(*, stop=Decimal("90.004"), target=Decimal(120), quantity="1.0004", part=None):
    return Protection(Decimal(quantity), stop, target, Decimal(part or quantity))


@pytest.mark.parametrize(
    ("protection", "stops", "guard"),
    [
        pytest.param(held(), ALL, BOTH, id="on the grid, never more than is held"),
        pytest.param(held(target=None), ALL, STOP_ONLY, id="no target"),
        pytest.param(held(part="0.5"), ALL, STOP_ONLY, id="a stage is taken by the bot, the stop of all rests"),
        pytest.param(held(), PLAIN, STOP_ONLY, id="no lists on this market"),
        pytest.param(held(), Stops(), None, id="no stops on this market"),
        pytest.param(held(stop=None), ALL, None, id="a target without a stop is taken by the bot"),
        pytest.param(held(quantity="0.0004"), ALL, None, id="nothing on the grid"),
        pytest.param(None, ALL, None, id="nothing held"),
    ],
)
def test_what_should_rest(protection, stops, guard):
    assert guard_of(protection, market(stops)) == guard


def test_a_stop_with_a_limit_sells_down_to_an_offset_below_its_stop():
    assert stop_limit(Decimal(90), Decimal("0.02"), market()) == Decimal("88.2")
