"""The exchange's clock against ours: the best of several samples, again after ten minutes and after every step."""

from itertools import cycle

import pytest

from app.core.clock import ManualClock
from app.exchanges.time_difference import AGE_MS, FRESH_MS, StepWatch, TimeDifference


class Machine(ManualClock):
    """Wall time and monotonic time that a test moves apart."""

    def __init__(self):
        super().__init__(1_000_000)
        self.running_ms = 0

    def monotonic_ms(self):
        return self.running_ms

    def passes(self, ms, *, asleep_ms=0):
        self.running_ms += ms
        self._now_ms += ms + asleep_ms


def exchange(machine, ahead_ms, trips):
    """Asks an exchange whose clock is ahead of ours; each question takes the next of `trips` (out, back)."""
    ways = cycle(trips)

    def ask():
        out, back = next(ways)
        machine.passes(out)
        answer = machine.now_ms() + ahead_ms
        machine.passes(back)
        return answer

    return ask


@pytest.mark.parametrize("ahead_ms", [0, 700, -2_500])
def test_the_sample_with_the_shortest_round_trip_counts(ahead_ms):
    machine = Machine()
    difference = TimeDifference(exchange(machine, ahead_ms, [(10, 800), (20, 20), (900, 10)]), machine)
    assert difference.ms() == -ahead_ms


def test_it_is_measured_again_when_it_is_old_or_forgotten_and_not_before():
    machine = Machine()
    asked = []
    ask = exchange(machine, 100, [(5, 5)])
    difference = TimeDifference(lambda: asked.append(1) or ask(), machine)
    for _ in range(3):
        difference.ms()
    assert len(asked) == 3
    difference.forget()
    difference.ms()
    assert len(asked) == 6
    machine.passes(AGE_MS)
    difference.ms()
    assert len(asked) == 9


@pytest.mark.parametrize(
    ("ms", "asleep_ms", "stepped"),
    [
        pytest.param(3_600_000, 0, False, id="an hour of work"),
        pytest.param(1_000, 30_000, True, id="asleep for half a minute"),
        pytest.param(1_000, -5_000, True, id="the clock was set back"),
        pytest.param(60_000, 40, False, id="the clock was slewed a little"),
    ],
)
def test_sleep_and_a_clock_that_was_set_are_noticed_once(ms, asleep_ms, stepped):
    machine = Machine()
    watch = StepWatch(machine)
    machine.passes(ms, asleep_ms=asleep_ms)
    assert watch.stepped() is stepped
    assert not watch.stepped()


def test_the_time_is_computed_while_the_last_answer_is_fresh_and_not_after_a_step():
    machine = Machine()
    difference = TimeDifference(exchange(machine, 700, [(5, 5)]), machine)
    assert difference.computed_ms() is None
    difference.ms()
    machine.passes(FRESH_MS - 1)
    assert difference.computed_ms() == machine.now_ms() + 700
    machine.passes(1)
    assert difference.computed_ms() is None
    assert difference.asked_ms() == machine.now_ms() - 5 + 700
    assert difference.computed_ms() == machine.now_ms() + 700
    difference.forget()
    assert difference.computed_ms() is None


def test_what_would_have_to_be_asked_soon_is_asked_early():
    machine = Machine()
    asked = []
    ask = exchange(machine, 100, [(5, 5)])
    difference = TimeDifference(lambda: asked.append(1) or ask(), machine)
    for after_ms, questions in [(0, 3), (FRESH_MS // 2 - 100, 3), (100, 4), (AGE_MS // 2, 7)]:
        machine.passes(after_ms)
        difference.renew()
        assert len(asked) == questions


def test_an_exchange_whose_clock_runs_at_another_speed_is_asked_each_time():
    machine = Machine()
    difference = TimeDifference(lambda: machine.now_ms() * 60, machine)
    difference.ms()
    machine.passes(1_000)
    assert difference.asked_ms() == machine.now_ms() * 60
    assert difference.computed_ms() is None
