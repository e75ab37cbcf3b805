import itertools

import pytest

from exchange_simulator.market.clock import VirtualClock

START = 1_700_000_000_000_000


class Machine:
    """A monotonic clock that the test turns."""

    def __init__(self) -> None:
        self.ns = 5_000_000_000

    def __call__(self) -> int:
        return self.ns


@pytest.mark.parametrize(
    ("speed", "passed_us"),
    [
        pytest.param(1.0, 2_000_000, id="real time"),
        pytest.param(60.0, 120_000_000, id="a minute per second"),
        pytest.param(0.5, 1_000_000, id="half as fast"),
        pytest.param(0.0, 0, id="stepped by hand stands still"),
    ],
)
def test_virtual_time_passes_at_the_clocks_speed(speed: float, passed_us: int):
    machine = Machine()
    clock = VirtualClock(START, speed, monotonic_ns=machine)
    machine.ns += 2_000_000_000
    assert clock.now_us() == START + passed_us


def test_a_step_moves_a_clock_that_stands_still():
    clock = VirtualClock(START, 0)
    assert clock.advance_by(1_500_000) == START + 1_500_000
    assert clock.now_us() == START + 1_500_000


def test_a_step_backwards_is_refused():
    with pytest.raises(ValueError, match="only forward"):
        VirtualClock(START, 0).advance_by(-1)


@pytest.mark.parametrize("speed", [-1.0, float("inf"), float("nan")])
def test_a_speed_that_is_no_speed_is_refused(speed: float):
    with pytest.raises(ValueError, match="the speed is"):
        VirtualClock(START, speed)


def test_a_change_of_speed_keeps_the_present_instant():
    machine = Machine()
    clock = VirtualClock(START, 10, monotonic_ns=machine)
    machine.ns += 1_000_000_000
    clock.set_speed(2)
    assert clock.now_us() == START + 10_000_000
    machine.ns += 1_000_000_000
    assert clock.now_us() == START + 12_000_000


def test_a_restored_clock_goes_on_where_the_saved_one_stood():
    machine = Machine()
    clock = VirtualClock(START, 3, monotonic_ns=machine)
    machine.ns += 1_000_000_000
    state = clock.state()
    machine.ns += 9_000_000_000
    restored = VirtualClock.restore(state, monotonic_ns=machine)
    assert restored.now_us() == START + 3_000_000
    assert restored.speed == 3


def test_a_past_event_sees_its_own_instant_and_the_time_after_it_is_the_running_one():
    clock = VirtualClock(START, 0)
    with clock.at(START - 7):
        assert clock.now_us() == START - 7
        with clock.at(START - 3):
            assert clock.now_us() == START - 3
        assert clock.now_us() == START - 7
    assert clock.now_us() == START


def test_a_clock_from_now_never_runs_backwards():
    clock = VirtualClock.from_now(1000)
    seen = [clock.now_us() for _ in range(1000)]
    assert all(earlier <= later for earlier, later in itertools.pairwise(seen))
