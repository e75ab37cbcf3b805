"""Amounts as text and as integers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange_simulator.engine.numbers import SCALE, parse, times, to_text


@settings(deadline=None)
@given(st.integers(-(10**24), 10**24))
def test_every_amount_survives_being_printed_and_read(units):
    assert parse(to_text(units)) == units


@pytest.mark.parametrize(
    ("text", "units"),
    [
        pytest.param("1", SCALE, id="whole"),
        pytest.param("0.00000001", 1, id="smallest"),
        pytest.param("-2.50", -250_000_000, id="negative"),
        pytest.param("1.000000000000", SCALE, id="zeros beyond the eighth decimal"),
    ],
)
def test_text_is_read_exactly(text, units):
    assert parse(text) == units


@pytest.mark.parametrize("text", ["", ".", "1e5", "nan", "1.2.3", "+1", " 1", "1,5", "٣", "0.000000001", "--1"])
def test_what_is_no_amount_is_refused_by_its_text(text):
    with pytest.raises(ValueError, match="decimal"):
        parse(text)


def test_a_quote_amount_is_rounded_down():
    assert times(3, SCALE // 2) == 1
