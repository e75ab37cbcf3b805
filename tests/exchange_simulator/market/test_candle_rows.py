import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange_simulator.market import candles
from exchange_simulator.market.candles import Column
from exchange_simulator.market.intervals import DAY_US, MINUTE_US, SECOND_US, Interval
from exchange_simulator.market.tape import Grid, Tape

START = 1_709_164_800_000_000  # 2024-02-29T00:00:00Z

PRINT = st.tuples(
    st.integers(0, 40 * DAY_US),
    st.integers(1, 10**7),
    st.integers(0, 10**6),
    st.booleans(),
)


def tape_of(prints: list[tuple[int, int, int, bool]]) -> Tape:
    ordered = sorted(prints, key=lambda item: item[0])
    return Tape(
        np.array([START + item[0] for item in ordered], np.int64),
        np.array([item[1] for item in ordered], np.int64),
        np.array([item[2] for item in ordered], np.int64),
        np.array([item[3] for item in ordered], np.bool_),
    )


def by_hand(tape: Tape, interval: Interval) -> dict[int, list[int]]:
    """Candles as a loop over prints would make them: an independent second opinion."""
    made: dict[int, list[int]] = {}
    for time_us, price, quantity, buyer in zip(tape.time_us, tape.price, tape.quantity, tape.buyer, strict=True):
        opened = interval.floor(int(time_us))
        candle = made.setdefault(opened, [opened, price, price, price, price, 0, 0, 0, 0, 0, candles.NO_TRADE])
        candle[2] = max(candle[2], price)
        candle[3] = min(candle[3], price)
        candle[4] = price
        candle[5] += quantity
        candle[6] += price * quantity
        candle[7] += quantity > 0
        candle[8] += quantity if buyer else 0
        candle[9] += price * quantity if buyer else 0
    return made


@given(prints=st.lists(PRINT, max_size=60), interval=st.sampled_from(Interval))
@settings(deadline=None)
def test_candles_equal_those_of_a_loop_over_the_prints(prints: list[tuple[int, int, int, bool]], interval: Interval):
    tape = tape_of(prints)
    rows = candles.regrouped(candles.from_tape(tape, interval.base_us), interval)
    assert rows.tolist() == [[int(value) for value in candle] for candle in by_hand(tape, interval).values()]


@given(
    prints=st.lists(PRINT, min_size=1, max_size=60),
    pair=st.sampled_from([("1s", "1m"), ("1m", "15m"), ("15m", "1h"), ("1h", "12h"), ("12h", "1d"), ("1d", "1M")]),
)
@settings(deadline=None)
def test_long_candles_equal_the_short_ones_put_together(
    prints: list[tuple[int, int, int, bool]], pair: tuple[str, str]
):
    short, long = Interval(pair[0]), Interval(pair[1])
    base = candles.from_tape(tape_of(prints), short.base_us)
    directly = candles.regrouped(base, long)
    through_short = candles.regrouped(candles.regrouped(base, short), long)
    assert directly.tolist() == through_short.tolist()


@given(instants=st.lists(st.integers(10 * DAY_US, 4 * 10**15), max_size=20), interval=st.sampled_from(Interval))
@settings(deadline=None)
def test_floors_of_an_array_equal_the_floor_of_each(instants: list[int], interval: Interval):
    array = np.array(instants, np.int64)
    assert candles.floors(array, interval).tolist() == [interval.floor(instant) for instant in instants]


def test_a_minute_without_trades_is_a_flat_candle_at_the_last_close():
    rows = candles.from_tape(tape_of([(0, 100, 5, True), (1, 103, 5, True), (2 * MINUTE_US, 101, 5, False)]), MINUTE_US)
    opens = START + MINUTE_US * np.arange(-1, 3)
    flat = candles.filled(rows, opens, Interval.M1, [])[1]
    assert flat.tolist() == [START + MINUTE_US, 103, 103, 103, 103, 0, 0, 0, 0, 0, candles.NO_TRADE]
    assert len(candles.filled(rows, opens, Interval.M1, [])) == 3  # nothing before the first print


@pytest.mark.parametrize(
    ("hole", "missing"),
    [
        pytest.param((1, 3), {1, 2}, id="candles wholly inside are missing"),
        pytest.param((0, 1), set(), id="a candle with prints stays"),
        pytest.param((3, 3), set(), id="an empty hole hides nothing"),
    ],
)
def test_a_hole_of_the_market_has_no_candles(hole: tuple[int, int], missing: set[int]):
    rows = candles.from_tape(tape_of([(0, 100, 5, True)]), MINUTE_US)
    opens = START + MINUTE_US * np.arange(5)
    span = (START + hole[0] * MINUTE_US, START + hole[1] * MINUTE_US)
    shown = candles.filled(rows, opens, Interval.M1, [span])
    assert {int(row[Column.OPEN_US] - START) // MINUTE_US for row in shown} == set(range(5)) - missing


def test_a_candle_that_only_partly_lies_in_a_hole_is_shown():
    rows = candles.from_tape(tape_of([(0, 100, 5, True)]), SECOND_US)
    hole = (START + 90 * SECOND_US, START + 180 * SECOND_US)
    shown = candles.filled(candles.regrouped(rows, Interval.M1), START + MINUTE_US * np.arange(3), Interval.M1, [hole])
    assert len(shown) == 2  # minute 1 is half in the hole, minute 2 wholly


def test_no_prints_give_no_candles():
    assert len(candles.from_tape(Tape.empty(), MINUTE_US)) == 0
    assert len(candles.filled(candles.no_rows(), np.array([START]), Interval.M1, [])) == 0


@pytest.mark.parametrize(
    ("tick", "step"),
    [pytest.param(0, 10**8, id="no tick"), pytest.param(10, 10, id="quote amounts below 1e-8")],
)
def test_a_grid_without_whole_quote_amounts_is_refused(tick: int, step: int):
    with pytest.raises(ValueError, match="whole quote amounts"):
        Grid(tick, step)
