from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange_simulator.market.intervals import DAY_US, HOUR_US, MINUTE_US, SECOND_US, Interval

INSTANTS = st.integers(min_value=10 * DAY_US, max_value=4_000_000_000 * SECOND_US)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND_US


@pytest.mark.parametrize(
    ("interval", "opens"),
    [
        pytest.param("1s", "2024-02-29T13:47:31", id="second"),
        pytest.param("5m", "2024-02-29T13:45:00", id="five minutes"),
        pytest.param("4h", "2024-02-29T12:00:00", id="four hours"),
        pytest.param("1d", "2024-02-29T00:00:00", id="day in UTC"),
        pytest.param("1w", "2024-02-26T00:00:00", id="week begins on Monday"),
        pytest.param("1M", "2024-02-01T00:00:00", id="month begins on the first"),
    ],
)
def test_a_candle_opens_where_binance_opens_it(interval: str, opens: str):
    assert Interval(interval).floor(at("2024-02-29T13:47:31")) == at(opens)


def test_the_month_after_december_is_january():
    assert Interval.MONTH.next(at("2023-12-01T00:00:00")) == at("2024-01-01T00:00:00")
    assert Interval.MONTH.back(at("2024-01-01T00:00:00"), 13) == at("2022-12-01T00:00:00")


@given(instant=INSTANTS, interval=st.sampled_from(Interval))
@settings(deadline=None)
def test_every_instant_lies_in_exactly_the_candle_that_floor_names(instant: int, interval: Interval):
    opened = interval.floor(instant)
    assert opened <= instant < interval.next(opened)
    assert interval.floor(opened) == opened
    assert interval.back(interval.next(opened), 1) == opened
    assert opened % interval.base_us == 0


@pytest.mark.parametrize(
    ("interval", "base"),
    [("1s", SECOND_US), ("30m", MINUTE_US), ("12h", HOUR_US), ("1d", DAY_US), ("1M", DAY_US)],
)
def test_an_interval_is_put_together_from_the_longest_stored_candle_that_fits(interval: str, base: int):
    assert Interval(interval).base_us == base
