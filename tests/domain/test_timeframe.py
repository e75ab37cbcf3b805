import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import ConfigError
from app.domain.timeframe import SUPPORTED, Timeframe

instants = st.integers(min_value=0, max_value=4_102_444_800_000)


@given(st.sampled_from(SUPPORTED), instants)
def test_an_instant_lies_in_exactly_one_candle(name, at_ms):
    timeframe = Timeframe.parse(name)
    opened = timeframe.open_of(at_ms)
    assert opened <= at_ms < opened + timeframe.ms
    assert timeframe.open_of(opened) == opened
    assert timeframe.next_close(at_ms) == opened + timeframe.ms
    assert timeframe.last_closed_open(at_ms) == opened - timeframe.ms


def test_a_week_opens_on_monday():
    opened = Timeframe.parse("1w").open_of(int(pd.Timestamp("2025-01-03", tz="UTC").timestamp() * 1000))
    assert pd.Timestamp(opened, unit="ms").day_name() == "Monday"


@pytest.mark.parametrize("name", ["", "1", "m", "7m", "1M", "one hour", "-1m"])
def test_an_unknown_timeframe_is_refused_with_those_that_are_known(name):
    with pytest.raises(ConfigError, match="use one of 1s, 1m"):
        Timeframe.parse(name)
