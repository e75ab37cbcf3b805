"""Which candles of a frame count, what is missing and how late the newest is."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.window import COLUMNS, inspect_window
from app.domain.errors import DataError
from app.domain.timeframe import Timeframe

MINUTE = Timeframe.parse("1m")
ORIGIN = 1_735_689_600_000  # 2025-01-01 00:00 UTC
GOOD = (100.0, 101.0, 99.0, 100.5, 2.0)


def frame_of(rows, tz="UTC"):
    """A frame from (minute, open, high, low, close, volume) rows, in the given order."""
    index = pd.to_datetime([ORIGIN + minute * MINUTE.ms for minute, *_ in rows], unit="ms", utc=True)
    index = index.tz_localize(None) if tz is None else index.tz_convert(tz)
    return pd.DataFrame([values for _, *values in rows], columns=list(COLUMNS), index=index, dtype=float)


def good_frame(minutes, tz="UTC"):
    return frame_of([(minute, *GOOD) for minute in minutes], tz)


def minutes_of(window):
    return [(int(time.timestamp() * 1000) - ORIGIN) // MINUTE.ms for time in window.candles.index]


def at(minute, ms=0):
    return ORIGIN + minute * MINUTE.ms + ms


@pytest.mark.parametrize(
    ("minutes", "now_ms", "kept", "missing", "first_gap", "late", "notices"),
    [
        pytest.param([0, 1, 2], at(3), [0, 1, 2], 0, None, 0, (), id="all closed at the very moment"),
        pytest.param([0, 1, 2], at(3, -1), [0, 1], 0, None, 0, (), id="one ms before its end a candle is open"),
        pytest.param([0, 1, 2, 3], at(3, 500), [0, 1, 2], 0, None, 0, (), id="the open candle is no candle"),
        pytest.param(
            [2, 0, 1], at(3), [0, 1, 2], 0, None, 0, ("candles out of order",), id="order is restored and noticed"
        ),
        pytest.param(
            [0, 1, 1, 2, 2],
            at(3),
            [0, 1, 2],
            0,
            None,
            0,
            ("2 duplicated candles (first 2025-01-01 00:01)",),
            id="duplicates count once",
        ),
        pytest.param(
            [0, 1, 4, 6],
            at(7),
            [0, 1, 4, 6],
            3,
            "2025-01-01 00:02",
            0,
            ("3 candles missing since 2025-01-01 00:02",),
            id="holes are counted, the first is named",
        ),
        pytest.param(
            [0, 1], at(5, 30_000), [0, 1], 0, None, 3, ("the newest candle is 3 candles late",), id="late candles"
        ),
        pytest.param([0], at(2), [0], 0, None, 1, ("the newest candle is 1 candle late",), id="one late candle"),
        pytest.param([5], at(3), [], 0, None, 0, (), id="a candle of the future is not closed"),
        pytest.param([], at(3), [], 0, None, 0, (), id="no candles"),
    ],
)
def test_a_window_holds_the_closed_candles_and_says_what_is_wrong(
    minutes, now_ms, kept, missing, first_gap, late, notices
):
    window = inspect_window(good_frame(minutes), MINUTE, now_ms)
    assert (minutes_of(window), window.missing, window.first_gap) == (kept, missing, first_gap)
    assert (window.late, window.notices) == (late, notices)


@pytest.mark.parametrize(
    "impossible",
    [
        pytest.param((math.nan, 101.0, 99.0, 100.5, 2.0), id="open is NaN"),
        pytest.param((100.0, math.inf, 99.0, 100.5, 2.0), id="high is infinite"),
        pytest.param((100.0, 98.0, 99.0, 100.5, 2.0), id="high below low"),
        pytest.param((100.0, 100.2, 99.0, 100.5, 2.0), id="high below close"),
        pytest.param((100.0, 101.0, 100.2, 100.5, 2.0), id="low above open"),
        pytest.param((0.0, 101.0, 0.0, 100.5, 2.0), id="price of zero"),
        pytest.param((100.0, 101.0, -1.0, 100.5, 2.0), id="negative price"),
        pytest.param((100.0, 101.0, 99.0, 100.5, -2.0), id="negative volume"),
        pytest.param((100.0, 101.0, 99.0, 100.5, math.nan), id="volume is NaN"),
    ],
)
@pytest.mark.fault(25)
def test_an_impossible_candle_counts_as_missing(impossible):
    window = inspect_window(frame_of([(0, *GOOD), (1, *impossible), (2, *GOOD)]), MINUTE, at(3))
    assert minutes_of(window) == [0, 2]
    assert (window.missing, window.first_gap) == (1, "2025-01-01 00:01")
    assert window.notices[0] == "1 impossible candle (first 2025-01-01 00:01)"


def test_an_impossible_newest_candle_makes_the_window_late():
    window = inspect_window(frame_of([(0, *GOOD), (1, 0.0, 0.0, 0.0, 0.0, 0.0)]), MINUTE, at(2))
    assert (minutes_of(window), window.late) == ([0], 1)


@pytest.mark.fault(21)
def test_a_flat_candle_without_volume_is_a_candle():
    window = inspect_window(frame_of([(0, *GOOD), (1, 100.0, 100.0, 100.0, 100.0, 0.0)]), MINUTE, at(2))
    assert (minutes_of(window), window.notices) == ([0, 1], ())


def test_a_candle_off_the_grid_is_dropped():
    frame = good_frame([0, 1, 2, 3])
    frame.index = frame.index.where(frame.index != frame.index[1], frame.index[1] + pd.Timedelta("17s"))
    window = inspect_window(frame, MINUTE, at(4))
    assert (minutes_of(window), window.missing) == ([0, 2, 3], 1)
    assert window.notices[0] == "1 impossible candle (first 2025-01-01 00:01:17)"


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin", "America/New_York"])
def test_the_zone_of_the_index_does_not_matter(zone):
    window = inspect_window(good_frame([0, 1, 2], zone), MINUTE, at(3))
    assert minutes_of(window) == [0, 1, 2]
    assert str(window.candles.index.tz) == "UTC"


@pytest.mark.parametrize("day", ["2025-03-30", "2025-10-26"], ids=["spring forward", "fall back"])
@pytest.mark.fault(26)
def test_the_days_on_which_clocks_change_have_no_hole_and_no_duplicate(day):
    hours = pd.date_range(day, periods=24, freq="1h", tz="UTC").tz_convert("Europe/Berlin")
    frame = pd.DataFrame([GOOD] * 24, columns=list(COLUMNS), index=hours)
    hour = Timeframe.parse("1h")
    window = inspect_window(frame, hour, int(hours[-1].timestamp() * 1000) + hour.ms)
    assert (len(window.candles), window.missing, window.notices) == (24, 0, ())


def test_other_columns_and_their_order_do_not_matter():
    frame = good_frame([0, 1])[["volume", "close", "low", "high", "open"]].assign(trades=7)
    window = inspect_window(frame, MINUTE, at(2))
    assert list(window.candles.columns) == list(COLUMNS)
    assert window.candles.iloc[0].tolist() == list(GOOD)


def test_the_frame_that_was_given_is_not_changed():
    frame = good_frame([2, 0, 0], None)
    before = frame.copy(deep=True)
    window = inspect_window(frame, MINUTE, at(3))
    window.candles.iloc[0, 0] = -1.0
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        pytest.param([1, 2], "came as list", id="no frame"),
        pytest.param(good_frame([0]).reset_index(drop=True), "indexed by RangeIndex", id="no times"),
        pytest.param(good_frame([0])[["open", "close"]], "high, low, volume each: they have open, close", id="columns"),
        pytest.param(
            good_frame([0]).set_axis(["open", "open", "low", "close", "volume"], axis=1), "open, high", id="twice"
        ),
        pytest.param(good_frame([0]).astype(object).replace(2.0, "many"), "no number.*many", id="text"),
        pytest.param(good_frame([0, 1]).set_axis(pd.DatetimeIndex(["2025-01-01", None])), "NaT", id="no time"),
    ],
)
def test_what_is_no_candles_is_refused_in_one_sentence(frame, sentence):
    with pytest.raises(DataError, match=sentence):
        inspect_window(frame, MINUTE, at(3))


values = st.sampled_from([GOOD, (100.0, 100.0, 100.0, 100.0, 0.0), (100.0, 99.0, 101.0, 100.0, 1.0), (math.nan,) * 5])
rows = st.lists(st.tuples(st.integers(0, 30), values).map(lambda pair: (pair[0], *pair[1])), max_size=30)


def slow_reference(rows, now_minute):
    """Row by row: what is kept, missing and late."""
    newest_of = {}
    for minute, *row in rows:
        if minute < now_minute:
            newest_of[minute] = row
    kept = sorted(
        minute for minute, (o, h, low, c, v) in newest_of.items() if not math.isnan(o) and 0 < low <= min(o, c) <= h
    )
    gaps = [m for before, after in itertools.pairwise(kept) for m in range(before + 1, after)]
    return kept, len(gaps), gaps[:1], (now_minute - 1 - kept[-1] if kept else 0)


@given(rows=rows, now_minute=st.integers(0, 40), within=st.integers(0, MINUTE.ms - 1))
def test_any_frame_is_judged_as_a_slow_reader_would(rows, now_minute, within):
    window = inspect_window(frame_of(rows), MINUTE, at(now_minute, within))
    kept, missing, gaps, late = slow_reference(rows, now_minute)
    assert minutes_of(window) == kept
    assert (window.missing, window.late) == (missing, late)
    assert window.first_gap == (f"2025-01-01 00:{gaps[0]:02d}" if gaps else None)
    assert np.isfinite(window.candles.to_numpy()).all()


@given(rows=rows, now_minute=st.integers(0, 40), extra=st.integers(0, 20))
def test_later_candles_never_change_what_was_closed(rows, now_minute, extra):
    earlier = [row for row in rows if row[0] < now_minute]
    alone = inspect_window(frame_of(earlier), MINUTE, at(now_minute))
    among = inspect_window(frame_of([*earlier, (now_minute + extra, *GOOD)]), MINUTE, at(now_minute))
    pd.testing.assert_frame_equal(alone.candles, among.candles)
