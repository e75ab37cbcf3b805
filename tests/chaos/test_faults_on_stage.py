"""Faults by their number in the fault list that show only in the life of a whole bot."""

import signal

import pytest

from app.chaos.case import UNPROTECTED, Kill
from app.chaos.faults import CANDLES, GUARDED, PLACE, READ, Fault, rule
from app.chaos.invariants import SMALLEST, violations
from app.core.kill_switch import KillSwitch, Wish

pytestmark = pytest.mark.timeout(600)  # a loaded machine is no failure
MINUTE = 60_000


@pytest.mark.parametrize(
    "kinds",
    [
        pytest.param(["ws_refuse", "ws_freeze", "ws_silence", "ws_no_pong"], marks=pytest.mark.fault(22), id="dead"),
        pytest.param(
            ["ws_server_shutdown", "ws_day_close", "ws_stream_terminated"], marks=pytest.mark.fault(23), id="ended"
        ),
        pytest.param(["ws_lose", "ws_reorder", "ws_duplicate"], marks=pytest.mark.fault(24), id="lossy"),
    ],
)
def test_whatever_happens_to_sockets_the_bot_trades_on_by_polling(stage, kinds):
    run = stage()
    for kind in kinds:
        run.venue.put_up({"kind": kind, "count": None, "probability": 0.99})
    status, _ = run.live(5 * MINUTE)
    assert status == 0
    assert run.result.violations + violations(run.look()) == []
    assert len({execution.client_id for execution in run.look().ours()}) >= 2


@pytest.mark.fault(25)
@pytest.mark.parametrize("factor", [0.1, 10])
def test_a_candle_that_spikes_costs_no_more_than_one_position(stage, factor):
    run = stage()
    run.venue.put_up(rule("kline_spike", CANDLES, 1, count=None, back=2, factor=factor))
    run.venue.put_up(rule("kline_spike", CANDLES, 1, count=None, back=1, factor=factor))
    status, _ = run.live(5 * MINUTE)
    assert status == 0
    assert violations(run.look()) == []


@pytest.mark.fault(27)
def test_after_a_maintenance_the_bot_compares_and_trades_on(stage):
    run = stage()
    run.live(2 * MINUTE, Kill(2, since="insert trades"))
    held = run.look().books.position
    closed = [rule("maintenance", where, 1, count=None) for where in (READ, PLACE)]
    for one in closed:
        run.venue.put_up(one)
    run.live(3 * MINUTE)
    run.venue.clear()
    run.live(8 * MINUTE)
    assert held > 0
    assert [execution.side for execution in run.look().ours()][:3] == ["buy", "sell", "buy"]
    assert violations(run.look()) == []


@pytest.mark.fault(37)
@pytest.mark.parametrize(
    "point",
    [
        "insert orders",
        "POST /api/v3/order: unsent",
        "POST /api/v3/order: unread",
        "insert trades",
        "update steps",
    ],
)
def test_asked_to_stop_in_the_middle_of_an_order_the_bot_finishes_it_first(stage, point):
    run = stage()
    status, trace = run.live(5 * MINUTE, Kill(1, since=point, number=signal.SIGTERM))
    assert status == 0
    assert point in trace.end
    assert violations(run.look()) == []
    assert [execution.side for execution in run.look().ours()] == ["buy"]


@pytest.mark.fault(38)
def test_a_restart_knows_the_position_and_the_signal_it_acted_upon(stage):
    run = stage()
    run.live(2 * MINUTE, Kill(1, since="update steps: after"))
    run.live(30_000)
    assert [execution.side for execution in run.look().ours()] == ["buy"]
    run.live(3 * MINUTE)
    assert [execution.side for execution in run.look().ours()][:2] == ["buy", "sell"]
    assert violations(run.look()) == []


@pytest.mark.parametrize("foreign", [False, True])
def test_the_kill_switch_sells_also_while_protection_is_in_doubt(stage, foreign):
    run = stage(GUARDED, foreign=foreign)
    run.live(12 * MINUTE, Kill(1, since=UNPROTECTED))
    held = run.look().books.position
    KillSwitch(str(run.folder / "keel.db")).ask(Wish.HALT_AND_CLOSE)
    run.live(30_000)
    assert held >= SMALLEST
    assert (run.look().books.position < SMALLEST) is not foreign  # beside coins of others it waits for proof
    status, _ = run.live(4 * MINUTE)
    assert status == 0
    assert run.look().books.position < SMALLEST
    assert violations(run.look()) == []
    assert run.look().truth.open_client_ids() == set()


@pytest.mark.parametrize("dies", [False, True])
def test_where_positions_have_several_entries_a_lost_answer_still_makes_one_of_one_signal(stage, dies):
    run = stage(Fault("two entries", settings={"risk": {"max_entries": 2}}))
    run.venue.put_up({"kind": "reset", "phase": "after", **PLACE})
    run.venue.put_up({"kind": "reset", "method": "GET", "path": PLACE["path"]})
    if dies:
        run.live(2 * MINUTE, Kill(1, since="GET /api/v3/order: unread"))
    run.live(3 * MINUTE)
    assert [execution.side for execution in run.look().ours()][:2] == ["buy", "sell"]
    assert violations(run.look()) == []
