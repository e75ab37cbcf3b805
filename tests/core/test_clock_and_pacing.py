import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import ManualClock, ScaledClock, SystemClock
from app.core.pacing import LONGEST_PAUSE_MS, Pacing
from app.domain.timeframe import Timeframe

MINUTE = Timeframe.parse("1m")


def test_a_manual_clock_jumps_forward_to_the_end_of_a_wait_and_never_beyond_its_end():
    clock, go_on = ManualClock(1_000, end_ms=5_000), threading.Event()
    clock.wait_until(3_000, go_on)
    assert (clock.now_ms(), clock.ended()) == (3_000, False)
    clock.wait_until(2_000, go_on)
    assert clock.now_ms() == 3_000
    clock.wait_until(9_000, go_on)
    assert (clock.now_ms(), clock.ended()) == (5_000, True)


@pytest.mark.parametrize(
    "clock", [ManualClock(0), ScaledClock(0, 60), SystemClock()], ids=["manual", "scaled", "system"]
)
def test_a_wait_ends_at_once_when_stop_is_set(clock):
    stop = threading.Event()
    stop.set()
    before = clock.now_ms()
    clock.wait_until(before + 3_600_000, stop)
    assert clock.now_ms() < before + 60_000


@pytest.mark.parametrize("clock", [ScaledClock(0, 1_000), SystemClock(offset_ms=-5_000)], ids=["scaled", "system"])
def test_a_wait_lasts_until_its_moment(clock):
    at_ms = clock.now_ms() + 30
    clock.wait_until(at_ms, threading.Event())
    assert clock.now_ms() >= at_ms


def test_a_stop_from_another_thread_ends_a_wait():
    clock, stop = SystemClock(), threading.Event()
    threading.Timer(0.01, stop.set).start()
    before = clock.now_ms()
    clock.wait_until(before + 3_600_000, stop)
    assert clock.now_ms() < before + 60_000


def test_a_scaled_clock_stops_at_its_end():
    clock = ScaledClock(0, 1_000_000, end_ms=500)
    clock.wait_until(10_000, threading.Event())
    assert (clock.now_ms(), clock.ended()) == (500, True)


def test_the_system_clock_adds_the_offset_of_the_exchange():
    assert abs(SystemClock(offset_ms=60_000).now_ms() - SystemClock().now_ms() - 60_000) < 5_000


def test_the_next_cycle_is_at_the_next_close():
    pacing = Pacing(MINUTE, 60_000)
    pacing.succeeded(late=False)
    assert pacing.next_cycle_ms(61_500) == 120_000
    assert pacing.next_cycle_ms(120_000) == 180_000


def test_a_shorter_sleep_comes_before_the_close():
    assert Pacing(Timeframe.parse("1h"), 5_000).next_cycle_ms(0) == 5_000


def test_failures_pause_longer_and_longer_and_a_success_resets():
    pacing, pauses = Pacing(MINUTE, 60_000), []
    for _ in range(12):
        pacing.failed()
        pauses.append(pacing.next_cycle_ms(0))
    assert pauses[:4] == [1_000, 2_000, 4_000, 8_000]
    assert pauses[-1] == LONGEST_PAUSE_MS
    pacing.succeeded(late=False)
    assert pacing.next_cycle_ms(0) == 60_000


def test_a_late_candle_is_asked_for_again_soon_then_less_often():
    pacing, pauses = Pacing(MINUTE, 10_000), []
    for _ in range(6):
        pacing.succeeded(late=True)
        pauses.append(pacing.next_cycle_ms(0))
    assert pauses == [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]


@given(st.integers(0, 10**13), st.integers(1, 10**6), st.lists(st.sampled_from(["ok", "late", "failed"]), max_size=30))
def test_the_next_cycle_is_always_later_and_never_absurdly_late(now_ms, sleep_ms, history):
    pacing = Pacing(MINUTE, sleep_ms)
    for event in history:
        if event == "failed":
            pacing.failed()
        else:
            pacing.succeeded(late=event == "late")
    assert now_ms < pacing.next_cycle_ms(now_ms) <= now_ms + max(sleep_ms, LONGEST_PAUSE_MS)
