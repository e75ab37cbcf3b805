"""The measure of a position without a stop, on made-up lives."""

from decimal import Decimal

import pytest

from app.chaos.bareness import Arm, Noted, bare, uncovered

BOUGHT, SOLD = Decimal(1), Decimal(-1)


def life(*ends):
    return [Noted(at_ms, arm) for at_ms, arm in ends]


@pytest.mark.parametrize(
    ("changes", "stops", "spans"),
    [
        pytest.param([(10, BOUGHT), (90, SOLD)], [], [(10, 90)], id="no stop at all"),
        pytest.param([(10, BOUGHT), (90, SOLD)], [(10, 1), (90, 0)], [], id="a stop from the entry on"),
        pytest.param([(10, BOUGHT), (90, SOLD)], [(30, 1), (50, 0)], [(10, 30), (50, 90)], id="before and after it"),
        pytest.param([(10, BOUGHT)], [(20, 1)], [(10, 20)], id="still held"),
        pytest.param([(10, Decimal("0.001"))], [], [], id="dust"),
    ],
)
def test_it_is_known_when_a_position_had_no_stop_at_the_exchange(changes, stops, spans):
    assert uncovered(changes, stops, Decimal("0.1")) == spans


FROZEN = life((0, Arm.FROZEN), (60, Arm.FROZEN), (120, Arm.ARMED))


@pytest.mark.parametrize(
    ("lives", "spans", "found"),
    [
        pytest.param([FROZEN], [(0, 500)], [(0, 120)], id="frozen for two cycles"),
        pytest.param([FROZEN], [(0, 50)], [], id="a stop came within one"),
        pytest.param([life((0, Arm.FROZEN), (60, Arm.ARMED))], [(0, 500)], [], id="frozen for one cycle"),
        pytest.param(
            [life((0, Arm.ARMED), (60, Arm.LEAVING), (200, Arm.ARMED))], [(0, 500)], [], id="an exit in doubt"
        ),
        pytest.param([FROZEN[:2], FROZEN[:2]], [(0, 500)], [], id="a restart begins anew"),
    ],
)
def test_a_position_is_bare_when_its_own_stop_could_not_act_either(lives, spans, found):
    assert list(bare(lives, spans, 61)) == found
